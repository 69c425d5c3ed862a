// @ts-check
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { lastLines, run } from '../lib/commands.mjs';
import { projectDir } from '../lib/places.mjs';

/** @typedef {import('./compare.mjs').Violation} Violation */

const timeoutMs = 300_000;

/**
 * What the product says of itself: `npm run verify`, over the same database and server. It shares code with what it looks at, so it stands beside the
 * comparison, not for it.
 * @param {{home: string, appUrl: string}} where
 * @returns {Promise<Violation[]>}
 */
export async function verifiedViolations({ home, appUrl }) {
  const file = join(home, 'verified.json');
  const env = { ...process.env, DATABASE_URL: appUrl, LETTERBOOK_HOME: home };
  const args = [join(projectDir, 'scripts/verify.mjs'), '--all', '--wait', '10', '--json', file];
  const { code, stdout, stderr } = await run(process.execPath, args, { env, timeoutMs });
  if (code === 0) return [];
  const said = lastLines(`${stdout}\n${stderr}`, 12);
  return [{ kind: 'verify', what: `npm run verify ends with ${code}: ${said}` }, ...named(file)];
}

/** @param {string} file @returns {Violation[]} */
function named(file) {
  try {
    return namedViolations(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return [];
  }
}

/** @typedef {{invariant: string, says: string, messageId?: string, folderId?: string, uid?: number}} Told */
/** @typedef {{tenantId: string, violations: Told[]}} Checked */

/**
 * What is wrong, one by one, from what `npm run verify -- --json` wrote; of a message with its id, so that its trail can be told.
 * @param {{mailboxes: (Checked & {mailboxId: string})[], tenants: Checked[]}} report
 * @returns {Violation[]}
 */
export function namedViolations({ mailboxes, tenants }) {
  return [...mailboxes, ...tenants].flatMap(({ tenantId, violations, ...of }) =>
    violations.map((one) => ({
      kind: 'verify',
      what: JSON.stringify({ ...('mailboxId' in of ? { mailboxId: of.mailboxId } : {}), ...one }),
      tenantId: uuidIn(tenantId),
      ...(one.messageId === undefined ? {} : { messageId: uuidIn(one.messageId) }),
    })),
  );
}

/** @param {string} id `msg_` and the like before a UUID without hyphens */
function uuidIn(id) {
  const hex = id.slice(id.indexOf('_') + 1);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

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
    const { violations = [] } = JSON.parse(readFileSync(file, 'utf8'));
    return violations.map((/** @type {unknown} */ one) => ({ kind: 'verify', what: JSON.stringify(one) }));
  } catch {
    return [];
  }
}

// @ts-check
import { ledgerViolations } from './compare-ledger.mjs';
import { ledgerOf, publicId } from './facts.mjs';
import { wait } from './part.mjs';

/** @typedef {import('./facts.mjs').Product} Product */

const lookEveryMs = 1_000;
const sayEveryMs = 15_000;
const leastQuietMs = 240_000;
const besideBackOffMs = 60_000;

/**
 * How long may be waited for rest: the pauses between the audits of a difference are as long as it has lasted, so up to the time of the strikes.
 * @param {number} struckForMs
 * @returns {number}
 */
export function quietWithinMs(struckForMs) {
  return Math.max(leastQuietMs, struckForMs + besideBackOffMs);
}

/** So often nothing may have been written between two looks. */
const looksAlike = 3;

/**
 * Waits until the product has come to rest by itself: nothing strikes any more, nobody sorts mail, and nobody asks it to look.
 * @param {object} wish
 * @param {import('pg').Client} wish.database
 * @param {Product} wish.product
 * @param {import('./compare.mjs').Facts['shown']} wish.shown what the server shows, which does not change any more
 * @param {() => Promise<string | null>} wish.whatIsDown
 * @param {number} wish.timeoutMs
 * @param {(line: string) => void} wish.say
 * @param {(answered: number) => void} wish.answered how many removals were confirmed, as a person would who knows of them
 * @returns {Promise<{isQuiet: boolean, afterMs: number, notQuiet: string[]}>}
 */
export async function untilQuiet({ database, product, shown, whatIsDown, timeoutMs, say, answered }) {
  const began = Date.now();
  let before = '';
  let saidAt = began;
  for (let alike = 0; alike < looksAlike;) {
    const notQuiet = await whoIsNotQuiet({ database, product, shown, whatIsDown });
    const written = await writtenSoFar(database);
    alike = notQuiet.length === 0 && written === before ? alike + 1 : 0;
    before = written;
    if (Date.now() - saidAt > sayEveryMs && notQuiet.length > 0) {
      saidAt = Date.now();
      say(`not at rest: ${notQuiet[0]}${notQuiet.length > 1 ? `, and ${notQuiet.length - 1} more` : ''}`);
    }
    if (Date.now() - began > timeoutMs) return { isQuiet: false, afterMs: Date.now() - began, notQuiet };
    if (notQuiet.some((line) => line.includes('confirm-removal'))) answered(await confirmRemovals(database, product));
    if (alike < looksAlike) await wait(lookEveryMs);
  }
  return { isQuiet: true, afterMs: Date.now() - began, notQuiet: [] };
}

/** @param {{database: import('pg').Client, product: Product, shown: import('./compare.mjs').Facts['shown'], whatIsDown: () => Promise<string | null>}} at @returns {Promise<string[]>} */
async function whoIsNotQuiet({ database, shown, whatIsDown }) {
  const down = await whatIsDown();
  if (down !== null) return [down];
  const rows = async (/** @type {string} */ sql) => (await database.query(sql)).rows;
  const states = await rows(
    `SELECT m.username, m.state, m.state_reason AS reason, m.flags FROM mailbox m WHERE m.state <> 'live' OR m.flags <> '{}' ORDER BY 1`,
  );
  const open = await rows(
    `SELECT kind, state, count(*)::int AS n FROM operation WHERE state NOT IN ('done', 'failed', 'cancelled') GROUP BY 1, 2`,
  );
  const waiting = await rows(
    `SELECT m.username, count(*)::int AS n FROM removal r JOIN mailbox m USING (source_id) WHERE r.state <> 'kept' GROUP BY 1`,
  );
  const differences = ledgerViolations({ shown, ...(await ledgerOf(database)) });
  return [
    ...states.map(
      ({ username, state, reason, flags }) => `${username} is ${[state, reason, ...flags].filter(Boolean).join(', ')}`,
    ),
    ...open.map(({ kind, state, n }) => `${n} operations of the kind ${kind} are ${state}`),
    ...waiting.map(({ username, n }) => `${n} removals of ${username} wait`),
    ...differences.map(({ kind, what }) => `${kind}: ${what}`),
  ];
}

/** @param {import('pg').Client} database @returns {Promise<string>} */
async function writtenSoFar(database) {
  const { rows } = await database.query(
    `SELECT (SELECT count(*) FROM outbox) || ' ' || (SELECT count(*) FROM placement) || ' ' || (SELECT count(*) FROM copy) || ' ' ||
       (SELECT count(*) FROM search_pending) AS written`,
  );
  return rows[0].written;
}

/** @param {import('pg').Client} database @param {Product} product @returns {Promise<number>} */
async function confirmRemovals(database, { tenants }) {
  const { rows } = await database.query(
    `SELECT tenant_id, source_id FROM mailbox WHERE 'confirm-removal' = ANY (flags)`,
  );
  let answered = 0;
  for (const { tenant_id: tenantId, source_id: sourceId } of rows) {
    const api = tenants.find((tenant) => tenant.tenantId === tenantId)?.api;
    if (api === undefined) continue;
    const path = `/v1/mailboxes/${publicId('mbx', sourceId)}/removals`;
    try {
      const { asked: messages, askedAt } = await api.get(path);
      if (messages > 0) answered += (await api.post(`${path}/confirm`, { messages, askedAt })).messages;
    } catch {
      // The question has changed meanwhile: it is asked again at the next look.
    }
  }
  return answered;
}

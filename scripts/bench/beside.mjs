// @ts-check
import { benchRecords } from './mail-server.mjs';

/** What a Letterbook does beside new mail: imports a big mailbox, and deletes it. */

/** @typedef {import('../demo/api.mjs').Api} Api */
/** @typedef {import('../demo/deliver.mjs').MailServer} MailServer */

const longestMs = 3_600_000;

/** Connects a mailbox to a tenant that is to have all of its history. @param {Api} api @param {MailServer} source @returns {Promise<string>} its id */
export async function connectWhole(api, source) {
  await api.upload('/v1/records/bulk', benchRecords());
  const { id } = await api.post('/v1/mailboxes', {
    address: source.user,
    imap: { host: source.host, port: source.imapPort, security: 'none' },
    auth: { type: 'password', username: source.user, password: source.password },
    policy: { start: { from: 'everything' } },
  });
  return id;
}

/** Ledger rows of these mailboxes that say what became of a message. @param {import('pg').Client} database @param {string[]} ids @returns {Promise<number>} */
export async function importedOf(database, ids) {
  const { rows } = await database.query(
    'SELECT count(*)::int AS decided FROM placement WHERE outcome <> 1 AND source_id = ANY ($1::uuid[])',
    [ids.map((id) => id.replace('mbx_', ''))],
  );
  return rows[0].decided;
}

/** Messages that wait for their search rows. @param {import('pg').Client} database @returns {Promise<number>} */
export async function unsearchedOf(database) {
  const { rows } = await database.query('SELECT count(*)::int AS pending FROM search_pending');
  return rows[0].pending;
}

/** Waits until something is so. @param {() => boolean | Promise<boolean>} condition @param {number} everyMs */
export async function until(condition, everyMs) {
  for (const endsAt = performance.now() + longestMs; !(await condition());) {
    if (performance.now() > endsAt) throw new Error('What the bench waits for does not happen.');
    await new Promise((wake) => setTimeout(wake, everyMs));
  }
}

/** Deletes a mailbox, from the wish to the report. @param {Api} api @param {string} mailboxId @param {string} address @returns {Promise<number>} the seconds */
export async function deleteWhole(api, mailboxId, address) {
  const began = performance.now();
  const { deletionId } = await api.remove(`/v1/mailboxes/${mailboxId}?confirm=${encodeURIComponent(address)}`);
  await until(async () => (await api.get(`/v1/deletions/${deletionId}`)).state === 'done', 250);
  return (performance.now() - began) / 1_000;
}

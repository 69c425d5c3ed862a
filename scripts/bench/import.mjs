// @ts-check
import { benchRecords } from './mail-server.mjs';
import { cpuOf, peakMegabytesOf } from './processes.mjs';

/** @typedef {import('./letterbook.mjs').Letterbook} Letterbook */

/**
 * Connects the mailbox and waits until its last ledger row says what became of the message.
 * @param {Letterbook} letterbook @param {import('../demo/deliver.mjs').MailServer} server
 * @param {{messages: number, dovecotPid: number, progress: (done: number, total: number) => void}} about
 */
export async function measuredImport(letterbook, server, { messages, dovecotPid, progress }) {
  const { api, database } = letterbook;
  const pids = { ...letterbook.pids, dovecot: dovecotPid };
  await api.upload('/v1/records/bulk', benchRecords());
  const before = cpuOf(pids);
  const connectedAt = Date.now();
  await api.post('/v1/mailboxes', {
    address: server.user,
    imap: { host: server.host, port: server.imapPort, security: 'none' },
    auth: { type: 'password', username: server.user, password: server.password },
    policy: { start: { from: 'everything' } },
  });
  const ledger = await untilDecided(database, { messages, progress });
  const cpu = cpuOf(pids);
  const searchable = await untilSearchable(database);
  return {
    messages: ledger.decided,
    recorded: ledger.recorded,
    seconds: (ledger.last.getTime() - ledger.listed.getTime()) / 1_000,
    startSeconds: (ledger.listed.getTime() - connectedAt) / 1_000,
    searchableSeconds: (searchable - ledger.listed.getTime()) / 1_000,
    peakMegabytes: peakMegabytesOf(pids.worker),
    cpuSeconds: Object.fromEntries(Object.entries(cpu).map(([name, seconds]) => [name, seconds - (before[name] ?? 0)])),
  };
}

const patienceMs = 120_000;

/**
 * @param {import('pg').Client} database @param {{messages: number, progress: (done: number, total: number) => void}} wanted
 * @returns {Promise<{decided: number, recorded: number, listed: Date, last: Date}>}
 */
async function untilDecided(database, { messages, progress }) {
  let decided = -1;
  let movedAt = Date.now();
  for (;;) {
    const { rows } = await database.query(
      `SELECT count(*) FILTER (WHERE outcome <> 1)::int AS decided, count(*) FILTER (WHERE outcome = 2)::int AS recorded,
              max(recorded_at) AS last, (SELECT min(first_seen_at) FROM folder_generation) AS listed FROM placement`,
    );
    const [now] = rows;
    if (now.decided >= messages) return now;
    if (now.decided !== decided) movedAt = Date.now();
    decided = now.decided;
    progress(decided, messages);
    if (Date.now() - movedAt > patienceMs)
      throw new Error(`The import stands still at ${decided} of ${messages} messages.`);
    await new Promise((wake) => setTimeout(wake, 150));
  }
}

/** Search rows are written behind the import. @param {import('pg').Client} database @returns {Promise<number>} when the last was written */
async function untilSearchable(database) {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const { rows } = await database.query('SELECT count(*)::int AS pending FROM search_pending');
    if (rows[0].pending === 0) return Date.now();
    if (Date.now() > deadline) return NaN;
    await new Promise((wake) => setTimeout(wake, 150));
  }
}

// @ts-check
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** @typedef {import('../lib/dovecot.mjs').Dovecot} Dovecot */

/**
 * Connects accounts through the API, many at a time, for each waits until Temporal has its workflow. The server knows every user, so an
 * account needs no making.
 * @param {import('../demo/api.mjs').Api} api @param {Dovecot} dovecot
 * @param {{users: string[], atOnce?: number, progress?: (done: number, total: number) => void}} wanted
 * @returns {Promise<Map<string, string>>} ids by user
 */
export async function connectFleet(api, dovecot, { users, atOnce = 32, progress = () => {} }) {
  /** @type {Map<string, string>} */
  const ids = new Map();
  let next = 0;
  const lane = async () => {
    for (let user = users[next++]; user !== undefined; user = users[next++]) {
      const { id } = await api.post('/v1/mailboxes', {
        address: user,
        imap: { host: dovecot.host, port: dovecot.imapPort, security: 'none' },
        auth: { type: 'password', username: user, password: dovecot.password },
      });
      ids.set(user, id);
      progress(ids.size, users.length);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return ids;
}

/** Mailboxes by state, with the product's own words. @param {import('pg').Client} database @returns {Promise<Record<string, number>>} */
export async function statesOf(database) {
  const { rows } = await database.query('SELECT state, count(*)::int AS count FROM mailbox GROUP BY 1');
  return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
}

/**
 * Accounts that have a session just now, as the server itself says (verbose_proctitle).
 * @param {Dovecot} dovecot
 * @returns {{users: Set<string>, sessions: number}}
 */
export function sessionsOn(dovecot) {
  const users = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => /imap \[(\S+) /.exec(titleOf(pid, dovecot.pid))?.[1] ?? []);
  return { users: new Set(users), sessions: users.length };
}

/** Accounts that a worker has vouched for since then. @param {import('pg').Client} database @param {Date} since @returns {Promise<Set<string>>} */
async function watchedSince(database, since) {
  const { rows } = await database.query(
    `SELECT m.username FROM mailbox_watch w JOIN mailbox m USING (tenant_id, source_id)
     WHERE w.mode IN ('notify', 'idle', 'sweep') AND w.watched_at >= $1`,
    [since],
  );
  return new Set(rows.map(({ username }) => username));
}

/** @param {string} pid @param {number} parent @returns {string} nothing for what is no child of it */
function titleOf(pid, parent) {
  try {
    const title = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
    if (!title.includes('imap [')) return '';
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const above = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    return above === parent ? title : '';
  } catch {
    return '';
  }
}

/**
 * Waits until each account is watched: a worker says so, which it does once a second, and the server has a session of it.
 * @param {{dovecot: Dovecot, database: import('pg').Client}} where
 * @param {{users: string[], since: Date, timeoutMs: number, progress?: (done: number, total: number) => void}} wanted `since`: what was said before is not believed
 * @returns {Promise<{attached: number, seconds: number, firstSeconds: number}>} `attached` below their number: the time was over
 */
export async function untilAttached({ dovecot, database }, { users, since, timeoutMs, progress = () => {} }) {
  const began = performance.now();
  const elapsed = () => (performance.now() - began) / 1_000;
  let firstSeconds = NaN;
  for (;;) {
    const [watched, sessions] = [await watchedSince(database, since), sessionsOn(dovecot)];
    const attached = users.filter((user) => watched.has(user) && sessions.users.has(user)).length;
    if (attached > 0 && Number.isNaN(firstSeconds)) firstSeconds = elapsed();
    progress(attached, users.length);
    if (attached === users.length || elapsed() * 1_000 > timeoutMs)
      return { attached, seconds: elapsed(), firstSeconds };
    await new Promise((wake) => setTimeout(wake, 250));
  }
}

/**
 * A process of the server that idles takes an inotify instance of its account; those above the system's limit look once a second
 * instead, which is late.
 * @param {number} sessions @returns {string | null} what to do
 */
export function inotifyAdvice(sessions) {
  const file = '/proc/sys/fs/inotify/max_user_instances';
  if (!existsSync(file)) return null;
  const allowed = Number(readFileSync(file, 'utf8'));
  if (allowed >= sessions + 50) return null;
  return `the system allows ${allowed} inotify instances, so most sessions of Dovecot look once a second: sysctl -w fs.inotify.max_user_instances=${2 ** Math.ceil(Math.log2(sessions + 50))}`;
}

/**
 * Each watched mailbox is an open file of its worker. Node raises the soft limit of a process to the hard one by itself.
 * @param {number} mailboxes @returns {string | null} what to do
 */
export function filesAdvice(mailboxes) {
  const allowed = Number(
    /^Max open files\s+\S+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? Infinity,
  );
  const needed = mailboxes * 2 + 200;
  return allowed >= needed ? null : `a process may open ${allowed} files and needs ${needed}: ulimit -Hn ${needed}`;
}

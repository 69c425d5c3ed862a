// @ts-check
import { readdirSync, readFileSync } from 'node:fs';

/** @typedef {import('../lib/dovecot.mjs').Dovecot} Dovecot */

/**
 * Connects accounts through the API, several at a time. The server knows every user, so an account needs no making.
 * @param {import('../demo/api.mjs').Api} api @param {Dovecot} dovecot
 * @param {{users: string[], atOnce?: number, progress?: (done: number, total: number) => void}} wanted
 * @returns {Promise<Map<string, string>>} ids by user
 */
export async function connectFleet(api, dovecot, { users, atOnce = 8, progress = () => {} }) {
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
 * Accounts with a session that idles just now, as the server itself says (verbose_proctitle).
 * @returns {{idling: Set<string>, sessions: number}} `sessions`: all of them, idling or not
 */
export function sessionsOn(/** @type {Dovecot} */ dovecot) {
  /** @type {Set<string>} */
  const idling = new Set();
  let sessions = 0;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const [, user = '', doing = ''] = /imap \[(\S+) \S+ ?([^\]]*)\]/.exec(titleOf(pid, dovecot.pid)) ?? [];
    if (user === '') continue;
    sessions += 1;
    if (doing.includes('IDLE')) idling.add(user);
  }
  return { idling, sessions };
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
 * Waits until the server has an idling session of each account.
 * @param {Dovecot} dovecot @param {{users: string[], timeoutMs: number, progress?: (done: number, total: number) => void}} wanted
 * @returns {Promise<{attached: number, seconds: number, firstSeconds: number}>} `attached` below their number: the time was over
 */
export async function untilAttached(dovecot, { users, timeoutMs, progress = () => {} }) {
  const began = performance.now();
  const elapsed = () => (performance.now() - began) / 1_000;
  let firstSeconds = NaN;
  for (;;) {
    const { idling } = sessionsOn(dovecot);
    const attached = users.filter((user) => idling.has(user)).length;
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
  const allowed = Number(readFileSync(file, 'utf8'));
  if (allowed >= sessions + 50) return null;
  return `the system allows ${allowed} inotify instances, so most sessions of Dovecot look once a second: sysctl -w fs.inotify.max_user_instances=${2 ** Math.ceil(Math.log2(sessions + 50))}`;
}

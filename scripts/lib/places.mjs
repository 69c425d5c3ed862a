// @ts-check
import { createHash } from 'node:crypto';
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { run } from './commands.mjs';
import { SetupError } from './setup-error.mjs';

/** The root of the clone. */
export const projectDir = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');

/**
 * Where downloaded and built programs are kept, shared by all clones of a user.
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {string}
 */
export function cacheDir(env = process.env) {
  if (env.LETTERBOOK_CACHE) return resolve(env.LETTERBOOK_CACHE);
  return join(env.XDG_CACHE_HOME ? resolve(env.XDG_CACHE_HOME) : join(homedir(), '.cache'), 'letterbook');
}

/**
 * The data directory.
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {string}
 */
export function homeDir(env = process.env) {
  return resolve(projectDir, env.LETTERBOOK_HOME && env.LETTERBOOK_HOME !== '' ? env.LETTERBOOK_HOME : '.letterbook');
}

/**
 * A user of the system that a server runs as.
 * @typedef {{ name: string, group: string, uid: number, gid: number }} Account
 */

/**
 * Postgres refuses to run as root, and a mail server should not: as root the first of the given accounts that exists is
 * taken (none is made), otherwise the user's own.
 * @param {string[]} preferred
 * @returns {Promise<Account>}
 */
export async function serverAccount(preferred) {
  if (process.getuid?.() !== 0) return accountOf(null);
  for (const name of preferred) {
    const known = await run('id', ['-u', name]);
    if (known.code === 0) return accountOf(name);
  }
  throw new Error(`None of the users ${preferred.join(', ')} exists on this system.`);
}

/**
 * @param {string | null} name null: who runs this
 * @returns {Promise<Account>}
 */
async function accountOf(name) {
  /** @param {string} flag */
  const ask = async (flag) => (await run('id', [...flag.split(' '), ...(name === null ? [] : [name])])).stdout.trim();
  const [uid, gid, user, group] = await Promise.all([ask('-u'), ask('-g'), ask('-u -n'), ask('-g -n')]);
  return { uid: Number(uid), gid: Number(gid), name: user ?? '', group: group ?? '' };
}

/**
 * What `spawn` needs to run as that account; nothing when it is us already.
 * @param {Account} account
 * @returns {{ uid?: number, gid?: number }}
 */
export function runningAs(account) {
  return account.uid === process.getuid?.() ? {} : { uid: account.uid, gid: account.gid };
}

/**
 * Whether that account can reach a path: every folder above it must let it pass.
 * @param {string} path
 * @param {Account} account
 * @returns {boolean}
 */
export function canReach(path, account) {
  for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
    if (existsSync(folder) && !mayPass(folder, account)) return false;
    if (folder === dirname(folder)) return true;
  }
}

/**
 * @param {string} folder
 * @param {Account} account
 * @returns {boolean}
 */
function mayPass(folder, { uid, gid }) {
  if (uid === 0) return true;
  const { mode, uid: owner, gid: group } = statSync(folder);
  if (owner === uid) return (mode & 0o100) !== 0;
  if (group === gid) return (mode & 0o010) !== 0;
  return (mode & 0o001) !== 0;
}

/**
 * A folder that belongs to an account: in the data directory where the account can reach it, else (root's clone in
 * /root, mode 700) in /var/lib/letterbook, with a link to it in the data directory.
 * @param {{ home: string, name: string, account: Account, say?: (line: string) => void }} wish
 * @returns {string} the folder's real path
 * @throws {SetupError} its data cannot be reached any more
 */
export function placeOf({ home, name, account, say = () => {} }) {
  const wanted = join(home, name);
  if (isLink(wanted)) return makeOwned(resolve(home, readlinkSync(wanted)), account);
  if (canReach(wanted, account)) return makeOwned(wanted, account);
  if (existsSync(wanted)) {
    throw new SetupError(
      `User ${account.name} can no longer enter ${wanted}.`,
      'Let every folder above it be passed (chmod o+x).',
    );
  }
  const elsewhere = join(elsewhereOf(home), name);
  makeReachable(dirname(elsewhere));
  writeFileSync(join(dirname(elsewhere), 'belongs-to'), `${home}\n`);
  mkdirSync(home, { recursive: true });
  symlinkSync(elsewhere, wanted);
  say(`user ${account.name} cannot enter ${home}: ${name} is kept in ${elsewhere}`);
  return makeOwned(elsewhere, account);
}

/**
 * A folder for programs that the account must be able to read, in the user's cache or, where that cannot be entered, /var/cache/letterbook.
 * @param {string} name
 * @param {Account} account
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {string}
 */
export function programPlace(name, account, env = process.env) {
  const wanted = join(cacheDir(env), name);
  return canReach(wanted, account) ? wanted : join('/var/cache/letterbook', name);
}

/**
 * A short folder for sockets: their paths may have 107 bytes only, and a clone's path may be longer.
 * @param {string} purpose
 * @param {string} key what the folder is for, so that the same is found again
 * @returns {string}
 */
export function socketPlace(purpose, key) {
  const parent = tmpdir().length < 40 ? tmpdir() : '/tmp';
  return join(parent, `letterbook-${purpose}-${placeName(`${key}\0${process.getuid?.() ?? 0}`)}`);
}

/**
 * Where data of a home are kept that its server's user cannot enter.
 * @param {string} home
 * @returns {string}
 */
export function elsewhereOf(home) {
  return join('/var/lib/letterbook', placeName(home));
}

/**
 * @param {string} key
 * @returns {string}
 */
function placeName(key) {
  return createHash('sha256').update(key).digest('hex').slice(0, 12);
}

/**
 * @param {string} folder
 * @param {Account} account
 * @returns {string}
 */
function makeOwned(folder, account) {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (account.uid !== process.getuid?.()) chownSync(folder, account.uid, account.gid);
  return folder;
}

/**
 * Makes a folder that everybody may pass, whatever the umask.
 * @param {string} folder
 */
export function makeReachable(folder) {
  const before = process.umask(0o022);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o755 });
  } finally {
    process.umask(before);
  }
}

/**
 * @param {string} path
 * @returns {boolean}
 */
function isLink(path) {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}

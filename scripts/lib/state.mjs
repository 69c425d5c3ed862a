// @ts-check
import { randomBytes } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';

import { elsewhereOf, projectDir } from './places.mjs';
import { SetupError } from './setup-error.mjs';

/** What `npm start` writes into the data directory; nothing else in it is ever removed. */
const ours =
  /^(postgres-\d+|postgres-passwords\.json|temporal-.*\.db(-wal|-shm)?|dovecot|demo.*\.json|logs|spool|secret-keys|api-key(\.new)?)$/;

/**
 * Makes the data directory, readable by its owner only where it holds secrets.
 * @param {string} home
 */
export function makeHome(home) {
  mkdirSync(join(home, 'logs'), { recursive: true });
}

/**
 * @param {string} home
 * @returns {boolean} the data directory would go with `git clean -fdx`
 */
export function isInClone(home) {
  return home.startsWith(`${projectDir}/`) && existsSync(join(projectDir, '.git'));
}

/**
 * Makes the key that mailbox passwords are encrypted with, once; its file has mode 0600.
 * @param {string} home
 * @param {NodeJS.ProcessEnv} env
 * @returns {'given' | 'made' | 'kept'}
 */
export function ensureSecretKeys(home, env) {
  if (env.LETTERBOOK_SECRET_KEYS) return 'given';
  const file = join(home, 'secret-keys');
  if (existsSync(file)) return 'kept';
  writeFileSync(file, `k1:${randomBytes(32).toString('base64')}\n`, { mode: 0o600, flag: 'wx' });
  return 'made';
}

/**
 * Empties the data directory after asking.
 * @param {{ home: string, argv: string[], say: (line: string) => void }} wish
 * @returns {Promise<'emptied' | 'left'>}
 * @throws {SetupError} nobody can be asked
 */
export async function resetState({ home, argv, say }) {
  const names = existsSync(home) ? readdirSync(home).filter((name) => ours.test(name)) : [];
  if (names.length === 0) return 'emptied';
  if (!argv.includes('--yes') && !(await agrees(home))) return 'left';
  for (const name of names) removeWithTarget(join(home, name));
  say(`${home} is emptied${process.env.DATABASE_URL ? '; the database of DATABASE_URL is as it was' : ''}`);
  return 'emptied';
}

/** @param {string} home */
async function agrees(home) {
  if (!process.stdin.isTTY) {
    throw new SetupError(`--reset would delete all mail and settings in ${home}.`, 'Say that you mean it with --yes.');
  }
  const asking = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await asking.question(`Delete all mail and settings in ${home}? [y/N] `);
  asking.close();
  return /^y(es)?$/i.test(answer.trim());
}

/**
 * Removes a data directory of a measurement, with what had to be kept elsewhere.
 * @param {string} home
 */
export function removeState(home) {
  if (existsSync(home)) for (const name of readdirSync(home)) removeWithTarget(join(home, name));
  rmSync(home, { recursive: true, force: true });
  // Also where the link to it is lost, with a home that was deleted by hand.
  rmSync(elsewhereOf(home), { recursive: true, force: true });
}

/**
 * Data that had to be kept elsewhere is behind a link; see `placeOf`.
 * @param {string} path
 */
function removeWithTarget(path) {
  if (lstatSync(path).isSymbolicLink()) {
    const target = resolve(dirname(path), readlinkSync(path));
    if (target.startsWith('/var/lib/letterbook/')) rmSync(target, { recursive: true, force: true });
  }
  rmSync(path, { recursive: true, force: true });
}

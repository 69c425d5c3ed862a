// @ts-check
import { createHash } from 'node:crypto';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startOf } from './processes.mjs';

/**
 * Does some work while no other process of this machine does work of the same name. A lock whose process has ended is nobody's.
 * @template Result
 * @param {string} name
 * @param {() => Promise<Result>} work
 * @returns {Promise<Result>}
 */
export async function withLock(name, work) {
  const file = join(tmpdir(), `letterbook-lock-${createHash('sha256').update(name).digest('hex').slice(0, 16)}`);
  const me = `${process.pid} ${(await startOf(process.pid)) ?? ''}`;
  while (!taken(file, me)) {
    if (!(await isHeld(file))) rmSync(file, { force: true });
    else await new Promise((wake) => setTimeout(wake, 200));
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

/**
 * @param {string} file
 * @param {string} me
 * @returns {boolean}
 */
function taken(file, me) {
  try {
    writeFileSync(file, me, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * @param {string} file
 * @returns {Promise<boolean>}
 */
async function isHeld(file) {
  try {
    const [pid = '', ...startedAt] = readFileSync(file, 'utf8').split(' ');
    if (pid === '') return Date.now() - statSync(file).mtimeMs < 5_000; // being written
    return (await startOf(Number(pid))) === startedAt.join(' ');
  } catch {
    return true; // just removed, or another user's: try again
  }
}

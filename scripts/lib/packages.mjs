// @ts-check
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { lastLines, run } from './commands.mjs';
import { projectDir } from './places.mjs';
import { SetupError } from './setup-error.mjs';

/**
 * @typedef {{ packages: Record<string, { version?: string, optional?: boolean, devOptional?: boolean }> }} Lock
 */

/**
 * Installs the packages of the lock file where what is installed differs from it.
 * @param {{ progress?: (done: number, total: number, unit: string) => void }} [watch]
 * @returns {Promise<'installed' | 'unchanged'>}
 * @throws {SetupError}
 */
export async function installPackages({ progress = () => {} } = {}) {
  const lock = readLock(join(projectDir, 'package-lock.json'));
  if (lock === null) throw new SetupError('package-lock.json cannot be read.', 'Is the clone complete?');
  const installed = readLock(join(projectDir, 'node_modules', '.package-lock.json'));
  if (installed !== null && matches(lock, installed)) return 'unchanged';
  const wanted = Object.entries(lock.packages).filter(([path, { optional }]) => path !== '' && optional !== true);
  const isThere = (/** @type {string} */ path) => existsSync(join(projectDir, path, 'package.json'));
  const count = () => wanted.filter(([path]) => isThere(path)).length;
  const timer = setInterval(() => progress(count(), wanted.length, 'packages'), 500);
  try {
    const done = await runNpm(['ci', '--include=dev', '--no-audit', '--no-fund']);
    if (done.code !== 0) {
      throw new SetupError(
        `npm ci fails: ${lastLines(done.stderr, 4)}.`,
        'Check the network and the registry settings of npm.',
      );
    }
  } finally {
    clearInterval(timer);
  }
  return 'installed';
}

/**
 * npm writes down in node_modules what it has put there, last of all; packages for other platforms are in the lock only.
 * @param {Lock} lock
 * @param {Lock} installed
 * @returns {boolean}
 */
export function matches(lock, installed) {
  return Object.entries(lock.packages).every(([path, { version, optional, devOptional }]) => {
    const there = installed.packages[path];
    if (path === '' || there?.version === version) return true;
    return there === undefined && (optional === true || devOptional === true);
  });
}

/**
 * @param {string} file
 * @returns {Lock | null}
 */
function readLock(file) {
  if (!existsSync(file)) return null;
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}

/**
 * The npm that started us, else the one on the PATH.
 * @param {string[]} args
 * @returns {Promise<import('./commands.mjs').Ran>}
 */
function runNpm(args) {
  const started = process.env.npm_execpath;
  const env = { ...process.env, NODE_ENV: 'development' };
  if (started?.endsWith('.js')) return run(process.execPath, [started, ...args], { cwd: projectDir, env });
  return run('npm', args, { cwd: projectDir, env });
}

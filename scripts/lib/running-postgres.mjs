// @ts-check
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

import { database, loginRole } from './postgres.mjs';

/**
 * Where the application finds the embedded Postgres that runs on a data directory; null where none does.
 * @param {string} home
 * @returns {string | null}
 */
export function runningAppUrl(home) {
  const names = existsSync(home) ? readdirSync(home).filter((name) => /^postgres-\d+$/.test(name)) : [];
  for (const name of names) {
    const pidFile = join(realpathSync(join(home, name)), 'postmaster.pid');
    // PostgreSQL 18, 66.1: process id, data directory, start and port, each on a line.
    const [pid, , , port] = existsSync(pidFile) ? readFileSync(pidFile, 'utf8').split('\n') : [];
    if (port === undefined || !isAlive(Number(pid))) continue;
    const { app } = JSON.parse(readFileSync(join(home, 'postgres-passwords.json'), 'utf8'));
    return `postgres://${loginRole}:${app}@127.0.0.1:${port.trim()}/${database}`;
  }
  return null;
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

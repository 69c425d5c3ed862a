// @ts-check
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  existsSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { lastLines, run } from './commands.mjs';
import { placeOf, projectDir, runningAs, serverAccount } from './places.mjs';
import { portAnswers } from './ports.mjs';
import { findPostgres } from './postgres-program.mjs';
import { endOfLog, startProcess } from './processes.mjs';
import { SetupError } from './setup-error.mjs';

const superuser = 'letterbook_owner';
export const loginRole = 'letterbook_login';
export const database = 'letterbook';

/**
 * @typedef {object} Postgres
 * @property {string} ownerUrl for migrations
 * @property {string} appUrl for the application, which owns nothing
 * @property {string} version
 * @property {string} dataDir
 * @property {import('./processes.mjs').Running} process
 */

/**
 * The databases that were given, or null where the embedded one is wanted.
 * @param {NodeJS.ProcessEnv} env
 * @returns {{ ownerUrl: string, appUrl: string } | null}
 * @throws {SetupError} only one of both is given
 */
export function givenPostgres(env) {
  const appUrl = env.DATABASE_URL ?? '';
  const ownerUrl = env.DATABASE_OWNER_URL ?? '';
  if (appUrl === '' && ownerUrl === '') return null;
  if (appUrl !== '' && ownerUrl !== '') return { ownerUrl, appUrl };
  const [given, missing] =
    appUrl === '' ? ['DATABASE_OWNER_URL', 'DATABASE_URL'] : ['DATABASE_URL', 'DATABASE_OWNER_URL'];
  throw new SetupError(
    `${given} is set, but not ${missing}.`,
    'Set both (the role of the application, and the owner for migrations), or neither for the embedded Postgres.',
  );
}

/**
 * Starts the embedded Postgres on data that is made at the first start.
 * @param {object} wish
 * @param {string} wish.home
 * @param {number} wish.port
 * @param {import('./processes.mjs').ProcessRecords} wish.records
 * @param {string} wish.logFile
 * @param {'durable' | 'throwaway'} [wish.use] throwaway: for tests, writes nothing to disk for good
 * @param {(line: string) => void} [wish.say]
 * @returns {Promise<Postgres>}
 * @throws {SetupError}
 */
export async function startPostgres({ home, port, records, logFile, use = 'durable', say = () => {} }) {
  const account = await serverAccount(['postgres', 'nobody']);
  const program = findPostgres({ account, say });
  const dataDir = placeOf({ home, name: `postgres-${program.major}`, account, say });
  const passwords = passwordsOf(home, dataDir);
  if (!existsSync(join(dataDir, 'PG_VERSION')))
    await initialise({ program, account, dataDir, password: passwords.owner });
  clearStalePid(dataDir);
  const launch = () =>
    startProcess({
      name: 'Postgres',
      command: program.postgres,
      args: ['-D', dataDir, '-p', String(port), ...settings(use)],
      cwd: dataDir,
      ...runningAs(account),
      env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' },
      records,
      logFile,
      endSignal: 'SIGINT', // fast shutdown: does not wait for clients, loses nothing
    });
  const server = await untilMemoryIsFree({ launch, port, logFile });
  const address = `127.0.0.1:${port}/${database}`;
  const ownerUrl = `postgres://${superuser}:${passwords.owner}@${address}`;
  const appUrl = `postgres://${loginRole}:${passwords.app}@${address}`;
  try {
    const answers = await portAnswers({ port, timeoutMs: 60_000, gaveUp: server.hasEnded });
    if (!answers)
      throw new SetupError(`Postgres does not start: ${lastLines(endOfLog(logFile))}.`, `Its log is ${logFile}.`);
    await prepareRoles({ ownerUrl, password: passwords.app, gaveUp: server.hasEnded });
  } catch (error) {
    await server.stop(5_000);
    throw error;
  }
  return { ownerUrl, appUrl, version: program.version, dataDir, process: server };
}

const memoryTries = 20;
const memoryPauseMs = 1_000;

/**
 * Starts the server. After a `kill -9` its orphaned children hold the shared memory until they have noticed; a start meanwhile is refused.
 * @param {{ launch: () => Promise<import('./processes.mjs').Running>, port: number, logFile: string }} wish
 * @returns {Promise<import('./processes.mjs').Running>}
 */
async function untilMemoryIsFree({ launch, port, logFile }) {
  for (let tries = 1; ; tries += 1) {
    const before = existsSync(logFile) ? statSync(logFile).size : 0;
    const server = await launch();
    const answers = await portAnswers({ port, timeoutMs: 60_000, gaveUp: server.hasEnded });
    if (answers || tries >= memoryTries || !wasMemoryHeld(logFile, before)) return server;
    await server.stop(1_000);
    await sleep(memoryPauseMs);
  }
}

/**
 * Whether a start was refused because children of a killed server still hold its memory. They write to the same log as they end, so the refusal need
 * not be its last line.
 * @param {string} logFile
 * @param {number} since bytes that the log held before the start
 * @returns {boolean}
 */
export function wasMemoryHeld(logFile, since) {
  return readFileSync(logFile).subarray(since).includes('pre-existing shared memory block');
}

/**
 * How much the server caches by itself: an eighth of the machine's memory, as the other servers stand beside it, and no more than `docker-compose.yml` gives.
 * Pages of timelines read messages from all over their tables.
 * @param {number} memoryBytes
 * @returns {number} megabytes
 */
export function cacheMegabytes(memoryBytes) {
  return Math.round(Math.min(1_024, Math.max(128, memoryBytes / 2 ** 20 / 8)));
}

/**
 * @param {'durable' | 'throwaway'} use
 * @returns {string[]}
 */
function settings(use) {
  const values = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: use === 'durable' ? 100 : 200,
    shared_buffers: `${cacheMegabytes(totalmem())}MB`,
    max_wal_size: '2GB',
    wal_compression: 'off', // most pages hold mail that is compressed already, and pglz took half of the processor time of a deletion
    autovacuum_naptime: '10s', // a first import fills young tables within minutes, and plans need to know them
    log_statement: 'none', // what is written to the log must never hold content
    log_min_error_statement: 'panic',
    log_parameter_max_length_on_error: 0,
    ...(use === 'durable' ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/**
 * @param {string} home
 * @param {string} dataDir
 * @returns {{ owner: string, app: string }}
 */
function passwordsOf(home, dataDir) {
  const file = join(home, 'postgres-passwords.json');
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8'));
  if (existsSync(join(dataDir, 'PG_VERSION'))) {
    throw new SetupError(
      `${file} is missing, but ${dataDir} holds data.`,
      'Put the file back, or start with `npm start -- --reset`.',
    );
  }
  const made = { owner: randomBytes(24).toString('hex'), app: randomBytes(24).toString('hex') };
  writeFileSync(file, JSON.stringify(made), { mode: 0o600, flag: 'wx' });
  return made;
}

/**
 * @param {{ program: import('./postgres-program.mjs').PostgresProgram, account: import('./places.mjs').Account, dataDir: string, password: string }} wish
 */
async function initialise({ program, account, dataDir, password }) {
  // What a start that was cut short left there is nobody's data: the version file is written last but one.
  for (const name of readdirSync(dataDir)) rmSync(join(dataDir, name), { recursive: true, force: true });
  const how = [
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--auth=scram-sha-256',
  ];
  const passwordFile = `${dataDir}.password`;
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  if (process.getuid?.() === 0) chownSync(passwordFile, account.uid, account.gid);
  const args = ['-D', dataDir, '-U', superuser, ...how, `--pwfile=${passwordFile}`, '--no-instructions'];
  const env = { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' };
  const made = await run(program.initdb, args, { ...runningAs(account), cwd: dataDir, env });
  rmSync(passwordFile);
  if (made.code === 0) return;
  rmSync(join(dataDir, 'PG_VERSION'), { force: true });
  throw new SetupError(
    `initdb fails: ${lastLines(made.stderr)}.`,
    'Is the disk full, or the data directory on a file system without permissions?',
  );
}

/**
 * After `kill -9` the lock file stays. Postgres removes it by itself unless its process id belongs by now to another process of the
 * same user, as happens in containers; then the folder in use tells them apart.
 * @param {string} dataDir
 * @throws {SetupError} a Postgres that is not ours runs on the data
 */
function clearStalePid(dataDir) {
  const file = join(dataDir, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
  if (folderOf(pid) === dataDir) {
    throw new SetupError(`Process ${pid}, a Postgres, runs on ${dataDir} already.`, `End it: kill -INT ${pid}`);
  }
  rmSync(file, { force: true });
}

/**
 * @param {number} pid
 * @returns {string | null}
 */
function folderOf(pid) {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return null;
  }
}

/**
 * Makes the database and the role that the application logs in as; migrations let it act as the application.
 * @param {{ ownerUrl: string, password: string, gaveUp: () => boolean }} wish
 */
async function prepareRoles({ ownerUrl, password, gaveUp }) {
  const server = await connected(ownerUrl.replace(/\/[^/]*$/, '/postgres'), gaveUp);
  try {
    const known = await server.query('SELECT FROM pg_database WHERE datname = $1', [database]);
    if (known.rowCount === 0) await server.query(`CREATE DATABASE ${database}`);
    const role = await server.query('SELECT FROM pg_roles WHERE rolname = $1', [loginRole]);
    if (role.rowCount === 0) await server.query(`CREATE ROLE ${loginRole}`);
    await server.query(`ALTER ROLE ${loginRole} LOGIN PASSWORD '${password}'`); // hexadecimal digits only, made by us
  } finally {
    await server.end();
  }
}

/**
 * A connection, as soon as the server takes some: after a crash it recovers first.
 * @param {string} url
 * @param {() => boolean} gaveUp
 * @returns {Promise<import('pg').Client>}
 */
async function connected(url, gaveUp) {
  /** @type {typeof import('pg')} */
  const pg = createRequire(join(projectDir, 'package.json'))('pg');
  const deadline = Date.now() + 300_000;
  for (;;) {
    const client = new pg.Client({ connectionString: url, ssl: false });
    try {
      await client.connect();
      client.on('error', () => {}); // the server is being stopped
      return client;
    } catch (error) {
      await client.end().catch(() => {});
      const startingUp = /** @type {{ code?: string }} */ (error).code === '57P03';
      if (!startingUp || gaveUp() || Date.now() > deadline) {
        throw new SetupError(
          `Postgres refuses its own set-up: ${/** @type {Error} */ (error).message}.`,
          'See its log.',
          error,
        );
      }
      await new Promise((wake) => setTimeout(wake, 100));
    }
  }
}

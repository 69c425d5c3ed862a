// @ts-check
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { apiOf } from '../demo/api.mjs';
import { lastLines } from '../lib/commands.mjs';
import { projectDir } from '../lib/places.mjs';
import { freePort } from '../lib/ports.mjs';
import { startPostgres } from '../lib/postgres.mjs';
import { endOfLog, startProcess } from '../lib/processes.mjs';
import { productEnvironment, untilReady, workerOptions } from '../lib/product.mjs';
import { ensureSecretKeys, removeState } from '../lib/state.mjs';
import { findTemporal, startTemporal } from '../lib/temporal.mjs';
import { probeArguments } from './memory.mjs';

const require = createRequire(join(projectDir, 'package.json'));

/** @typedef {import('../lib/processes.mjs').Running} Running */
/** @typedef {{name: string, roles: string[] | null}} WorkerWish `roles` null: all of them */
/** @typedef {{api: import('../demo/api.mjs').Api, apiKey: string, tenantId: string}} Tenant */
/**
 * @typedef {object} Letterbook a whole one of its own, empty
 * @property {string} apiUrl
 * @property {import('../demo/api.mjs').Api} api of the first tenant
 * @property {string} apiKey
 * @property {import('pg').Client} database as its owner, to look at
 * @property {{address: string, metricsUrl: string}} temporal
 * @property {{worker: number} & Record<string, number>} pids `worker` (the first), further workers by name, `api`, `postgres`, `temporal`
 * @property {() => Promise<Tenant>} anotherTenant
 * @property {(how: 'told' | 'killed') => Promise<void>} endWorkers
 * @property {() => Promise<void>} startWorkers
 * @property {() => Promise<void>} stop
 */

/**
 * Starts a Letterbook as `npm start` does, on free ports and a data directory that is emptied first. Its Postgres writes to disk for good.
 * @param {object} wish
 * @param {string} wish.home
 * @param {import('../lib/processes.mjs').ProcessRecords} wish.records
 * @param {string | null} wish.cpuProfileDir
 * @param {(line: string) => void} wish.say
 * @param {WorkerWish[]} [wish.workers] one with all roles where nothing is said
 * @param {Record<string, string>} [wish.settings] beside those of `npm start`
 * @returns {Promise<Letterbook>}
 */
export async function startLetterbook(wish) {
  const { home, records, cpuProfileDir, say, workers = [{ name: 'Worker', roles: null }], settings = {} } = wish;
  removeState(home);
  mkdirSync(join(home, 'logs'), { recursive: true });
  const logOf = (/** @type {string} */ name) => join(home, 'logs', `${name}.log`);
  const postgres = await startPostgres({ home, port: await freePort(), records, logFile: logOf('postgres'), say });
  await require('./dist/db/migrate.js').migrate(postgres);
  const temporal = await temporalOf({ home, records, say, logFile: logOf('temporal') });
  ensureSecretKeys(home, process.env);
  const apiKey = await firstKey(postgres.appUrl, home);
  const port = await freePort();
  const places = { home, appUrl: postgres.appUrl, temporalAddress: temporal.address, temporalUiUrl: null, port };
  const env = { ...productEnvironment({ env: process.env, ...places }), LETTERBOOK_LOG_LEVEL: 'warn', ...settings };
  const node = (/** @type {string} */ name, /** @type {string[]} */ args, more = {}) =>
    startProcess({
      name,
      command: process.execPath,
      args,
      cwd: projectDir,
      env: { ...env, ...more },
      records,
      logFile: logOf(name.toLowerCase()),
    });
  const lastOf = (/** @type {string} */ name) => lastLines(endOfLog(logOf(name.toLowerCase())), 2);
  const profiled = cpuProfileDir === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${cpuProfileDir}`];
  const expected = new Set();
  const startWorker = async (/** @type {WorkerWish} */ { name, roles }) => {
    const asked = roles === null ? [] : ['--roles', roles.join(',')];
    const args = [...workerOptions, ...probeArguments, ...profiled, join(projectDir, 'dist/worker.js'), ...asked];
    // Each its own data directory: it spools there.
    const own = { LETTERBOOK_HOME: workerHome(home, name, workers) };
    const started = await node(name, args, own);
    void started.ended.then((how) => {
      if (!expected.has(started) && !records.isClosing) say(`${name} has ended (${how}): ${lastOf(name)}`);
    });
    return started;
  };
  const server = await node('API', [join(projectDir, 'dist/server.js')]);
  const fleet = new Map(await Promise.all(workers.map(withName(startWorker))));
  const apiUrl = `http://127.0.0.1:${port}`;
  await untilReady({ apiUrl, processes: [server, ...fleet.values()], home });
  const database = new (require('pg').Client)({ connectionString: postgres.ownerUrl, ssl: false });
  database.on('error', () => {}); // Postgres is being stopped
  await database.connect();
  const servers = [server, temporal.process, postgres.process];
  return {
    apiUrl,
    api: apiOf({ apiUrl, apiKey }),
    apiKey,
    database,
    temporal: { address: temporal.address, metricsUrl: temporal.metricsUrl },
    get pids() {
      const [first, ...more] = [...fleet].map(([name, { pid }]) => ({ name: name.toLowerCase(), pid }));
      const others = Object.fromEntries(more.map(({ name, pid }) => [name, pid]));
      const fixed = { api: server.pid, postgres: postgres.process.pid, temporal: temporal.process.pid };
      return { worker: first?.pid ?? 0, ...others, ...fixed };
    },
    anotherTenant: () => anotherTenant(database, apiUrl),
    endWorkers: async (how) => {
      for (const one of fleet.values()) expected.add(one);
      await Promise.all([...fleet.values()].map((one) => endOf(one, how)));
    },
    startWorkers: async () => {
      for (const one of workers) fleet.set(one.name, await startWorker(one));
    },
    stop: async () => {
      await database.end();
      for (const one of fleet.values()) expected.add(one);
      for (const one of [...fleet.values(), ...servers]) await one.stop();
    },
  };
}

/** @param {(wish: WorkerWish) => Promise<Running>} start @returns {(wish: WorkerWish) => Promise<[string, Running]>} */
function withName(start) {
  return async (wish) => [wish.name, await start(wish)];
}

/** @param {string} home @param {string} name @param {WorkerWish[]} workers */
function workerHome(home, name, workers) {
  if (workers.length === 1) return home;
  const own = join(home, name.toLowerCase());
  mkdirSync(own, { recursive: true });
  // The keys of one installation are the same everywhere.
  const keys = join(home, 'secret-keys');
  if (existsSync(keys)) copyFileSync(keys, join(own, 'secret-keys'));
  return own;
}

/** @param {Running} running @param {'told' | 'killed'} how */
async function endOf(running, how) {
  if (how === 'killed') process.kill(running.pid, 'SIGKILL');
  await running.stop(20_000);
}

/** @param {{home: string, records: import('../lib/processes.mjs').ProcessRecords, say: (line: string) => void, logFile: string}} wish */
async function temporalOf({ home, records, say, logFile }) {
  const program = await findTemporal({ env: process.env, say, progress: () => {} });
  const databaseFile = join(home, 'temporal.db');
  const [port, metricsPort] = [await freePort(), await freePort()];
  const started = await startTemporal({ program, port, uiPort: null, databaseFile, records, logFile, metricsPort });
  return { ...started, metricsUrl: `http://127.0.0.1:${metricsPort}/metrics` };
}

/** @param {string} appUrl @param {string} home @returns {Promise<string>} */
export async function firstKey(appUrl, home) {
  const db = require('./dist/db/database.js').openDatabase({
    url: appUrl,
    poolSize: 2,
    applicationName: 'letterbook bench',
  });
  try {
    const { apiKey } = await require('./dist/bootstrap.js').bootstrap({ db, keyFile: join(home, 'api-key') });
    return apiKey;
  } finally {
    await db.close();
  }
}

/** A company beside the first one, with a key of its own. @param {import('pg').Client} database @param {string} apiUrl @returns {Promise<Tenant>} */
export async function anotherTenant(database, apiUrl) {
  const [tenantId, apiKey] = [randomUUID(), `lbk_${randomBytes(32).toString('base64url')}`];
  await database.query('INSERT INTO tenant (tenant_id, name) VALUES ($1, $2)', [tenantId, 'Another']);
  await database.query(
    `INSERT INTO api_key (key_hash, tenant_id, id, user_id, label, scopes)
     SELECT $1, $2, $3, NULL, 'bench', scopes FROM api_key ORDER BY created_at LIMIT 1`,
    [createHash('sha256').update(apiKey).digest(), tenantId, randomUUID()],
  );
  return { api: apiOf({ apiUrl, apiKey }), apiKey, tenantId };
}

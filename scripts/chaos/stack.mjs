// @ts-check
import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { anotherTenant, firstKey } from '../bench/letterbook.mjs';
import { apiOf } from '../demo/api.mjs';
import { projectDir } from '../lib/places.mjs';
import { freePort } from '../lib/ports.mjs';
import { startPostgres } from '../lib/postgres.mjs';
import { startProcess } from '../lib/processes.mjs';
import { productEnvironment, workerOptions } from '../lib/product.mjs';
import { ensureSecretKeys } from '../lib/state.mjs';
import { findTemporal, startTemporal } from '../lib/temporal.mjs';
import { CuttingProxy } from './cutting-proxy.mjs';
import { Part, wait } from './part.mjs';

const require = createRequire(join(projectDir, 'package.json'));

/** What would make a short run long, and the size from which mail is streamed, which few mails of the run reach. */
const settings = {
  LETTERBOOK_LOG_LEVEL: 'warn',
  LETTERBOOK_STREAM_ABOVE_BYTES: '100000',
  LETTERBOOK_FETCH_BATCH_MESSAGES: '20',
  LETTERBOOK_WATCH_RETRY_CAP_MS: '5000',
  LETTERBOOK_REMOVAL_RETRY_MS: '3000',
  LETTERBOOK_SOCKET_TIMEOUT_MS: '15000',
  // What an audit found while all was being struck is looked at again soon, so that at rest a mailbox must say that it is complete.
  LETTERBOOK_AUDIT_AGAIN_MS: '10000',
  LETTERBOOK_AUDIT_RETRY_MS: '10000',
};
const workerNames = /** @type {const} */ (['Worker 1', 'Worker 2']);

/**
 * @typedef {object} Stack the whole product with its servers, of which everything can be struck
 * @property {string} apiUrl
 * @property {{mail: CuttingProxy, database: CuttingProxy, engine: CuttingProxy}} proxies
 * @property {{postgres: Part, temporal: Part, api: Part, workers: [Part, Part]}} parts
 * @property {string} appUrl of the database, as the product has it
 * @property {string} temporalFile
 * @property {import('./facts.mjs').Product['tenants']} tenants
 * @property {() => Promise<import('pg').Client>} openDatabase as its owner, past the proxy
 * @property {() => Promise<string | null>} whatIsDown null: everything is up
 * @property {() => Promise<void>} stop
 */

/**
 * @param {object} wish
 * @param {string} wish.home
 * @param {string} wish.databaseHome of Postgres and Temporal
 * @param {string} wish.logDir
 * @param {import('../lib/processes.mjs').ProcessRecords} wish.records
 * @param {import('../lib/dovecot.mjs').Dovecot} wish.dovecot
 * @param {Record<string, string>} wish.secondWorker environment of the second worker alone
 * @param {(line: string) => void} wish.say
 * @returns {Promise<Stack>}
 */
export async function startStack({ home, databaseHome, logDir, records, dovecot, secondWorker, say }) {
  mkdirSync(databaseHome, { recursive: true });
  const logOf = (/** @type {string} */ name) => join(logDir, `${name.toLowerCase().replace(' ', '-')}.log`);
  const postgresPort = await freePort();
  const postgresWish = { home: databaseHome, port: postgresPort, records, logFile: logOf('Postgres'), say };
  let urls = { ownerUrl: '', appUrl: '' };
  const postgres = new Part('Postgres', async () => {
    const started = await startPostgres(postgresWish);
    urls = started;
    return started.process;
  });
  await postgres.up();
  await require('./dist/db/migrate.js').migrate(urls);

  const program = await findTemporal({ env: process.env, say, progress: () => {} });
  const temporalFile = join(databaseHome, 'temporal.db');
  const temporalWish = {
    program,
    port: await freePort(),
    uiPort: null,
    databaseFile: temporalFile,
    records,
    logFile: logOf('Temporal'),
  };
  const temporal = new Part('Temporal', async () => (await startTemporal(temporalWish)).process);
  await temporal.up();

  const proxies = {
    mail: await CuttingProxy.before({ host: dovecot.host, port: dovecot.imapPort }),
    database: await CuttingProxy.before({ host: '127.0.0.1', port: postgresPort }),
    engine: await CuttingProxy.before({ host: '127.0.0.1', port: temporalWish.port }),
  };
  ensureSecretKeys(home, process.env);
  const apiKey = await firstKey(urls.appUrl, home);
  const port = await freePort();
  const appUrl = urls.appUrl.replace(`:${postgresPort}/`, `:${proxies.database.port}/`);
  const places = { home, appUrl, temporalAddress: `127.0.0.1:${proxies.engine.port}`, temporalUiUrl: null, port };
  const journal = { LETTERBOOK_ERASURES_FILE: join(home, 'erasures.ndjson') };
  const env = { ...productEnvironment({ env: process.env, ...places }), ...settings, ...journal };
  const node = (/** @type {string} */ name, /** @type {string[]} */ args, more = {}) =>
    startProcess({
      name,
      command: process.execPath,
      args,
      cwd: projectDir,
      env: { ...env, ...more },
      records,
      logFile: logOf(name),
    });

  const api = new Part('API', () => node('API', ['--enable-source-maps', join(projectDir, 'dist/server.js')]));
  const workers = workerNames.map((name, index) => {
    let number = 0;
    return new Part(name, () => {
      // A container that replaces another one has its own files; what one was killed over stays behind, as it does there.
      const own = { LETTERBOOK_HOME: workerHome(home, `${index + 1}-${number++ % 3}`) };
      const args = ['--enable-source-maps', ...workerOptions, join(projectDir, 'dist/worker.js')];
      return node(name, args, { ...own, ...(index === 1 ? secondWorker : {}) });
    });
  });
  const parts = { postgres, temporal, api, workers: /** @type {[Part, Part]} */ (workers) };
  await Promise.all([api, ...workers].map((part) => part.up()));
  const apiUrl = `http://127.0.0.1:${port}`;
  const whatIsDown = () => downOf(apiUrl, [postgres, temporal, api, ...workers]);
  await untilUp(whatIsDown, 120_000);
  const openDatabase = () => openedDatabase(urls.ownerUrl);
  return {
    apiUrl,
    proxies,
    parts,
    appUrl,
    temporalFile,
    tenants: await tenantsOf(openDatabase, { apiUrl, apiKey }),
    openDatabase,
    whatIsDown,
    stop: async () => {
      for (const part of [...workers, api, temporal, postgres]) await part.close();
      for (const proxy of Object.values(proxies)) proxy.close();
    },
  };
}

/** @param {() => Promise<string | null>} whatIsDown @param {number} timeoutMs @throws Error it stays so */
export async function untilUp(whatIsDown, timeoutMs) {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const down = await whatIsDown();
    if (down === null) return;
    if (Date.now() > deadline) throw new Error(`after ${timeoutMs / 1_000} s the stack is not up: ${down}`);
    await wait(100);
  }
}

/** @param {string} apiUrl @param {Part[]} parts @returns {Promise<string | null>} */
async function downOf(apiUrl, parts) {
  const down = parts.find((part) => !part.isUp);
  if (down !== undefined)
    return `${down.name} does not run${down.lastFailure === null ? '' : ` (${down.lastFailure})`}`;
  try {
    const answer = await fetch(`${apiUrl}/readyz`, { signal: AbortSignal.timeout(5_000) });
    return answer.status === 200 ? null : `the API is not ready: ${(await answer.text()).slice(0, 300)}`;
  } catch {
    return 'the API does not answer';
  }
}

/** Two companies, so that what crosses from one to the other is seen. @param {Stack['openDatabase']} openDatabase @param {{apiUrl: string, apiKey: string}} first */
async function tenantsOf(openDatabase, { apiUrl, apiKey }) {
  const database = await openDatabase();
  try {
    const { rows } = await database.query('SELECT tenant_id FROM tenant');
    const one = { tenantId: String(rows[0]?.tenant_id), apiKey, api: apiOf({ apiUrl, apiKey }) };
    return [one, await anotherTenant(database, apiUrl)];
  } finally {
    await database.end();
  }
}

/** @param {string} url @returns {Promise<import('pg').Client>} */
async function openedDatabase(url) {
  const database = new (require('pg').Client)({ connectionString: url, ssl: false });
  database.on('error', () => {}); // it was struck; who asks next is told
  await database.connect();
  return database;
}

/** @param {string} home @param {string} name */
function workerHome(home, name) {
  const own = join(home, `worker-${name}`);
  mkdirSync(own, { recursive: true });
  const keys = join(home, 'secret-keys');
  if (existsSync(keys)) copyFileSync(keys, join(own, 'secret-keys'));
  return own;
}

/** Temporal's database, with the files that SQLite keeps beside it. @param {string} file */
export function removeTemporalFile(file) {
  for (const end of ['', '-wal', '-shm']) rmSync(`${file}${end}`, { force: true });
}

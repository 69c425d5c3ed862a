// @ts-check
import { mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { apiOf } from '../demo/api.mjs';
import { projectDir } from '../lib/places.mjs';
import { freePort } from '../lib/ports.mjs';
import { startPostgres } from '../lib/postgres.mjs';
import { startProcess } from '../lib/processes.mjs';
import { productEnvironment, untilReady } from '../lib/product.mjs';
import { ensureSecretKeys } from '../lib/state.mjs';
import { findTemporal, startTemporal } from '../lib/temporal.mjs';
import { benchRecords } from './mail-server.mjs';
import { cpuSecondsOf, peakMegabytesOf } from './processes.mjs';

const require = createRequire(join(projectDir, 'package.json'));

/** @typedef {import('../lib/processes.mjs').Running} Running */
/**
 * @typedef {object} Letterbook a whole one of its own, empty
 * @property {import('../demo/api.mjs').Api} api
 * @property {import('pg').Client} database as its owner, to look at
 * @property {{worker: number, api: number, postgres: number, temporal: number}} pids
 * @property {() => Promise<void>} stop
 */

/**
 * Starts a Letterbook as `npm start` does, on free ports and a data directory that is emptied first. Its Postgres writes to disk for good.
 * @param {{home: string, records: import('../lib/processes.mjs').ProcessRecords, cpuProfileDir: string | null, say: (line: string) => void}} wish
 * @returns {Promise<Letterbook>}
 */
export async function startLetterbook({ home, records, cpuProfileDir, say }) {
  rmSync(home, { recursive: true, force: true });
  mkdirSync(join(home, 'logs'), { recursive: true });
  const logOf = (/** @type {string} */ name) => join(home, 'logs', `${name}.log`);
  const postgres = await startPostgres({ home, port: await freePort(), records, logFile: logOf('postgres'), say });
  await require('./dist/db/migrate.js').migrate(postgres);
  const program = await findTemporal({ env: process.env, say, progress: () => {} });
  const databaseFile = join(home, 'temporal.db');
  const temporal = await startTemporal({
    program,
    port: await freePort(),
    uiPort: null,
    databaseFile,
    records,
    logFile: logOf('temporal'),
  });
  ensureSecretKeys(home, process.env);
  const apiKey = await firstKey(postgres.appUrl, home);
  const port = await freePort();
  const env = {
    ...productEnvironment({
      env: process.env,
      home,
      appUrl: postgres.appUrl,
      temporalAddress: temporal.address,
      temporalUiUrl: null,
      port,
    }),
    LETTERBOOK_LOG_LEVEL: 'warn',
  };
  const node = (/** @type {string} */ name, /** @type {string[]} */ args) =>
    startProcess({
      name,
      command: process.execPath,
      args,
      cwd: projectDir,
      env,
      records,
      logFile: logOf(name.toLowerCase()),
    });
  const profiled = cpuProfileDir === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${cpuProfileDir}`];
  const server = await node('API', [join(projectDir, 'dist/server.js')]);
  const worker = await node('Worker', [...profiled, join(projectDir, 'dist/worker.js'), '--roles', 'sync,bulk']);
  const apiUrl = `http://127.0.0.1:${port}`;
  await untilReady({ apiUrl, processes: [server, worker], home });
  const database = new (require('pg').Client)({ connectionString: postgres.ownerUrl, ssl: false });
  database.on('error', () => {}); // Postgres is being stopped
  await database.connect();
  const running = [worker, server, temporal.process, postgres.process];
  return {
    api: apiOf({ apiUrl, apiKey }),
    database,
    pids: { worker: worker.pid, api: server.pid, postgres: postgres.process.pid, temporal: temporal.process.pid },
    stop: async () => {
      await database.end();
      for (const one of running) await one.stop();
    },
  };
}

/** @param {string} appUrl @param {string} home @returns {Promise<string>} */
async function firstKey(appUrl, home) {
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

/**
 * Connects the mailbox and waits until its last ledger row says what became of the message.
 * @param {Letterbook} letterbook @param {import('../demo/deliver.mjs').MailServer} server
 * @param {{messages: number, dovecotPid: number, progress: (done: number, total: number) => void}} about
 */
export async function measuredImport(letterbook, server, { messages, dovecotPid, progress }) {
  const { api, database } = letterbook;
  const pids = { ...letterbook.pids, dovecot: dovecotPid };
  await api.upload('/v1/records/bulk', benchRecords());
  const before = cpuOf(pids);
  const connectedAt = Date.now();
  await api.post('/v1/mailboxes', {
    address: server.user,
    imap: { host: server.host, port: server.imapPort, security: 'none' },
    auth: { type: 'password', username: server.user, password: server.password },
    policy: { start: { from: 'everything' } },
  });
  const ledger = await untilDecided(database, { messages, progress });
  const cpu = cpuOf(pids);
  const searchable = await untilSearchable(database);
  return {
    messages: ledger.decided,
    recorded: ledger.recorded,
    seconds: (ledger.last.getTime() - ledger.listed.getTime()) / 1_000,
    startSeconds: (ledger.listed.getTime() - connectedAt) / 1_000,
    searchableSeconds: (searchable - ledger.listed.getTime()) / 1_000,
    peakMegabytes: peakMegabytesOf(pids.worker),
    cpuSeconds: Object.fromEntries(Object.entries(cpu).map(([name, seconds]) => [name, seconds - (before[name] ?? 0)])),
  };
}

/** @param {Record<string, number>} pids @returns {Record<string, number>} */
function cpuOf(pids) {
  return Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, cpuSecondsOf(pid)]));
}

const patienceMs = 120_000;

/**
 * @param {import('pg').Client} database @param {{messages: number, progress: (done: number, total: number) => void}} wanted
 * @returns {Promise<{decided: number, recorded: number, listed: Date, last: Date}>}
 */
async function untilDecided(database, { messages, progress }) {
  let decided = -1;
  let movedAt = Date.now();
  for (;;) {
    const { rows } = await database.query(
      `SELECT count(*) FILTER (WHERE outcome <> 1)::int AS decided, count(*) FILTER (WHERE outcome = 2)::int AS recorded,
              max(recorded_at) AS last, (SELECT min(first_seen_at) FROM folder_generation) AS listed FROM placement`,
    );
    const [now] = rows;
    if (now.decided >= messages) return now;
    if (now.decided !== decided) movedAt = Date.now();
    decided = now.decided;
    progress(decided, messages);
    if (Date.now() - movedAt > patienceMs)
      throw new Error(`The import stands still at ${decided} of ${messages} messages.`);
    await new Promise((wake) => setTimeout(wake, 150));
  }
}

/** Search rows are written behind the import. @param {import('pg').Client} database @returns {Promise<number>} when the last was written */
async function untilSearchable(database) {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const { rows } = await database.query('SELECT count(*)::int AS pending FROM search_pending');
    if (rows[0].pending === 0) return Date.now();
    if (Date.now() > deadline) return NaN;
    await new Promise((wake) => setTimeout(wake, 150));
  }
}

// @ts-check
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { projectDir } from '../lib/places.mjs';
import { freePort } from '../lib/ports.mjs';
import { startPostgres } from '../lib/postgres.mjs';
import { removeState } from '../lib/state.mjs';
import { findTemporal, namespace, startTemporal } from '../lib/temporal.mjs';
import { cpuBetween, cpuOf, median } from './processes.mjs';

const require = createRequire(join(projectDir, 'package.json'));

/**
 * @typedef {object} ReconcileResult
 * @property {number} mailboxes that run, and are compared with as many rows
 * @property {number} seconds of a reconciliation that finds nothing to do, the middle of three
 * @property {Record<string, number>} cpuSeconds of one, by process
 */

/** @typedef {{start: (mailbox: object) => Promise<void>, runningMailboxes: () => Promise<Map<string, string>>}} Engine of src/engine, as far as it is used here */

const runs = 3;
const startedAtOnce = 40;

/**
 * Compares so many mailboxes with their workflows: a real Temporal and a real Postgres, and nobody who works.
 * @param {{home: string, records: import('../lib/processes.mjs').ProcessRecords, mailboxes: number, say: (line: string) => void, progress: (done: number) => void}} wish
 * @returns {Promise<ReconcileResult>}
 */
async function measuredReconcile({ home, records, mailboxes, say, progress }) {
  removeState(home);
  mkdirSync(join(home, 'logs'), { recursive: true });
  const logOf = (/** @type {string} */ name) => join(home, 'logs', `${name}.log`);
  const postgres = await startPostgres({ home, port: await freePort(), records, logFile: logOf('postgres'), say });
  const program = await findTemporal({ env: process.env, say, progress: () => {} });
  const databaseFile = join(home, 'temporal.db');
  const places = { databaseFile, records, logFile: logOf('temporal') };
  const temporal = await startTemporal({ program, port: await freePort(), uiPort: null, ...places });
  const { Client, Connection } = require('@temporalio/client');
  const connection = await Connection.connect({ address: temporal.address });
  const db = require('./dist/db/database.js').openDatabase({ url: postgres.appUrl, poolSize: 4 });
  try {
    await require('./dist/db/migrate.js').migrate(postgres);
    const engine = require('./dist/engine/mailbox-engine.js').createMailboxEngine(
      new Client({ connection, namespace }),
    );
    await insertMailboxes(postgres.ownerUrl, mailboxes);
    await startAll({ engine, db, progress, mailboxes });
    const { defaultLimits } = require('./dist/config/limits.js');
    const context = { db, engine, limits: defaultLimits, now: () => Date.now() };
    const pids = { reconciler: process.pid, postgres: postgres.process.pid, temporal: temporal.process.pid };
    return { mailboxes, ...(await measured(context, pids, mailboxes)) };
  } finally {
    await db.close();
    await connection.close();
    await temporal.process.stop(30_000);
    await postgres.process.stop(30_000);
    removeState(home);
  }
}

/** @param {string} ownerUrl @param {number} mailboxes */
async function insertMailboxes(ownerUrl, mailboxes) {
  const client = new (require('pg').Client)({ connectionString: ownerUrl });
  await client.connect();
  const { defaultPolicy } = require('./dist/domain/policy.js');
  const { rows } = await client.query(
    "INSERT INTO tenant (tenant_id, name) VALUES (gen_random_uuid(), 'bench') RETURNING tenant_id",
  );
  const tenantId = rows[0].tenant_id;
  await client.query(
    `INSERT INTO source (tenant_id, id, kind, address, address_key, policy, desired_state, applied_generation)
     SELECT $1, gen_random_uuid(), 'mailbox', n || '@bench.example', n || '@bench.example', $2, 'running', 1 FROM generate_series(1, $3::integer) AS n`,
    [tenantId, JSON.stringify(defaultPolicy), mailboxes],
  );
  await client.query(
    `INSERT INTO mailbox (tenant_id, source_id, imap, auth_type, username, secret, secret_key_id, state)
     SELECT tenant_id, id, '{}', 'password', 'u', '', 'k', 'live' FROM source WHERE tenant_id = $1`,
    [tenantId],
  );
  await client.end();
}

/** As the reconciler would, but not at its pace. @param {{engine: Engine, db: object, progress: (done: number) => void, mailboxes: number}} wish */
async function startAll({ engine, db, progress, mailboxes }) {
  const { desiredMailboxes } = require('./dist/db/sync/desired-mailboxes.js');
  const left = await desiredMailboxes(db, { afterId: null, limit: mailboxes });
  const one = async () => {
    for (let mailbox = left.pop(); mailbox !== undefined; mailbox = left.pop()) {
      await engine.start(mailbox);
      if (left.length % 100 === 0) progress(mailboxes - left.length);
    }
  };
  await Promise.all(Array.from({ length: startedAtOnce }, one));
  // What runs is known to the list a moment later.
  while ((await engine.runningMailboxes()).size < mailboxes) await sleep(500);
}

/** @param {object} context @param {Record<string, number>} pids @param {number} mailboxes */
async function measured(context, pids, mailboxes) {
  const { reconcileMailboxes } = require('./dist/activities/reconcile-mailboxes.js');
  const run = { signal: new AbortController().signal, heartbeat: () => {} };
  const seconds = [];
  const before = cpuOf(pids);
  for (let n = 0; n < runs; n++) {
    const from = performance.now();
    const found = await reconcileMailboxes(context, run);
    seconds.push((performance.now() - from) / 1_000);
    if (found.desired !== mailboxes || found.started > 0)
      throw new Error(`a reconciliation found ${JSON.stringify(found)}`);
  }
  const spent = cpuBetween(before, cpuOf(pids));
  const cpuSeconds = Object.fromEntries(
    Object.entries(spent).map(([name, sum]) => [name, Math.round((sum / runs) * 100) / 100]),
  );
  return { seconds: Math.round(median(seconds) * 100) / 100, cpuSeconds };
}

/**
 * The same, as a step of the bench.
 * @param {{terminal: import('../lib/terminal.mjs').Terminal, home: string, records: import('../lib/processes.mjs').ProcessRecords, mailboxes: number, say: (line: string) => void}} wish
 * @returns {Promise<ReconcileResult>}
 */
export function benchReconcile({ terminal, home, ...wish }) {
  const { mailboxes } = wish;
  return terminal.step(`Reconciliation of ${mailboxes} mailboxes`, ({ progress }) =>
    measuredReconcile({
      ...wish,
      home: join(home, 'reconcile'),
      progress: (done) => progress(done, mailboxes, 'workflows'),
    }),
  );
}

/** @param {ReconcileResult} result */
export function reconcileLines({ mailboxes, seconds, cpuSeconds }) {
  const cpu = Object.entries(cpuSeconds).map(([name, sum]) => `${name} ${sum} s`);
  return ['', `  ${mailboxes} mailboxes are compared with their workflows in ${seconds} s (CPU: ${cpu.join(', ')})`];
}

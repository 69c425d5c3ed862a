// @ts-check
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { projectDir } from '../lib/places.mjs';
import { freePort } from '../lib/ports.mjs';
import { startPostgres } from '../lib/postgres.mjs';
import { removeState } from '../lib/state.mjs';
import { mailboxRows } from './deletion-rows.mjs';
import { cpuSecondsOf } from './processes.mjs';

const require = createRequire(join(projectDir, 'package.json'));

/**
 * @typedef {object} DeletionResult
 * @property {number} messages
 * @property {number} bytesPerMessage 0: no bytes in Postgres
 * @property {number} seconds
 * @property {number} perSecond
 * @property {number} cpuSeconds of Postgres, with the mail that arrived meanwhile
 * @property {number} p99Ms of recording one new message of another mailbox of the tenant meanwhile
 * @property {number} maxMs likewise
 * @property {number} memoryMegabytes by which the process grew at most
 * @property {number} cpuSecondsOfWorker with the mail that arrived meanwhile
 * @property {number} deadRows of all tables, when Postgres has cleared what it clears by itself
 * @property {number} clearedSeconds after the end of the deletion
 */

/**
 * Deletes a mailbox of so many messages, among those of another one, and measures it; the rows are made by SQL. Meanwhile mail arrives in
 * the other mailbox of the tenant.
 * @param {{home: string, records: import('../lib/processes.mjs').ProcessRecords, messages: number, bytesPerMessage: number, say: (line: string) => void}} wish
 * @returns {Promise<DeletionResult>}
 */
async function measuredDeletion({ home, records, messages, bytesPerMessage, say }) {
  removeState(home);
  mkdirSync(join(home, 'logs'), { recursive: true });
  const logFile = join(home, 'logs', 'postgres.log');
  const postgres = await startPostgres({ home, port: await freePort(), records, logFile, say });
  try {
    await require('./dist/db/migrate.js').migrate(postgres);
    const made = await mailboxRows(postgres.ownerUrl, { messages, bytesPerMessage });
    return await measured(postgres, { ...made, messages, bytesPerMessage });
  } finally {
    await postgres.process.stop(30_000);
    removeState(home);
  }
}

/** @param {{appUrl: string, ownerUrl: string, process: {pid: number}}} postgres @param {{tenantId: string, doomed: string, other: {sourceId: string, genId: number, policy: object}, messages: number, bytesPerMessage: number}} made */
async function measured(postgres, { tenantId, doomed, other, messages, bytesPerMessage }) {
  const { openDatabase } = require('./dist/db/database.js');
  const { beginDeletion } = require('./dist/db/deletion/deletions.js');
  const { deletionTurn, deleteMailboxRows } = require('./dist/activities/delete-mailbox.js');
  const { defaultLimits } = require('./dist/config/limits.js');
  const db = openDatabase({ url: postgres.appUrl, poolSize: 6 });
  const context = { db, limits: defaultLimits, erasures: { compare: () => Promise.resolve([]) } };
  const run = { signal: new AbortController().signal, heartbeat: () => {} };
  const ref = { tenantId, mailboxId: doomed };
  const deletion = await db.inTenant(tenantId, (/** @type {any} */ sql) =>
    beginDeletion(sql, { tenantId, sourceId: doomed, actor: 'system' }),
  );
  await deletionTurn(context, ref);
  const arrivals = arrivingMail(db, tenantId, other);
  global.gc?.();
  const before = process.memoryUsage().rss;
  let most = before;
  const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 50);
  const cpuBefore = cpuSecondsOf(postgres.process.pid);
  const ownBefore = process.cpuUsage();
  const began = performance.now();
  let share = { kind: 'more' };
  while (share.kind === 'more') share = await deleteMailboxRows(context, run, { ...ref, deletionId: deletion.id });
  const seconds = (performance.now() - began) / 1_000;
  const cpuSeconds = Math.round((cpuSecondsOf(postgres.process.pid) - cpuBefore) * 10) / 10;
  const { user, system } = process.cpuUsage(ownBefore);
  clearInterval(watch);
  const times = await arrivals.stop();
  await db.close();
  if (share.kind !== 'done') throw new Error(`the deletion ended with ${JSON.stringify(share)}`);
  const sorted = times.sort((one, two) => one - two);
  return {
    messages,
    bytesPerMessage,
    seconds: Math.round(seconds * 10) / 10,
    perSecond: Math.round(messages / seconds),
    cpuSeconds,
    cpuSecondsOfWorker: Math.round((user + system) / 100_000) / 10,
    p99Ms: Math.round(sorted[Math.floor(sorted.length * 0.99)] ?? 0),
    maxMs: Math.round(sorted.at(-1) ?? 0),
    memoryMegabytes: Math.round((most - before) / 1_048_576),
    ...(await whenCleared(postgres.ownerUrl)),
  };
}

/** One new message every 50 ms, recorded as a live round does. @param {any} db @param {string} tenantId @param {any} other @param {number} firstUid */
export function arrivingMail(db, tenantId, other, firstUid = 10_000_000) {
  const { recordBatch } = require('./dist/db/ingest/record-batch.js');
  /** @type {number[]} */
  const times = [];
  let isOver = false;
  const done = (async () => {
    for (let uid = firstUid; !isOver; uid += 1) {
      const from = performance.now();
      await recordBatch(
        db,
        { tenantId, sourceId: other.sourceId, policy: other.policy, fence: { epoch: 1, generation: 1 } },
        { genId: other.genId, cursor: null, part: 'live', versions: { parser: 1 }, items: [newMessage(uid)] },
      );
      times.push(performance.now() - from);
      await sleep(50);
    }
  })();
  return {
    stop: async () => {
      isOver = true;
      await done;
      return times;
    },
  };
}

/** A message that nobody has seen. @param {number} uid */
export function newMessage(uid) {
  const key = createHash('sha256').update(randomUUID()).digest();
  const person = { name: 'Ada', address: 'ada@customer.example', key: 'ada@customer.example' };
  return {
    kind: 'recorded',
    uid,
    size: 1_000,
    internalDate: new Date(),
    flags: 0,
    modseq: null,
    rawSha: key,
    blobId: null,
    rawState: 'none',
    providerId: null,
    providerThreadId: null,
    direction: 'incoming',
    message: {
      messageIdHeader: `<${key.toString('hex')}@customer.example>`,
      references: [],
      sentAt: new Date(),
      subject: 'news',
      from: [person],
      sender: [],
      replyTo: [],
      to: [person],
      cc: [],
      bcc: [],
      deliveredTo: [],
      text: 'news',
      textTruncated: false,
      parts: [],
      marks: [],
      messageKey: key.toString('hex'),
    },
  };
}

const clearingSeconds = 90;
/** By the settings of the tables: below this autovacuum lets a table be. */
const overdue = 'n_dead_tup > 2000 + 0.02 * greatest(n_live_tup, 0)';

/** Waits until autovacuum has been everywhere where it is due, or long enough. @param {string} ownerUrl */
async function whenCleared(ownerUrl) {
  const client = new (require('pg').Client)({ connectionString: ownerUrl });
  await client.connect();
  const from = performance.now();
  for (;;) {
    await sleep(1_500); // the statistics come with a delay
    const { rows } = await client.query(
      `SELECT sum(n_dead_tup)::bigint AS dead, count(*) FILTER (WHERE ${overdue}) AS waiting FROM pg_stat_user_tables`,
    );
    const seconds = (performance.now() - from) / 1_000;
    if (Number(rows[0].waiting) > 0 && seconds < clearingSeconds) continue;
    await client.end();
    return { deadRows: Number(rows[0].dead), clearedSeconds: Math.round(seconds) };
  }
}

/** @typedef {{terminal: import('../lib/terminal.mjs').Terminal, home: string, records: import('../lib/processes.mjs').ProcessRecords, messages: number, say: (line: string) => void}} BenchWish */

/** Without bytes, and with 22 kB each. @param {BenchWish} wish */
export async function benchDeletion({ terminal, home, ...wish }) {
  const results = [];
  for (const bytesPerMessage of [0, 22_000]) {
    const what = bytesPerMessage === 0 ? 'without bytes' : 'with bytes in Postgres';
    results.push(
      await terminal.step(`Deletion of ${wish.messages} messages ${what}`, () =>
        measuredDeletion({ ...wish, home: join(home, 'deletion'), bytesPerMessage }),
      ),
    );
  }
  return results;
}

/** @param {DeletionResult[]} results */
export function deletionTable(results) {
  return [
    '',
    '  Deletion                 messages/s   seconds   CPU of Postgres   of the worker   new mail p99   longest   memory   dead rows, after',
    ...results.map(
      (row) =>
        `  ${(row.bytesPerMessage === 0 ? 'without bytes' : `${Math.round(row.bytesPerMessage / 1_000)} kB in Postgres`).padEnd(24)}` +
        `${String(row.perSecond).padStart(11)}${row.seconds.toFixed(1).padStart(10)}${`${row.cpuSeconds} s`.padStart(18)}${`${row.cpuSecondsOfWorker} s`.padStart(16)}` +
        `${`${row.p99Ms} ms`.padStart(15)}${`${row.maxMs} ms`.padStart(10)}${`${row.memoryMegabytes} MB`.padStart(9)}${String(row.deadRows).padStart(12)}, ${row.clearedSeconds} s`,
    ),
  ];
}

// @ts-check
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { projectDir } from '../lib/places.mjs';
import { freePort } from '../lib/ports.mjs';
import { startPostgres } from '../lib/postgres.mjs';
import { removeState } from '../lib/state.mjs';
import { arrivingMail, newMessage } from './deletion.mjs';
import { cpuSecondsOf } from './processes.mjs';
import { threadRows } from './thread-rows.mjs';

const require = createRequire(join(projectDir, 'package.json'));

/** What is asked of the product. */
const goals = { lockMs: 500, p99Ms: 2_000 };

/**
 * @typedef {object} ThreadStep
 * @property {string} what
 * @property {number} seconds
 * @property {number} cpuSeconds of Postgres, with the mail that arrived meanwhile
 * @property {number} lockMs the longest that one transaction held the tenant's lock
 * @property {number} lockCpuMs the most that one of them took of the processor in Postgres
 * @property {number} transactions that held it
 * @property {number} p99Ms of recording one new message of the tenant meanwhile
 * @property {number} maxMs likewise
 */
/** @typedef {{messages: number, goals: typeof goals, steps: ThreadStep[]}} ThreadsResult */

/**
 * Joins two threads of so many messages, links the whole, takes it away, links it again, undoes that, and says how far others may read it, while mail
 * arrives. The rows are made by SQL.
 * @param {{home: string, records: import('../lib/processes.mjs').ProcessRecords, messages: number, say: (line: string) => void}} wish
 * @returns {Promise<ThreadsResult>}
 */
async function measuredThreads({ home, records, messages, say }) {
  removeState(home);
  mkdirSync(join(home, 'logs'), { recursive: true });
  const logFile = join(home, 'logs', 'postgres.log');
  const postgres = await startPostgres({ home, port: await freePort(), records, logFile, say });
  try {
    await require('./dist/db/migrate.js').migrate(postgres);
    const made = await threadRows(postgres.ownerUrl, messages);
    return { messages, goals, steps: await measured(postgres, made, say) };
  } finally {
    await postgres.process.stop(30_000);
    removeState(home);
  }
}

/**
 * @param {{appUrl: string, process: {pid: number}}} postgres @param {import('./thread-rows.mjs').ThreadRows} made
 * @param {(line: string) => void} say
 */
async function measured(postgres, made, say) {
  const db = require('./dist/db/database.js').openDatabase({ url: postgres.appUrl, poolSize: 6 });
  /** @type {Held[]} */
  const held = [];
  const work = workOn(holding(db, held), made);
  /** @type {ThreadStep[]} */
  const steps = [];
  for (const [n, [what, doIt]] of work.entries()) {
    held.length = 0;
    const meanwhile = arrivingMail(db, made.tenantId, made.source, (n + 2) * 10_000_000);
    const cpuBefore = cpuSecondsOf(postgres.process.pid);
    const began = performance.now();
    await doIt();
    const seconds = (performance.now() - began) / 1_000;
    const cpuSeconds = cpuSecondsOf(postgres.process.pid) - cpuBefore;
    const times = (await meanwhile.stop()).sort((one, two) => one - two);
    steps.push({
      what,
      seconds: Math.round(seconds * 10) / 10,
      cpuSeconds: Math.round(cpuSeconds * 10) / 10,
      lockMs: Math.round(Math.max(0, ...held.map(({ ms }) => ms))),
      lockCpuMs: Math.round(Math.max(0, ...held.map(({ cpuMs }) => cpuMs))),
      transactions: held.length,
      p99Ms: Math.round(times[Math.floor(times.length * 0.99)] ?? 0),
      maxMs: Math.round(times.at(-1) ?? 0),
    });
    say(lineOf(/** @type {ThreadStep} */ (steps.at(-1))));
  }
  await db.close();
  return steps;
}

/** @typedef {{ms: number, cpuMs: number}} Held */
/** @typedef {import('../../src/db/database').Sql} Sql */

/**
 * The database, with each time noted for which a transaction held the tenant's lock, and what it took of the processor in Postgres.
 * @param {import('../../src/db/database').Database} db @param {Held[]} held
 */
function holding(db, held) {
  const noted = async (/** @type {(onLock: (sql: Sql) => void) => Promise<unknown>} */ run) => {
    let from = 0;
    let cpu = 0;
    let backend = 0;
    const answer = await run((sql) => {
      from = performance.now();
      backend = sql.client.processID;
      cpu = cpuMsOf(backend);
    });
    if (from > 0) held.push({ ms: performance.now() - from, cpuMs: cpuMsOf(backend) - cpu });
    return answer;
  };
  return {
    ...db,
    /** @param {string} tenantId @param {(sql: Sql) => Promise<unknown>} work */
    writeInTenant: (tenantId, work) =>
      noted((onLock) =>
        db.writeInTenant(tenantId, async (/** @type {any} */ sql) => {
          onLock(sql);
          return work(sql);
        }),
      ),
    /** @param {string} tenantId @param {(sql: Sql) => Promise<unknown>} work */
    inTenant: (tenantId, work) =>
      noted((onLock) =>
        db.inTenant(tenantId, (/** @type {any} */ sql) =>
          work({
            ...sql,
            client: sql.client,
            execute: async (/** @type {string} */ text, /** @type {unknown[]} */ values) => {
              const rows = await sql.execute(text, values);
              if (text.includes('pg_advisory_xact_lock')) onLock(sql);
              return rows;
            },
          }),
        ),
      ),
  };
}

/** What a process has taken of the processor, to the nanosecond; 0 where the system does not tell. @param {number} pid */
function cpuMsOf(pid) {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
  } catch {
    return 0;
  }
}

/** @param {any} db @param {import('./thread-rows.mjs').ThreadRows} made @returns {[string, () => Promise<void>][]} */
function workOn(db, { tenantId, recordId, threadIds, messageIdOf, source }) {
  const { recordBatch } = require('./dist/db/ingest/record-batch.js');
  const { rematchHistory } = require('./dist/activities/rematch-history.js');
  const { changeLinks } = require('./dist/activities/thread-links.js');
  const begin = require('./dist/db/thread-links/begin.js');
  const { beginUndo } = require('./dist/db/thread-links/undo.js');
  const { sayVisibility } = require('./dist/db/thread-visibility.js');
  const { lockTenantForWriting } = require('./dist/db/tenant-lock.js');
  const who = { reader: { tenantId, userId: null, principal: -1 }, actor: 'bench', note: null };
  const [threadId] = threadIds;
  const run = { signal: new AbortController().signal, heartbeat: () => {} };
  const underLock = (/** @type {(sql: Sql) => Promise<any>} */ work) =>
    db.inTenant(tenantId, async (/** @type {any} */ sql) => {
      await lockTenantForWriting(sql, tenantId);
      return work(sql);
    });
  const toTheEnd = async (/** @type {any} */ activity, /** @type {string} */ operationId) => {
    while ((await activity({ db }, run, { tenantId, operationId })).kind === 'more');
  };
  const openJobs = () =>
    db.inTenant(tenantId, (/** @type {any} */ sql) =>
      sql.query("SELECT id FROM operation WHERE kind IN ('rematch', 'visibility') AND state IN ('waiting', 'running')"),
    );
  const jobs = async () => {
    for (let open = await openJobs(); open.length > 0; open = await openJobs())
      for (const { id } of open) await toTheEnd(rematchHistory, id);
  };
  let operationId = '';
  const links = async (/** @type {(sql: Sql) => Promise<any>} */ beginning) => {
    const begun = await underLock(beginning);
    if (begun.kind !== 'begun') throw new Error(`not begun: ${begun.kind}`);
    operationId = begun.operationId;
    await toTheEnd(changeLinks, operationId);
    await jobs();
    return begun;
  };
  let linkId = '';
  return [
    [
      'join',
      async () => {
        const item = newMessage(19_000_000);
        item.message.references = [messageIdOf(0, 0), messageIdOf(1, 0)];
        const batch = { genId: source.genId, cursor: null, part: 'live', versions: { parser: 1 }, items: [item] };
        await recordBatch(db, { tenantId, ...source, fence: { epoch: 1, generation: 1 } }, batch);
        await jobs();
      },
    ],
    [
      'link, following',
      async () => {
        const wish = { threadId, recordId, mode: 'follow' };
        linkId = (await links((sql) => begin.beginThreadLink(sql, who, wish))).linkId;
      },
    ],
    ['take away', async () => void (await links((sql) => begin.beginThreadUnlink(sql, who, { threadId, linkId })))],
    [
      'link again',
      async () =>
        void (await links((sql) => begin.beginThreadRelink(sql, who, { threadId, linkId, mode: 'snapshot' }))),
    ],
    ['undo', async () => void (await links((sql) => beginUndo(sql, who, { operationId, keptMs: 86_400_000 })))],
    [
      'narrow',
      async () => {
        const sourceIds = [source.sourceId];
        await underLock((sql) => sayVisibility(sql, who.reader, { threadId, sourceIds, level: 0, actor: 'bench' }));
        await jobs();
      },
    ],
  ];
}

/** @param {import('./deletion.mjs').BenchWish} wish @returns {Promise<ThreadsResult>} */
export function benchThreads({ terminal, home, ...wish }) {
  return terminal.step(`Two threads of ${wish.messages} messages`, () =>
    measuredThreads({ ...wish, home: join(home, 'threads') }),
  );
}

/** @param {ThreadStep} step */
function lineOf({ what, seconds, cpuSeconds, lockMs, lockCpuMs, transactions, p99Ms, maxMs }) {
  return `  ${what.padEnd(16)} ${seconds.toFixed(1)} s   CPU ${cpuSeconds} s of Postgres   the tenant's lock ${transactions} times, longest ${lockMs} ms, at most ${lockCpuMs} ms of CPU   new mail p99 ${p99Ms} ms, longest ${maxMs} ms`;
}

/** @param {ThreadsResult} result */
export function threadsTable({ messages, steps }) {
  return [
    '',
    `  Two threads of ${messages} messages become one, which is linked (goals: lock ${goals.lockMs} ms, new mail p99 ${goals.p99Ms} ms)`,
    ...steps.map(lineOf),
  ];
}

// @ts-check
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { projectDir } from '../lib/places.mjs';
import { freePort } from '../lib/ports.mjs';
import { startPostgres } from '../lib/postgres.mjs';
import { removeState } from '../lib/state.mjs';
import { cpuSecondsOf } from './processes.mjs';
import { filteredCases, pagesOf, plainCases, pageSize, wishOf } from './timeline-cases.mjs';
import { idOf, sortAtOf, teamPrincipal } from './timeline-mail.mjs';
import { TimelineRows } from './timeline-rows.mjs';

const require = createRequire(join(projectDir, 'package.json'));

/** What is asked of the product, for a page of 50 as a member sees it. */
const goals = { databaseP99Ms: 20, httpP99Ms: 50, generateSeconds: 600 };
/** Pages before those that are measured: connections and plans are there then. */
const warmUp = 20;
/** A filtered case takes so much of the pages of a plain one. */
const filteredShare = 0.25;

/** @typedef {import('./timeline-cases.mjs').Case} Case */
/** @typedef {import('./timeline-cases.mjs').WantedPage} WantedPage */
/** @typedef {import('./timeline-rows.mjs').Tenant} Tenant */
/** @typedef {{p50Ms: number, p99Ms: number, maxMs: number}} Timing */
/**
 * @typedef {object} CaseResult
 * @property {string} name
 * @property {string} query
 * @property {number} pages measured in the database, and as many over HTTP
 * @property {number} shown messages of a page, on average
 * @property {Timing} database
 * @property {number} databaseCpuMs CPU of Postgres for a page in the database, on average: the same on a machine that does much else
 * @property {Timing} http
 */
/**
 * @typedef {object} TimelineResult
 * @property {number} messages
 * @property {number} records
 * @property {number} generateSeconds
 * @property {Timing} baseline a plain index scan of pages of the record with a quarter of the mail
 * @property {CaseResult} plain all plain cases together
 * @property {CaseResult[]} cases the page with all that it shows, as the API has it of the database, and over HTTP
 * @property {typeof goals} goals
 */

/**
 * Pages of timelines for a member who may see half of the records: in the database, over HTTP, and what an index scan of such a page costs.
 * @param {{terminal: import('../lib/terminal.mjs').Terminal, home: string, records: import('../lib/processes.mjs').ProcessRecords, messages: number, pages: number, say: (line: string) => void}} wish
 * @returns {Promise<TimelineResult>}
 */
export async function benchTimeline({ terminal, home: parent, records, messages, pages, say }) {
  const home = join(parent, 'timeline');
  removeState(home);
  mkdirSync(join(home, 'logs'), { recursive: true });
  const logFile = join(home, 'logs', 'postgres.log');
  // What is measured only reads, so the rows need not outlive the machine.
  const postgres = await startPostgres({ home, port: await freePort(), records, logFile, use: 'throwaway', say });
  const db = require('./dist/db/database.js').openDatabase({ url: postgres.appUrl, poolSize: 4 });
  try {
    await require('./dist/db/migrate.js').migrate(postgres);
    const began = performance.now();
    const tenant = await generated(terminal, postgres.ownerUrl, messages);
    const generateSeconds = Math.round((performance.now() - began) / 100) / 10;
    await compareWithProduct(db, tenant);
    const measured = await terminal.step(`Pages of timelines of ${messages} messages`, ({ progress }) =>
      measuredPages({
        db,
        databasePid: postgres.process.pid,
        tenant,
        pages,
        progress: (done, total) => progress(done, total, 'pages'),
      }),
    );
    return { messages, records: tenant.records, generateSeconds, ...measured, goals };
  } finally {
    await db.close();
    await postgres.process.stop(30_000);
    removeState(home);
  }
}

/** @param {import('../lib/terminal.mjs').Terminal} terminal @param {string} ownerUrl @param {number} messages */
async function generated(terminal, ownerUrl, messages) {
  const rows = new TimelineRows(ownerUrl);
  const records = Math.max(100, Math.round(messages / 20));
  try {
    const tenant = await terminal.step(`Rows of ${messages} messages`, ({ progress }) =>
      rows.copy({ messages, records, progress: (done, total) => progress(done, total, 'parts') }),
    );
    await terminal.step('Their indexes and statistics', ({ progress }) =>
      rows.index((done, total) => progress(done, total, 'tables')),
    );
    return tenant;
  } finally {
    await rows.end();
  }
}

/** What was generated must be what the product writes: looked at for some messages, and the bench fails where it is not. @param {any} db @param {Tenant} tenant */
async function compareWithProduct(db, { tenantId, messages }) {
  const { timelineDifferences } = require('./dist/db/timeline-write.js');
  const some = Array.from({ length: 500 }, (_, n) => idOf('message', (n * 104_729) % messages));
  const differences = await db.inTenant(tenantId, (/** @type {unknown} */ sql) =>
    timelineDifferences(sql, tenantId, some),
  );
  if (differences.length > 0)
    throw new Error(`generated rows are not the product's: ${JSON.stringify(differences[0])}`);
}

/**
 * All cases, each with pages of its own in the database and over HTTP.
 * @param {{db: import('../../src/db/database').Database, databasePid: number, tenant: Tenant, pages: number, progress: (done: number, total: number) => void}} wish
 */
async function measuredPages({ db, databasePid, tenant, pages, progress }) {
  const { publicId } = require('./dist/domain/ids.js');
  const api = await listeningApi(db, tenant);
  const page = pageInDatabase(db, tenant);
  const cursorOf = async (/** @type {WantedPage} */ wish) => (await page(wish)).nextCursor;
  const counts = { plain: pages / plainCases.length, filtered: (pages / plainCases.length) * filteredShare };
  const wanted = [
    ...plainCases.map((one) => ({ one, count: Math.max(1, Math.round(counts.plain)) })),
    ...filteredCases({ mailboxId: publicId('mailbox', tenant.sourceIds[0]), messages: tenant.messages }).map((one) => ({
      one,
      count: Math.max(1, Math.round(counts.filtered)),
    })),
  ];
  const total = wanted.reduce((sum, { count }) => sum + count, 0);
  const results = [];
  let done = 0;
  try {
    const baseline = timingOf(await plainScans(db, tenant, Math.round(counts.plain)));
    for (const { one, count } of wanted) {
      const all = await pagesOf(one, 2 * (count + warmUp), { ...tenant, cursorOf });
      const cpu = () => cpuSecondsOf(databasePid);
      const inDatabase = await timesOf(all.slice(0, all.length / 2), { read: page, cpu });
      const overHttp = await timesOf(all.slice(all.length / 2), { read: (wish) => api.get(pathOf(wish)), cpu });
      results.push({ one, inDatabase, overHttp });
      progress((done += count), total);
    }
    const plain = results.slice(0, plainCases.length);
    const whole = {
      one: { name: 'all of these', query: '' },
      inDatabase: together(plain.map(({ inDatabase }) => inDatabase)),
      overHttp: together(plain.map(({ overHttp }) => overHttp)),
    };
    return { baseline, plain: resultOf(whole), cases: results.map(resultOf) };
  } finally {
    await api.close();
  }
}

/** @typedef {{times: number[], items: number, cpuSeconds: number}} Measured */

/** @param {Measured[]} parts @returns {Measured} */
function together(parts) {
  const sum = (/** @type {number[]} */ values) => values.reduce((before, one) => before + one, 0);
  return {
    times: parts.flatMap(({ times }) => times),
    items: sum(parts.map(({ items }) => items)),
    cpuSeconds: sum(parts.map(({ cpuSeconds }) => cpuSeconds)),
  };
}

/** @param {{one: {name: string, query: string}, inDatabase: Measured, overHttp: Measured}} measured @returns {CaseResult} */
function resultOf({ one, inDatabase, overHttp }) {
  const pages = inDatabase.times.length;
  return {
    name: one.name,
    query: one.query,
    pages,
    shown: rounded(inDatabase.items / pages),
    database: timingOf(inDatabase.times),
    databaseCpuMs: rounded((inDatabase.cpuSeconds * 1_000) / pages),
    http: timingOf(overHttp.times),
  };
}

const rounded = (/** @type {number} */ value) => Math.round(value * 10) / 10;

/** A page, and how long it took. @typedef {{items: unknown[], nextCursor: string | null, ms: number}} Page */

/**
 * What the API asks of the database for a page, from BEGIN to the answer to COMMIT, with the rows read; nothing of HTTP, and not the making of the answer.
 * @param {any} db @param {Tenant} tenant @returns {(wish: WantedPage) => Promise<Page>}
 */
function pageInDatabase(db, { tenantId, userId }) {
  const { timelineOfRecord } = require('./dist/api/messages/list.js');
  const viewer = {
    tenantId,
    keyId: userId,
    scopes: ['read'],
    teams: [teamPrincipal],
    userId,
    principal: 1,
    role: 'member',
  };
  let ms = 0;
  const timed = (/** @type {(...of: unknown[]) => Promise<unknown>} */ transaction) => {
    return async (/** @type {unknown[]} */ ...of) => {
      const from = performance.now();
      const result = await transaction(...of);
      ms += performance.now() - from;
      return result;
    };
  };
  const context = {
    db: { ...db, inTenant: timed(db.inTenant), preparedInTenant: timed(db.preparedInTenant) },
  };
  return async ({ recordId, query }) => {
    ms = 0;
    const page = await timelineOfRecord(context, viewer, { recordId, wish: wishOf(query) });
    if (page === null) throw new Error(`the member may not see record ${recordId}`);
    return { ...page, ms };
  };
}

/** @param {WantedPage} wish */
function pathOf({ recordId, query }) {
  return `/v1/records/${require('./dist/domain/ids.js').publicId('record', recordId)}/timeline?${query}`;
}

const plainScan = `SELECT message_id, sort_at, level FROM timeline WHERE tenant_id = $1 AND record_id = $2 AND principal = 0
  AND (sort_at, message_id) < ($3, $2) ORDER BY sort_at DESC, message_id DESC LIMIT $4`;

/** @param {any} db @param {Tenant} tenant @param {number} count */
async function plainScans(db, { tenantId, messages }, count) {
  const times = [];
  for (let n = 0; n < warmUp + count; n += 1) {
    const values = [tenantId, idOf('record', 0), sortAtOf((n * 7_919) % messages, messages), pageSize + 1];
    const from = performance.now();
    await db.preparedInTenant(tenantId, (/** @type {any} */ sql) => sql.query(plainScan, values));
    times.push(performance.now() - from);
  }
  return times.slice(warmUp);
}

/** The API as it listens, with what a timeline needs and nothing else, asked with a key of the member's. @param {any} db @param {Tenant} tenant */
async function listeningApi(db, { tenantId, userId }) {
  const key = `lbk_${randomBytes(24).toString('base64url')}`;
  const hash = createHash('sha256').update(key).digest();
  const entry = { hash, userId, label: 'bench', scopes: ['read'], expiresAt: null };
  await db.inTenant(tenantId, (/** @type {unknown} */ sql) =>
    require('./dist/db/api-keys.js').insertKey(sql, tenantId, entry),
  );
  const { defaultLimits: limits } = require('./dist/config/limits.js');
  const api = require('./dist/api/app.js').buildApp({
    db,
    limits,
    gates: require('./dist/api/tenant-gate.js').createGates(limits),
    erasures: { pending: () => Promise.resolve(0) },
    log: require('pino').pino({ level: 'error' }),
    now: () => new Date(),
  });
  const address = await api.listen({ host: '127.0.0.1', port: 0 });
  return {
    close: () => api.close(),
    /** @param {string} path @returns {Promise<Page>} */
    get: async (path) => {
      const from = performance.now();
      const answer = await fetch(`${address}${path}`, { headers: { authorization: `Bearer ${key}` } });
      const body = await answer.text();
      if (!answer.ok) throw new Error(`${answer.status} ${body}`);
      return { items: [], nextCursor: null, ms: performance.now() - from };
    },
  };
}

/** @param {WantedPage[]} pages @param {{read: (page: WantedPage) => Promise<Page>, cpu: () => number}} how @returns {Promise<Measured>} */
async function timesOf(pages, { read, cpu }) {
  for (const page of pages.slice(0, warmUp)) await read(page);
  const [times, before] = [/** @type {number[]} */ ([]), cpu()];
  let items = 0;
  for (const page of pages.slice(warmUp)) {
    const answer = await read(page);
    items += answer.items.length;
    times.push(answer.ms);
  }
  return { times, items, cpuSeconds: cpu() - before };
}

/** @param {number[]} times @returns {Timing} */
function timingOf(times) {
  const sorted = [...times].sort((one, other) => one - other);
  const at = (/** @type {number} */ share) =>
    rounded(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}

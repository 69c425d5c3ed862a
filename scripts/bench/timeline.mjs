// @ts-check
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { projectDir } from '../lib/places.mjs';
import { freePort } from '../lib/ports.mjs';
import { startPostgres } from '../lib/postgres.mjs';
import { removeState } from '../lib/state.mjs';
import { timelineRows } from './timeline-rows.mjs';

const require = createRequire(join(projectDir, 'package.json'));

/** What is asked of the product, for a page of 50 as a member sees it. */
const goals = { databaseP99Ms: 20, httpP99Ms: 50, generateSeconds: 600 };
const pageSize = 50;

/** @typedef {{pages: number, p50Ms: number, p99Ms: number, maxMs: number}} Timing */
/**
 * @typedef {object} TimelineResult
 * @property {number} messages
 * @property {number} records
 * @property {number} generateSeconds
 * @property {Timing} baseline a plain index scan of the same pages
 * @property {Timing} database the pages with all that they show
 * @property {Timing} http
 * @property {Record<string, Timing>} filters at the record with a quarter of the mail, by what they leave out
 * @property {typeof goals} goals
 */

/**
 * Pages of timelines for a member who may see half of the records: in the database, over HTTP, and what an index scan of the same page costs.
 * @param {{home: string, records: import('../lib/processes.mjs').ProcessRecords, messages: number, pages: number, say: (line: string) => void, progress: (done: number) => void}} wish
 * @returns {Promise<TimelineResult>}
 */
async function measuredTimeline({ home, records, messages, pages, say, progress }) {
  removeState(home);
  mkdirSync(join(home, 'logs'), { recursive: true });
  const postgres = await startPostgres({
    home,
    port: await freePort(),
    records,
    logFile: join(home, 'logs', 'postgres.log'),
    say,
  });
  const db = require('./dist/db/database.js').openDatabase({ url: postgres.appUrl, poolSize: 4 });
  try {
    await require('./dist/db/migrate.js').migrate(postgres);
    const from = performance.now();
    const made = await timelineRows(postgres.ownerUrl, {
      messages,
      records: Math.max(100, Math.round(messages / 20)),
      progress,
    });
    const generateSeconds = Math.round((performance.now() - from) / 100) / 10;
    await compareWithProduct(db, { ...made, messages });
    const wanted = wantedPages(made, pages);
    const { baseline, database } = await inDatabase(db, made, wanted);
    const { http, filters } = await overHttp(db, made, wanted);
    return { messages, records: made.records, generateSeconds, baseline, database, http, filters, goals };
  } finally {
    await db.close();
    await postgres.process.stop(30_000);
    removeState(home);
  }
}

/** What was generated must be what the product writes: looked at for some messages, and the bench fails where it is not. @param {any} db @param {import('./timeline-rows.mjs').TimelineRows & {messages: number}} made */
async function compareWithProduct(db, { tenantId, messageOf, messages }) {
  const { timelineDifferences } = require('./dist/db/timeline-write.js');
  const some = Array.from({ length: 200 }, (_, n) => messageOf((n * 104_729) % messages));
  const differences = await db.inTenant(tenantId, (/** @type {unknown} */ sql) =>
    timelineDifferences(sql, tenantId, some),
  );
  if (differences.length > 0)
    throw new Error(`generated rows are not the product's: ${JSON.stringify(differences[0])}`);
}

/** @typedef {{recordId: string, after: {sortAt: Date, messageId: string} | null}} WantedPage */

/** Of each four pages: two first ones of records that the member may see, one of the big one, and one deep in it. @param {import('./timeline-rows.mjs').TimelineRows} made @param {number} pages @returns {WantedPage[]} */
function wantedPages({ recordOf, records }, pages) {
  return Array.from({ length: pages }, (_, n) => {
    if (n % 4 === 2) return { recordId: recordOf(0), after: null };
    const back = 1_790_000_000_000 - ((n * 7_919) % (records * 20)) * 60_000;
    if (n % 4 === 3) return { recordId: recordOf(0), after: { sortAt: new Date(back), messageId: recordOf(0) } };
    return { recordId: recordOf(((n * 6_089) % records) | 1), after: null };
  });
}

const plainScan = `SELECT message_id, sort_at, level FROM timeline WHERE tenant_id = $1 AND record_id = $2 AND principal = 0
  AND (sort_at, message_id) < ($3, $4) ORDER BY sort_at DESC, message_id DESC LIMIT $5`;

/** In turns, so that both meet the same machine. @param {any} db @param {import('./timeline-rows.mjs').TimelineRows} made @param {WantedPage[]} wanted */
async function inDatabase(db, { tenantId, userId, principal }, wanted) {
  const { readTimeline } = require('./dist/db/timeline-read.js');
  const { noConditions } = require('./dist/db/timeline-conditions.js');
  const { summariesOf } = require('./dist/db/messages-summary.js');
  const reader = { tenantId, userId, principal, teams: [] };
  const page = (/** @type {WantedPage} */ { recordId, after }) =>
    db.preparedInTenant(tenantId, async (/** @type {unknown} */ sql) => {
      const filter = { ...noConditions, recordId, since: null, until: null, show: 'every-message' };
      const { slots } = await readTimeline(sql, reader, { filter, after, limit: pageSize + 1 });
      return summariesOf(sql, reader, { slots: slots.slice(0, pageSize), recordId });
    });
  const scan = (/** @type {WantedPage} */ { recordId, after }) =>
    db.preparedInTenant(tenantId, (/** @type {any} */ sql) =>
      sql.query(plainScan, [
        tenantId,
        recordId,
        after?.sortAt ?? 'infinity',
        after?.messageId ?? recordId,
        pageSize + 1,
      ]),
    );
  /** @type {number[]} */
  const pagesMs = [];
  /** @type {number[]} */
  const scansMs = [];
  for (const [n, wish] of [...wanted.slice(0, 40), ...wanted].entries()) {
    const [scanMs, pageMs] = [await timed(() => scan(wish)), await timed(() => page(wish))];
    if (n < 40) continue; // connections and plans are there then
    scansMs.push(scanMs);
    pagesMs.push(pageMs);
  }
  return { baseline: timingOf(scansMs), database: timingOf(pagesMs) };
}

const filters = [
  'direction=outgoing',
  'type=mailing-list',
  'address=person11@customer.example',
  'hasAttachments=true',
  'unread=true',
  'status=closed',
  'fold=threads',
  'until=2026-06-01T00:00:00Z',
];

/** @param {any} db @param {import('./timeline-rows.mjs').TimelineRows} made @param {WantedPage[]} wanted */
async function overHttp(db, { tenantId, userId, recordOf }, wanted) {
  const { publicId } = require('./dist/domain/ids.js');
  const { encodeCursor } = require('./dist/api/paging.js');
  const { noConditions } = require('./dist/db/timeline-conditions.js');
  const key = `lbk_${randomBytes(24).toString('base64url')}`;
  const hash = createHash('sha256').update(key).digest();
  const entry = { hash, userId, label: 'bench', scopes: ['read'], expiresAt: null };
  await db.inTenant(tenantId, (/** @type {unknown} */ sql) =>
    require('./dist/db/api-keys.js').insertKey(sql, tenantId, entry),
  );
  const api = apiOver(db);
  const address = await api.listen({ host: '127.0.0.1', port: 0 });
  const get = async (/** @type {string} */ path) => {
    const answer = await fetch(`${address}${path}`, { headers: { authorization: `Bearer ${key}` } });
    const body = await answer.text();
    if (!answer.ok) throw new Error(`${answer.status} ${body}`);
  };
  const pathOf = (/** @type {WantedPage} */ { recordId, after }) => {
    const filter = { ...noConditions, since: null, until: null, recordId, show: 'every-message' };
    const cursor = after === null ? '' : `&cursor=${encodeCursor([after.sortAt, after.messageId], filter)}`;
    return `/v1/records/${publicId('record', recordId)}/timeline?limit=${pageSize}${cursor}`;
  };
  try {
    for (const wish of wanted.slice(0, 40)) await get(pathOf(wish));
    const http = timingOf(await each(wanted.map(pathOf), get));
    /** @type {Record<string, Timing>} */
    const byFilter = {};
    for (const filter of filters) {
      const path = `${pathOf({ recordId: recordOf(0), after: null })}&${filter}`;
      byFilter[filter] = timingOf(
        await each(
          Array.from({ length: 30 }, () => path),
          get,
        ),
      );
    }
    return { http, filters: byFilter };
  } finally {
    await api.close();
  }
}

/** The API as it listens, with what a timeline needs and nothing else. @param {any} db */
function apiOver(db) {
  const { defaultLimits: limits } = require('./dist/config/limits.js');
  const { createGates } = require('./dist/api/tenant-gate.js');
  const erasures = { pending: () => Promise.resolve(0) };
  const log = require('pino').pino({ level: 'error' });
  return require('./dist/api/app.js').buildApp({
    db,
    limits,
    gates: createGates(limits),
    erasures,
    log,
    now: () => new Date(),
  });
}

/** @param {string[]} paths @param {(path: string) => Promise<void>} get */
async function each(paths, get) {
  const times = [];
  for (const path of paths) times.push(await timed(() => get(path)));
  return times;
}

/** @param {() => Promise<unknown>} work */
async function timed(work) {
  const from = performance.now();
  await work();
  return performance.now() - from;
}

/** @param {number[]} times @returns {Timing} */
function timingOf(times) {
  const sorted = [...times].sort((one, other) => one - other);
  const at = (/** @type {number} */ share) =>
    Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 10) / 10;
  return { pages: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}

/**
 * The same, as a step of the bench.
 * @param {{terminal: import('../lib/terminal.mjs').Terminal, home: string, records: import('../lib/processes.mjs').ProcessRecords, messages: number, pages: number, say: (line: string) => void}} wish
 * @returns {Promise<TimelineResult>}
 */
export function benchTimeline({ terminal, home, ...wish }) {
  return terminal.step(`Timelines of ${wish.messages} messages`, ({ progress }) =>
    measuredTimeline({
      ...wish,
      home: join(home, 'timeline'),
      progress: (done) => progress(done, 2, 'parts of the rows'),
    }),
  );
}

/** @param {TimelineResult} result */
export function timelineLines({ messages, records, generateSeconds, baseline, database, http, filters: byFilter }) {
  const shown = (/** @type {Timing} */ { p50Ms, p99Ms, maxMs }) =>
    `p50 ${p50Ms} ms, p99 ${p99Ms} ms, at most ${maxMs} ms`;
  return [
    '',
    `  Pages of ${pageSize} of timelines: ${messages} messages, ${records} records, made in ${generateSeconds} s (goal ${goals.generateSeconds} s)`,
    `    an index scan of the page   ${shown(baseline)}`,
    `    the page in the database    ${shown(database)} (goal: p99 ${goals.databaseP99Ms} ms)`,
    `    the page over HTTP          ${shown(http)} (goal: p99 ${goals.httpP99Ms} ms)`,
    ...Object.entries(byFilter).map(([filter, timing]) => `      ${filter.padEnd(36)} ${shown(timing)}`),
  ];
}

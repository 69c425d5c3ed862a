// @ts-check
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { projectDir } from '../lib/places.mjs';
import { freePort } from '../lib/ports.mjs';
import { startPostgres } from '../lib/postgres.mjs';
import { removeState } from '../lib/state.mjs';
import { mailboxRows } from './deletion-rows.mjs';
import { arrivingMail } from './deletion.mjs';
import { cpuSecondsOf } from './processes.mjs';

const require = createRequire(join(projectDir, 'package.json'));

/**
 * @typedef {object} Measured
 * @property {number} seconds
 * @property {number} cpuSeconds of Postgres, with the mail that arrived meanwhile
 * @property {number} cpuSecondsOfServer likewise
 */

/**
 * @typedef {object} RecordsResult
 * @property {number} records
 * @property {Measured} made all lines for the first time
 * @property {Measured} again the same lines once more: nothing changes
 * @property {number} jobs that link stored mail, of both
 * @property {number} memoryMegabytes by which the process grew at most
 * @property {number} p99Ms of recording one new message of the tenant meanwhile
 * @property {number} maxMs likewise
 * @property {{seconds: number, cpuSeconds: number}} baseline COPY of the same rows, in another tenant
 */

/** Ten of them work for the same company. */
const contactsPerCompany = 10;
/** Lines that are given to the body in one piece. */
const linesPerPiece = 500;

/** @param {number} n @returns {{type: string, externalId: string, name: string, number: string, companyExternalId?: string, addresses: {address: string, kind: string}[]}} */
function lineOf(n) {
  const company = n - (n % contactsPerCompany);
  const shared = { externalId: `e${n}`, name: `Customer ${n}`, number: String(n) };
  const at = `c${company}.example`;
  if (n === company) return { type: 'company', ...shared, addresses: [{ address: `info@${at}`, kind: 'business' }] };
  const addresses = [
    { address: `p${n}@${at}`, kind: 'business' },
    { address: `p${n}@home.example`, kind: 'private' },
  ];
  return { type: 'contact', ...shared, companyExternalId: `e${company}`, addresses };
}

/** @param {number} records @returns {Generator<Buffer>} */
function* body(records) {
  for (let from = 0; from < records; from += linesPerPiece) {
    const count = Math.min(linesPerPiece, records - from);
    const lines = Array.from({ length: count }, (_, n) => JSON.stringify(lineOf(from + n)));
    yield Buffer.from(`${lines.join('\n')}\n`);
  }
}

/**
 * Uploads so many records with their addresses to a tenant whose mail goes on arriving, twice, and measures it.
 * @param {{home: string, records: import('../lib/processes.mjs').ProcessRecords, count: number, say: (line: string) => void}} wish
 * @returns {Promise<RecordsResult>}
 */
async function measuredRecords({ home, records, count, say }) {
  removeState(home);
  mkdirSync(join(home, 'logs'), { recursive: true });
  const logFile = join(home, 'logs', 'postgres.log');
  const postgres = await startPostgres({ home, port: await freePort(), records, logFile, say });
  try {
    await require('./dist/db/migrate.js').migrate(postgres);
    const baseline = await measuredCopy(postgres, count);
    const { tenantId, other } = await mailboxRows(postgres.ownerUrl, { messages: 1_000, bytesPerMessage: 0 });
    const measured = await measuredUploads(postgres, { tenantId, other, count });
    return { records: count, ...measured, baseline };
  } finally {
    await postgres.process.stop(30_000);
    removeState(home);
  }
}

/** @param {{appUrl: string, process: {pid: number}}} postgres @param {{tenantId: string, other: {sourceId: string, genId: number, policy: object}, count: number}} wish */
async function measuredUploads(postgres, { tenantId, other, count }) {
  const { openDatabase } = require('./dist/db/database.js');
  const { uploadRecords } = require('./dist/api/records/bulk.js');
  const { defaultLimits } = require('./dist/config/limits.js');
  const db = openDatabase({ url: postgres.appUrl, poolSize: 6 });
  const temporal = { startRematch: () => Promise.resolve() };
  const context = { db, limits: defaultLimits, temporal, log: { warn: () => {} } };
  const viewer = {
    tenantId,
    keyId: randomUUID(),
    scopes: ['write'],
    userId: null,
    principal: -1,
    role: null,
    teams: [],
  };
  const arrivals = arrivingMail(db, tenantId, other);
  global.gc?.();
  const before = process.memoryUsage().rss;
  let most = before;
  const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 50);
  const upload = async (/** @type {string} */ key) => {
    const answer = await uploadRecords(context, viewer, { body: Readable.from(body(count)), key, fromLine: 1 });
    if (answer.written !== count) throw new Error(`${answer.written} lines were written, and not ${count}`);
  };
  const made = await timed(postgres.process.pid, () => upload('first'));
  const again = await timed(postgres.process.pid, () => upload('second'));
  clearInterval(watch);
  const times = (await arrivals.stop()).sort((one, two) => one - two);
  const [{ count: jobs }] = await db.inTenant(tenantId, (/** @type {any} */ sql) =>
    sql.query("SELECT count(*) AS count FROM operation WHERE kind = 'rematch'"),
  );
  await db.close();
  return {
    made,
    again,
    jobs,
    memoryMegabytes: Math.round((most - before) / 1_048_576),
    p99Ms: Math.round(times[Math.floor(times.length * 0.99)] ?? 0),
    maxMs: Math.round(times.at(-1) ?? 0),
  };
}

/** @param {number} pid of Postgres @param {() => Promise<void>} work @returns {Promise<Measured>} */
async function timed(pid, work) {
  const [cpu, own, began] = [cpuSecondsOf(pid), process.cpuUsage(), performance.now()];
  await work();
  const { user, system } = process.cpuUsage(own);
  return {
    seconds: rounded((performance.now() - began) / 1_000),
    cpuSeconds: rounded(cpuSecondsOf(pid) - cpu),
    cpuSecondsOfServer: rounded((user + system) / 1_000_000),
  };
}

/** The same rows by COPY: what Postgres itself takes to write them, with their indexes. @param {{ownerUrl: string, process: {pid: number}}} postgres @param {number} count */
async function measuredCopy(postgres, count) {
  const client = new (require('pg').Client)({ connectionString: postgres.ownerUrl });
  await client.connect();
  try {
    const tenantId = randomUUID();
    await client.query("INSERT INTO tenant (tenant_id, name) VALUES ($1, 'baseline')", [tenantId]);
    const { seconds, cpuSeconds } = await timed(postgres.process.pid, async () => {
      const ids = Array.from({ length: count }, () => randomUUID());
      await copyInto(
        client,
        'record (tenant_id, id, type, name, number, external_id, company_id)',
        recordRows(tenantId, ids),
      );
      await copyInto(
        client,
        'record_address (tenant_id, address_key, record_id, kind, address)',
        addressRows(tenantId, ids),
      );
    });
    return { seconds, cpuSeconds };
  } finally {
    await client.end();
  }
}

/** @param {import('pg').Client} client @param {string} into @param {Generator<string>} rows */
async function copyInto(client, into, rows) {
  const stream = client.query(require('pg-copy-streams').from(`COPY ${into} FROM STDIN`));
  await pipeline(Readable.from(rows), stream);
}

/** @param {string} tenantId @param {string[]} ids @returns {Generator<string>} */
function* recordRows(tenantId, ids) {
  for (const [n, id] of ids.entries()) {
    const { type, name, number, externalId } = lineOf(n);
    const company = type === 'company' ? '\\N' : ids[n - (n % contactsPerCompany)];
    yield `${[tenantId, id, type, name, number, externalId, company].join('\t')}\n`;
  }
}

/** @param {string} tenantId @param {string[]} ids @returns {Generator<string>} */
function* addressRows(tenantId, ids) {
  for (const [n, id] of ids.entries()) {
    for (const { address, kind } of lineOf(n).addresses) yield `${[tenantId, address, id, kind, address].join('\t')}\n`;
  }
}

const rounded = (/** @type {number} */ value) => Math.round(value * 10) / 10;

/** @param {{terminal: import('../lib/terminal.mjs').Terminal, home: string, records: import('../lib/processes.mjs').ProcessRecords, count: number, say: (line: string) => void}} wish @returns {Promise<RecordsResult>} */
export function benchRecords({ terminal, home, records, count, say }) {
  return terminal.step(`Upload of ${count} records`, () =>
    measuredRecords({ home: join(home, 'records'), records, count, say }),
  );
}

/** The numbers for people. @param {RecordsResult} result @returns {string[]} */
export function recordsTable({ records, made, again, jobs, memoryMegabytes, p99Ms, maxMs, baseline }) {
  const line = (
    /** @type {string} */ what,
    /** @type {{seconds: number, cpuSeconds: number, cpuSecondsOfServer?: number}} */ of,
  ) =>
    `    ${what.padEnd(22)} ${String(of.seconds).padStart(7)} s  ${String(Math.round(records / of.seconds)).padStart(7)} a second` +
    `   CPU s: Postgres ${of.cpuSeconds}${of.cpuSecondsOfServer === undefined ? '' : `, server ${of.cpuSecondsOfServer}`}`;
  return [
    `  Upload of ${records} records with addresses, while mail arrives`,
    line('made', made),
    line('the same again', again),
    line('COPY of the rows', baseline),
    `    jobs that link mail: ${jobs}; memory +${memoryMegabytes} MB; new mail meanwhile: p99 ${p99Ms} ms, at most ${maxMs} ms`,
  ];
}

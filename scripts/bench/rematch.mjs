// @ts-check
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { projectDir } from '../lib/places.mjs';
import { freePort } from '../lib/ports.mjs';
import { startPostgres } from '../lib/postgres.mjs';
import { removeState } from '../lib/state.mjs';
import { arrivingMail } from './deletion.mjs';
import { cpuSecondsOf } from './processes.mjs';

const require = createRequire(join(projectDir, 'package.json'));

/**
 * @typedef {object} RematchResult
 * @property {number} messages
 * @property {number} links that were made
 * @property {number} seconds
 * @property {number} perSecond
 * @property {number} cpuSeconds of Postgres, with the mail that arrived meanwhile
 * @property {number} cpuSecondsOfWorker likewise
 * @property {number} p99Ms of recording one new message of the tenant meanwhile
 * @property {number} maxMs likewise
 * @property {{seconds: number, cpuSeconds: number}} baseline one plain INSERT of the same links and one of their reasons, in another tenant
 */

/** Twenty messages are of the same customer; one in four names another one in Cc. */
const messagesPerCustomer = 20;

/**
 * Gives customers to a tenant whose mail is there already, and measures how long it takes until all of it is linked, while mail arrives. The rows
 * are made by SQL.
 * @param {{home: string, records: import('../lib/processes.mjs').ProcessRecords, messages: number, say: (line: string) => void}} wish
 * @returns {Promise<RematchResult>}
 */
async function measuredRematch({ home, records, messages, say }) {
  removeState(home);
  mkdirSync(join(home, 'logs'), { recursive: true });
  const logFile = join(home, 'logs', 'postgres.log');
  const postgres = await startPostgres({ home, port: await freePort(), records, logFile, say });
  const client = new (require('pg').Client)({ connectionString: postgres.ownerUrl });
  try {
    await require('./dist/db/migrate.js').migrate(postgres);
    await client.connect();
    const plain = await correspondence(client, messages, 'a');
    const tenant = await correspondence(client, messages, 'b');
    await client.query('CHECKPOINT');
    const baseline = await measuredBaseline(client, plain.tenantId, postgres.process.pid);
    const result = await measured(postgres, tenant);
    const links = await linksOf(client, tenant.tenantId);
    const expected = await linksOf(client, plain.tenantId);
    if (links < expected) throw new Error(`${links} links were made, and not ${expected}`);
    return { messages, links, ...result, perSecond: Math.round(messages / result.seconds), baseline };
  } finally {
    await client.end();
    await postgres.process.stop(30_000);
    removeState(home);
  }
}

/** @param {import('pg').Client} client @param {string} tenantId */
async function linksOf(client, tenantId) {
  const { rows } = await client.query('SELECT count(*)::integer AS count FROM link WHERE tenant_id = $1', [tenantId]);
  return rows[0].count;
}

/**
 * A tenant with a mailbox full of mail, and the customers who wrote it, whom nothing is linked to yet. Without ANALYZE, as a young database is.
 * @param {import('pg').Client} client @param {number} messages @param {string} salt
 */
async function correspondence(client, messages, salt) {
  const { defaultPolicy } = require('./dist/domain/policy.js');
  const [tenantId, sourceId, userId, folderId] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
  const policy = { ...defaultPolicy, visibility: 'full' };
  await client.query("INSERT INTO tenant (tenant_id, name) VALUES ($1, 'bench')", [tenantId]);
  await client.query(
    "INSERT INTO app_user (tenant_id, id, principal, role, name) VALUES ($1, $2, 1, 'member', 'Rep')",
    [tenantId, userId],
  );
  await client.query(
    `INSERT INTO source (tenant_id, id, kind, address, address_key, policy, desired_state, owner_user_id)
     VALUES ($1, $2, 'mailbox', $3, $3, $4, 'running', $5)`,
    [tenantId, sourceId, `${salt}@bench.example`, JSON.stringify(policy), userId],
  );
  await client.query(
    `INSERT INTO mailbox (tenant_id, source_id, imap, auth_type, username, secret, secret_key_id, state)
     VALUES ($1, $2, '{}', 'password', 'u', '', 'k', 'live')`,
    [tenantId, sourceId],
  );
  await client.query(
    "INSERT INTO folder (tenant_id, id, source_id, path, in_scope) VALUES ($1, $2, $3, 'INBOX', true)",
    [tenantId, folderId, sourceId],
  );
  const { rows } = await client.query(
    'INSERT INTO folder_generation (tenant_id, source_id, folder_id, uidvalidity) VALUES ($1, $2, $3, 1) RETURNING id',
    [tenantId, sourceId, folderId],
  );
  const customers = Math.max(2, Math.round(messages / messagesPerCustomer));
  await insertMail(client, { tenantId, sourceId, messages, customers, salt });
  await client.query(
    `INSERT INTO record (tenant_id, id, type, name) SELECT $1, md5('record${salt}' || k)::uuid, 'contact', 'Customer ' || k
     FROM generate_series(0, $2::integer - 1) AS k`,
    [tenantId, customers],
  );
  await client.query(
    `INSERT INTO record_address (tenant_id, record_id, address_key, address, kind)
     SELECT $1, md5('record${salt}' || k)::uuid, 'c' || k || '@customer.example', 'c' || k || '@customer.example', 'business'
     FROM generate_series(0, $2::integer - 1) AS k`,
    [tenantId, customers],
  );
  return { tenantId, customers, source: { sourceId, genId: Number(rows[0].id), policy } };
}

/** @param {import('pg').Client} client @param {{tenantId: string, sourceId: string, messages: number, customers: number, salt: string}} wish */
async function insertMail(client, { tenantId, sourceId, messages, customers, salt }) {
  const series = 'generate_series(1, $2::integer) AS n';
  const idOf = (/** @type {string} */ kind) => `md5('${kind}${salt}' || n)::uuid`;
  const shaOf = (/** @type {string} */ kind) =>
    `decode(md5('${kind}${salt}' || n) || md5(n || '${kind}${salt}'), 'hex')`;
  const sortAt = "date_trunc('second', now()) - n * interval '1 minute'";
  const values = [tenantId, messages];
  await client.query(`INSERT INTO thread (tenant_id, id) SELECT $1, ${idOf('thread')} FROM ${series}`, values);
  await client.query(
    `INSERT INTO message (tenant_id, id, message_key, thread_id, sort_at, sent_at, participants)
     SELECT $1, ${idOf('message')}, ${shaOf('key')}, ${idOf('thread')}, ${sortAt}, ${sortAt}, '{}' FROM ${series}`,
    values,
  );
  await client.query(
    `INSERT INTO copy (tenant_id, id, source_id, message_id, raw_sha, raw_size, raw_state, visibility, direction, parser_version)
     SELECT $1, ${idOf('copy')}, $3, ${idOf('message')}, ${shaOf('raw')}, 1000, 'none', 3, 'incoming', 1 FROM ${series}`,
    [...values, sourceId],
  );
  await client.query(
    `INSERT INTO copy_address (tenant_id, copy_id, role, address_key)
     SELECT $1, ${idOf('copy')}, a.role, a.address FROM ${series} CROSS JOIN LATERAL (VALUES
       ('from', 'c' || (n % $3::integer) || '@customer.example'),
       ('cc', CASE WHEN n % 4 = 0 THEN 'c' || ((n * 7 + 3) % $3::integer) ELSE 'y' || n END || '@customer.example'),
       ('to', '${salt}@bench.example'), ('to', 'x' || n || '@elsewhere.example')) AS a(role, address) ON CONFLICT DO NOTHING`,
    [...values, customers],
  );
  await client.query(
    `INSERT INTO timeline (tenant_id, record_id, principal, sort_at, message_id, level)
     SELECT $1, record, principal, ${sortAt}, ${idOf('message')}, 3 FROM ${series}, unnest(ARRAY[-1, 1]) AS principal,
       unnest(ARRAY['00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000001']::uuid[]) AS record`,
    values,
  );
}

/** The same links and reasons by nothing but a join. @param {import('pg').Client} client @param {string} tenantId @param {number} pid */
async function measuredBaseline(client, tenantId, pid) {
  const matches = `copy c JOIN copy_address ca ON ca.tenant_id = $1 AND ca.copy_id = c.id
    JOIN record_address ra ON ra.tenant_id = $1 AND ra.address_key = ca.address_key`;
  const cpuBefore = cpuSecondsOf(pid);
  const began = performance.now();
  await client.query('BEGIN');
  await client.query(
    `INSERT INTO link (tenant_id, id, message_id, record_id)
     SELECT DISTINCT ON (c.message_id, ra.record_id) $1::uuid, gen_random_uuid(), c.message_id, ra.record_id FROM ${matches} WHERE c.tenant_id = $1`,
    [tenantId],
  );
  await client.query(
    `INSERT INTO link_reason (tenant_id, link_id, kind, key, actor, record_version)
     SELECT $1, l.id, 'address', ca.role || ':' || ca.address_key, 'rule', 1 FROM ${matches}
     JOIN link l ON l.tenant_id = $1 AND l.message_id = c.message_id AND l.record_id = ra.record_id WHERE c.tenant_id = $1`,
    [tenantId],
  );
  await client.query('COMMIT');
  return {
    seconds: Math.round((performance.now() - began) / 100) / 10,
    cpuSeconds: Math.round((cpuSecondsOf(pid) - cpuBefore) * 10) / 10,
  };
}

/**
 * @param {{appUrl: string, process: {pid: number}}} postgres
 * @param {{tenantId: string, customers: number, source: {sourceId: string, genId: number, policy: object}}} tenant
 */
async function measured(postgres, { tenantId, customers, source }) {
  const { openDatabase } = require('./dist/db/database.js');
  const { queueRematch } = require('./dist/db/records-rematch.js');
  const { lockTenantForWriting } = require('./dist/db/tenant-lock.js');
  const { rematchHistory } = require('./dist/activities/rematch-history.js');
  const db = openDatabase({ url: postgres.appUrl, poolSize: 6 });
  const arrivals = arrivingMail(db, tenantId, source);
  const cpuBefore = cpuSecondsOf(postgres.process.pid);
  const ownBefore = process.cpuUsage();
  const began = performance.now();
  const addresses = Array.from({ length: customers }, (_, k) => `c${k}@customer.example`);
  const job = await db.inTenant(tenantId, async (/** @type {any} */ sql) => {
    await lockTenantForWriting(sql, tenantId);
    return queueRematch(sql, tenantId, addresses);
  });
  const run = { signal: new AbortController().signal, heartbeat: () => {} };
  const input = { tenantId, operationId: job.operationId };
  while ((await rematchHistory({ db }, run, input)).kind === 'more');
  const seconds = (performance.now() - began) / 1_000;
  const cpuSeconds = cpuSecondsOf(postgres.process.pid) - cpuBefore;
  const { user, system } = process.cpuUsage(ownBefore);
  const sorted = (await arrivals.stop()).sort((one, two) => one - two);
  await db.close();
  return {
    seconds: Math.round(seconds * 10) / 10,
    cpuSeconds: Math.round(cpuSeconds * 10) / 10,
    cpuSecondsOfWorker: Math.round((user + system) / 100_000) / 10,
    p99Ms: Math.round(sorted[Math.floor(sorted.length * 0.99)] ?? 0),
    maxMs: Math.round(sorted.at(-1) ?? 0),
  };
}

/** @param {import('./deletion.mjs').BenchWish} wish */
export function benchRematch({ terminal, home, ...wish }) {
  return terminal.step(`Links of ${wish.messages} messages`, () =>
    measuredRematch({ ...wish, home: join(home, 'rematch') }),
  );
}

/** @param {RematchResult} result */
export function rematchTable(result) {
  const { messages, links, seconds, perSecond, cpuSeconds, cpuSecondsOfWorker, p99Ms, maxMs, baseline } = result;
  return [
    '',
    `  Linking history again: ${messages} messages, ${links} links (aim: 100,000 messages in 60 s)`,
    `  job                ${seconds.toFixed(1)} s   ${perSecond} messages/s   CPU ${cpuSeconds} s of Postgres, ${cpuSecondsOfWorker} s of the worker   new mail p99 ${p99Ms} ms, longest ${maxMs} ms`,
    `  one plain INSERT   ${baseline.seconds.toFixed(1)} s   CPU ${baseline.cpuSeconds} s; links and reasons alone, no timelines, nothing else meanwhile`,
  ];
}

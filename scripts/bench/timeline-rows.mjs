// @ts-check
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { projectDir } from '../lib/places.mjs';

const require = createRequire(join(projectDir, 'package.json'));

/**
 * @typedef {object} TimelineRows
 * @property {string} tenantId
 * @property {string} userId of a member who holds no mailbox, and may see half of the records
 * @property {number} principal
 * @property {string} sourceId one of the mailboxes
 * @property {(n: number) => string} recordOf the id of a record; 0 is the one with a quarter of all mail
 * @property {(n: number) => boolean} isOpen whether the member may see that record
 * @property {(n: number) => string} messageOf
 * @property {number} records
 */

const mailboxes = 20;
const everybody = 0;
const tenant = -1;
const allMail = '00000000-0000-0000-0000-000000000000';
/** Ids in the order in which they were given, as the product's are. @param {number} kind @param {number} n */
const idOf = (kind, n) => `${n.toString(16).padStart(8, '0')}-000${kind}-7000-8000-000000000000`;
const [messageKind, threadKind, copyKind, recordKind, linkKind] = [1, 2, 3, 4, 5];
const pad = (/** @type {number} */ n) => n.toString(16).padStart(64, '0');

/**
 * A tenant with so many messages and records, written by COPY as its imports would leave them: twenty mailboxes, one record with a quarter of the
 * mail, the others with the rest; every tenth record is the company of the nine after it. Every second record is restricted to somebody else.
 * @param {string} ownerUrl
 * @param {{messages: number, records: number, progress: (done: number) => void}} wish
 * @returns {Promise<TimelineRows>}
 */
export async function timelineRows(ownerUrl, { messages, records, progress }) {
  const client = new (require('pg').Client)({ connectionString: ownerUrl });
  await client.connect();
  // What is copied is right by its making: keys to other tables are not asked for each row.
  await client.query("SET session_replication_role = replica; SET maintenance_work_mem = '512MB'");
  const tenantId = randomUUID();
  const people = await insertPeople(client, tenantId);
  const isOpen = (/** @type {number} */ n) => n === 0 || n % 2 === 1;
  const recordOf = (/** @type {number} */ n) => idOf(recordKind, n);
  const companyOf = (/** @type {number} */ n) => (n % 10 === 0 ? null : recordOf(n - (n % 10)));
  /** @param {string} table @param {string} columns @param {number} count @param {(n: number) => string} rowsOf */
  const copy = (table, columns, count, rowsOf) => copyRows(client, { table, columns, count, rowsOf });
  await copy('record', 'tenant_id, id, type, name, company_id, restricted', records, (n) => {
    const company = n < 10 ? null : companyOf(n);
    return `${tenantId}\t${recordOf(n)}\t${company === null ? 'company' : 'contact'}\tRecord ${n}\t${company ?? '\\N'}\t${isOpen(n) ? 'f' : 't'}\n`;
  });
  await copy('record_address', 'tenant_id, address_key, record_id, kind, address', records, (n) => {
    return `${tenantId}\t${addressOf(n)}\t${recordOf(n)}\tbusiness\t${addressOf(n)}\n`;
  });
  await copy('record_scope', 'tenant_id, record_id, principal', records, (n) =>
    isOpen(n) ? '' : `${tenantId}\t${recordOf(n)}\t${people.scoped}\n`,
  );
  const made = { tenantId, people, messages, records, recordOf, companyOf, isOpen };
  await copyMail(copy, made);
  progress(1);
  await withoutIndexes(client, 'timeline', () => copyTimeline(copy, made));
  progress(2);
  await client.query('VACUUM (ANALYZE)');
  await client.query('CHECKPOINT');
  await client.end();
  const { userId, principal, sourceIds } = people;
  const messageOf = (/** @type {number} */ n) => idOf(messageKind, n);
  return { tenantId, userId, principal, sourceId: sourceIds[0] ?? '', recordOf, isOpen, messageOf, records };
}

const addressOf = (/** @type {number} */ n) => `person${n}@customer.example`;
const mailboxOf = (/** @type {number} */ n) => `mailbox${n}@company.example`;

/** Which record a message is linked to. @param {number} n @param {number} records */
const recordOfMessage = (n, records) => (n % 4 === 0 ? 0 : 10 + ((n * 7_919) % (records - 10)));

/** A minute apart; whole numbers of milliseconds, so that text and time are the same. @param {number} n @param {number} messages */
const sortAtOf = (n, messages) => new Date(1_790_000_000_000 - (messages - n) * 60_000).toISOString();

/** @typedef {{userId: string, principal: number, scoped: number, sourceIds: string[], genIds: number[]}} People */

/** Owners 1 to 20 with a mailbox each, the member who asks, and who the restricted records are for. @param {import('pg').Client} client @param {string} tenantId @returns {Promise<People>} */
async function insertPeople(client, tenantId) {
  const { defaultPolicy } = require('./dist/domain/policy.js');
  await client.query("INSERT INTO tenant (tenant_id, name) VALUES ($1, 'bench')", [tenantId]);
  const [principal, scoped] = [mailboxes + 1, mailboxes + 2];
  const userIds = Array.from({ length: scoped }, () => randomUUID());
  for (const [index, id] of userIds.entries()) {
    await client.query(
      "INSERT INTO app_user (tenant_id, id, principal, role, name) VALUES ($1, $2, $3, 'member', 'P')",
      [tenantId, id, index + 1],
    );
  }
  /** @type {string[]} */
  const sourceIds = [];
  /** @type {number[]} */
  const genIds = [];
  for (let n = 0; n < mailboxes; n += 1) {
    const [id, folderId] = [randomUUID(), randomUUID()];
    sourceIds.push(id);
    const policy = JSON.stringify({ ...defaultPolicy, visibility: 'full' });
    await client.query(
      `INSERT INTO source (tenant_id, id, kind, address, address_key, owner_user_id, policy, desired_state) VALUES ($1, $2, 'mailbox', $3, $3, $4, $5, 'running')`,
      [tenantId, id, mailboxOf(n), userIds[n], policy],
    );
    await client.query('INSERT INTO user_address (tenant_id, address_key, user_id) VALUES ($1, $2, $3)', [
      tenantId,
      mailboxOf(n),
      userIds[n],
    ]);
    await client.query(
      "INSERT INTO folder (tenant_id, id, source_id, path, in_scope) VALUES ($1, $2, $3, 'INBOX', true)",
      [tenantId, folderId, id],
    );
    const { rows } = await client.query(
      'INSERT INTO folder_generation (tenant_id, source_id, folder_id, uidvalidity) VALUES ($1, $2, $3, 1) RETURNING id',
      [tenantId, id, folderId],
    );
    genIds.push(Number(rows[0].id));
  }
  return { userId: userIds[mailboxes] ?? '', principal, scoped, sourceIds, genIds };
}

/** @typedef {(table: string, columns: string, count: number, rowsOf: (n: number) => string) => Promise<void>} Copy */
/** @typedef {{tenantId: string, people: People, messages: number, records: number, recordOf: (n: number) => string, companyOf: (n: number) => string | null, isOpen: (n: number) => boolean}} Made */

/** Messages, three in a thread, each a copy in one mailbox, from a record's address to the mailbox's. @param {Copy} copy @param {Made} made */
async function copyMail(copy, { tenantId, people, messages, records, recordOf }) {
  const at = (/** @type {number} */ n) => sortAtOf(n, messages);
  const boxOf = (/** @type {number} */ n) => n % mailboxes;
  const from = (/** @type {number} */ n) => addressOf(recordOfMessage(n, records));
  await copy('thread', 'tenant_id, id', Math.ceil(messages / 3), (n) => `${tenantId}\t${idOf(threadKind, n)}\n`);
  const columns = 'tenant_id, id, message_key, thread_id, sort_at, sent_at, participants, has_attachments, marks';
  await copy('message', columns, messages, (n) => {
    const participants = `{"from": [{"name": "Ada", "address": "${from(n)}"}], "to": [{"name": "", "address": "${mailboxOf(boxOf(n))}"}], "cc": [], "sender": [], "replyTo": []}`;
    const marks = n % 50 === 0 ? '{mailing-list}' : '{}';
    return `${tenantId}\t${idOf(messageKind, n)}\t\\\\x${pad(n)}\t${idOf(threadKind, Math.floor(n / 3))}\t${at(n)}\t${at(n)}\t${participants}\t${n % 5 === 0 ? 't' : 'f'}\t${marks}\n`;
  });
  await copy(
    'message_subject',
    'tenant_id, message_id, subject',
    messages,
    (n) => `${tenantId}\t${idOf(messageKind, n)}\tNumber ${n}\n`,
  );
  await copy('message_body', 'tenant_id, message_id, preview, text, text_truncated', messages, (n) => {
    return `${tenantId}\t${idOf(messageKind, n)}\tWords of number ${n} for a list\t${`Words ${n} `.repeat(40)}\tf\n`;
  });
  const ofCopy =
    'tenant_id, id, source_id, message_id, raw_sha, raw_size, raw_state, visibility, direction, parser_version';
  await copy('copy', ofCopy, messages, (n) => {
    const direction = n % 100 === 0 ? 'outgoing' : 'incoming';
    return `${tenantId}\t${idOf(copyKind, n)}\t${people.sourceIds[boxOf(n)] ?? ''}\t${idOf(messageKind, n)}\t\\\\x${pad(n)}\t9000\tnone\t3\t${direction}\t1\n`;
  });
  await copy('copy_address', 'tenant_id, address_key, copy_id, role', messages, (n) => {
    const copyId = idOf(copyKind, n);
    return `${tenantId}\t${from(n)}\t${copyId}\tfrom\n${tenantId}\t${mailboxOf(boxOf(n))}\t${copyId}\tto\n`;
  });
  await copy('placement', 'tenant_id, gen_id, uid, source_id, copy_id, outcome, raw_sha, size', messages, (n) => {
    const [gen, source] = [people.genIds[boxOf(n)] ?? 0, people.sourceIds[boxOf(n)] ?? ''];
    return `${tenantId}\t${gen}\t${n + 1}\t${source}\t${idOf(copyKind, n)}\t2\t\\\\x${pad(n)}\t9000\n`;
  });
  await copy('link', 'tenant_id, id, message_id, record_id', messages, (n) => {
    return `${tenantId}\t${idOf(linkKind, n)}\t${idOf(messageKind, n)}\t${recordOf(recordOfMessage(n, records))}\n`;
  });
  await copy('link_reason', 'tenant_id, link_id, kind, key, actor, record_version', messages, (n) => {
    return `${tenantId}\t${idOf(linkKind, n)}\taddress\tfrom:${from(n)}\trule\t1\n`;
  });
}

/** What the product would write for them; a part of it is compared with what it does write. @param {Copy} copy @param {Made} made */
async function copyTimeline(copy, { tenantId, people, messages, records, recordOf, companyOf, isOpen }) {
  await copy('timeline', 'tenant_id, record_id, principal, sort_at, message_id, level', messages, (n) => {
    const record = recordOfMessage(n, records);
    const company = companyOf(record);
    const places = [allMail, recordOf(record), ...(company === null ? [] : [company])];
    const principals = [tenant, (n % mailboxes) + 1, isOpen(record) ? everybody : people.scoped];
    const rest = `${sortAtOf(n, messages)}\t${idOf(messageKind, n)}\t3\n`;
    return places.flatMap((place) => principals.map((one) => `${tenantId}\t${place}\t${one}\t${rest}`)).join('');
  });
}

/** Builds the indexes of a table from all rows at once, which takes a part of the time. @param {import('pg').Client} client @param {string} table @param {() => Promise<void>} work */
async function withoutIndexes(client, table, work) {
  const { rows: keys } = await client.query(
    "SELECT conname AS name, pg_get_constraintdef(oid) AS made FROM pg_constraint WHERE conrelid = $1::regclass AND contype = 'p'",
    [table],
  );
  for (const { name } of keys) await client.query(`ALTER TABLE ${table} DROP CONSTRAINT ${name}`);
  const { rows: indexes } = await client.query(
    'SELECT indexname AS name, indexdef AS made FROM pg_indexes WHERE tablename = $1',
    [table],
  );
  for (const { name } of indexes) await client.query(`DROP INDEX ${name}`);
  await work();
  for (const { made } of indexes) await client.query(made);
  for (const { name, made } of keys) await client.query(`ALTER TABLE ${table} ADD CONSTRAINT ${name} ${made}`);
}

const chunkLength = 1 << 18;

/** @param {import('pg').Client} client @param {{table: string, columns: string, count: number, rowsOf: (n: number) => string}} rows */
async function copyRows(client, { table, columns, count, rowsOf }) {
  const { from } = require('pg-copy-streams');
  function* chunks() {
    let chunk = '';
    for (let n = 0; n < count; n += 1) {
      chunk += rowsOf(n);
      if (chunk.length < chunkLength) continue;
      yield chunk;
      chunk = '';
    }
    if (chunk !== '') yield chunk;
  }
  await pipeline(
    Readable.from(chunks(), { objectMode: false }),
    client.query(from(`COPY ${table} (${columns}) FROM STDIN`)),
  );
}

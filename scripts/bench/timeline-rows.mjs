// @ts-check
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { projectDir } from '../lib/places.mjs';
import {
  generatedTables,
  mailboxAddressOf,
  mailboxes,
  openPolicy,
  otherPrincipal,
  teamPrincipal,
} from './timeline-mail.mjs';

const require = createRequire(join(projectDir, 'package.json'));

/** @typedef {import('./timeline-mail.mjs').GeneratedTable} GeneratedTable */
/** @typedef {import('./timeline-mail.mjs').World & {userId: string}} Tenant whose user 1 asks: a member with one of the mailboxes, in one team */
/** @typedef {{name: string, made: string[]}} Unindexed a table, and the statements that give it its indexes again */

/** Writes a tenant by COPY as its imports would leave it (timeline-mail.mjs): rows first, then indexes, then statistics. */
export class TimelineRows {
  #client;
  /** @type {Unindexed[]} */
  #unindexed = [];

  /** @param {string} ownerUrl of a database that nobody else needs */
  constructor(ownerUrl) {
    this.#client = new (require('pg').Client)({ connectionString: ownerUrl });
  }

  /** @param {{messages: number, records: number, progress: (done: number, total: number) => void}} wish @returns {Promise<Tenant>} */
  async copy({ messages, records, progress }) {
    await this.#client.connect();
    // What is copied is right by its making: keys to other tables are not asked for each row. Nothing else is to run meanwhile, nor while it is measured.
    await this.#client.query('ALTER SYSTEM SET autovacuum = off');
    await this.#client.query('SELECT pg_reload_conf()');
    await this.#client.query("SET session_replication_role = replica; SET maintenance_work_mem = '1GB'");
    const tenant = { ...(await insertPeople(this.#client)), messages, records };
    const tables = generatedTables(tenant);
    const total = tables.reduce((sum, { count }) => sum + count, 0);
    let before = 0;
    for (const table of tables) {
      this.#unindexed.push(await withoutIndexes(this.#client, table.name));
      await copyRows(this.#client, table, (done) => progress(before + done, total));
      before += table.count;
    }
    return tenant;
  }

  /** Makes each index from all rows at once, which takes a part of the time. @param {(done: number, total: number) => void} progress */
  async index(progress) {
    for (const [done, { name, made }] of this.#unindexed.entries()) {
      for (const statement of made) await this.#client.query(statement);
      await this.#client.query(`VACUUM (ANALYZE) ${name}`);
      progress(done + 1, this.#unindexed.length);
    }
    await this.#client.query('VACUUM (ANALYZE)');
    await this.#client.query('CHECKPOINT');
  }

  async end() {
    await this.#client.end();
  }
}

/** Twenty owners with a mailbox each, the team of the first, and who the other records are shown to. @param {import('pg').Client} client */
async function insertPeople(client) {
  const tenantId = randomUUID();
  await client.query("INSERT INTO tenant (tenant_id, name) VALUES ($1, 'bench')", [tenantId]);
  const userIds = [];
  for (const principal of [...Array.from({ length: mailboxes }, (_, n) => n + 1), otherPrincipal]) {
    const id = randomUUID();
    userIds.push(id);
    await client.query(
      "INSERT INTO app_user (tenant_id, id, principal, role, name) VALUES ($1, $2, $3, 'member', 'P')",
      [tenantId, id, principal],
    );
  }
  const [teamId, userId] = [randomUUID(), userIds[0] ?? ''];
  await client.query("INSERT INTO team (tenant_id, id, principal, name) VALUES ($1, $2, $3, 'Team')", [
    tenantId,
    teamId,
    teamPrincipal,
  ]);
  await client.query('INSERT INTO team_member (tenant_id, team_id, user_id) VALUES ($1, $2, $3)', [
    tenantId,
    teamId,
    userId,
  ]);
  const [sourceIds, genIds] = [/** @type {string[]} */ ([]), /** @type {number[]} */ ([])];
  for (let box = 0; box < mailboxes; box += 1) {
    const mailbox = await insertMailbox(client, { tenantId, box, userId: userIds[box] ?? '' });
    sourceIds.push(mailbox.sourceId);
    genIds.push(mailbox.genId);
  }
  return { tenantId, userId, sourceIds, genIds };
}

/** @param {import('pg').Client} client @param {{tenantId: string, box: number, userId: string}} of */
async function insertMailbox(client, { tenantId, box, userId }) {
  const [id, folderId, address] = [randomUUID(), randomUUID(), mailboxAddressOf(box)];
  await client.query(
    `INSERT INTO source (tenant_id, id, kind, address, address_key, owner_user_id, policy, desired_state) VALUES ($1, $2, 'mailbox', $3, $3, $4, $5, 'running')`,
    [tenantId, id, address, userId, openPolicy()],
  );
  const ofUser = 'INSERT INTO user_address (tenant_id, address_key, user_id) VALUES ($1, $2, $3)';
  await client.query(ofUser, [tenantId, address, userId]);
  const folder = "INSERT INTO folder (tenant_id, id, source_id, path, in_scope) VALUES ($1, $2, $3, 'INBOX', true)";
  await client.query(folder, [tenantId, folderId, id]);
  const { rows } = await client.query(
    'INSERT INTO folder_generation (tenant_id, source_id, folder_id, uidvalidity) VALUES ($1, $2, $3, 1) RETURNING id',
    [tenantId, id, folderId],
  );
  return { sourceId: id, genId: Number(rows[0].id) };
}

/** Takes a table's indexes away, but those that keys of others need. @param {import('pg').Client} client @param {string} name @returns {Promise<Unindexed>} */
async function withoutIndexes(client, name) {
  const { rows: keys } = await client.query(
    `SELECT conname AS name, pg_get_constraintdef(oid) AS made FROM pg_constraint c WHERE conrelid = $1::regclass AND contype IN ('p', 'u')
       AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conindid = c.conindid)`,
    [name],
  );
  const { rows: indexes } = await client.query(
    `SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS made FROM pg_index i
     WHERE i.indrelid = $1::regclass AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)`,
    [name],
  );
  for (const key of keys) await client.query(`ALTER TABLE ${name} DROP CONSTRAINT ${key.name}`);
  for (const index of indexes) await client.query(`DROP INDEX ${index.name}`);
  const added = keys.map((key) => `ALTER TABLE ${name} ADD CONSTRAINT ${key.name} ${key.made}`);
  return { name, made: [...added, ...indexes.map((index) => index.made)] };
}

const chunkLength = 1 << 18;

/** @param {import('pg').Client} client @param {GeneratedTable} table @param {(done: number) => void} progress */
async function copyRows(client, { name, columns, count, rowsOf }, progress) {
  const { from } = require('pg-copy-streams');
  function* chunks() {
    let chunk = '';
    for (let n = 0; n < count; n += 1) {
      chunk += rowsOf(n);
      if (chunk.length < chunkLength) continue;
      progress(n);
      yield chunk;
      chunk = '';
    }
    if (chunk !== '') yield chunk;
  }
  await client.query('BEGIN');
  // Rows of a table that is emptied in the same transaction are written as old ones: nobody need touch them again. Not where others' keys point to it.
  const { rowCount } = await client.query(
    "SELECT FROM pg_constraint WHERE contype = 'f' AND confrelid = $1::regclass",
    [name],
  );
  if (rowCount === 0) await client.query(`TRUNCATE ${name}`);
  await pipeline(
    Readable.from(chunks(), { objectMode: false }),
    client.query(from(`COPY ${name} (${columns}) FROM STDIN${rowCount === 0 ? ' (FREEZE)' : ''}`)),
  );
  await client.query('COMMIT');
}

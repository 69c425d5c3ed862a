// @ts-check
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { projectDir } from '../lib/places.mjs';

const require = createRequire(join(projectDir, 'package.json'));

/**
 * @typedef {object} ThreadRows
 * @property {string} tenantId
 * @property {string} recordId of a customer who wrote every tenth message, with none of them linked yet
 * @property {[string, string]} threadIds
 * @property {(thread: number, n: number) => string} messageIdOf the Message-ID of a message
 * @property {{sourceId: string, genId: number, policy: object}} source
 */

/**
 * A tenant with two threads of so many messages, each of which answers the one before it and names the first; without statistics, as a young database
 * is.
 * @param {string} ownerUrl @param {number} messages
 * @returns {Promise<ThreadRows>}
 */
export async function threadRows(ownerUrl, messages) {
  const { defaultPolicy } = require('./dist/domain/policy.js');
  const client = new (require('pg').Client)({ connectionString: ownerUrl });
  await client.connect();
  const [tenantId, sourceId, userId, folderId, recordId] = Array.from({ length: 5 }, () => randomUUID());
  const policy = { ...defaultPolicy, visibility: 'full' };
  const run = (/** @type {string} */ text, /** @type {unknown[]} */ values) => client.query(text, values);
  try {
    // What is written is right by its making: keys to other tables are not asked for each row.
    await client.query('SET session_replication_role = replica');
    await run("INSERT INTO tenant (tenant_id, name) VALUES ($1, 'bench')", [tenantId]);
    await run("INSERT INTO app_user (tenant_id, id, principal, role, name) VALUES ($1, $2, 1, 'member', 'Rep')", [
      tenantId,
      userId,
    ]);
    await run(
      `INSERT INTO source (tenant_id, id, kind, address, address_key, policy, desired_state, owner_user_id)
       VALUES ($1, $2, 'mailbox', 'rep@bench.example', 'rep@bench.example', $3, 'running', $4)`,
      [tenantId, sourceId, JSON.stringify(policy), userId],
    );
    await run(
      `INSERT INTO mailbox (tenant_id, source_id, imap, auth_type, username, secret, secret_key_id, state)
       VALUES ($1, $2, '{}', 'password', 'u', '', 'k', 'live')`,
      [tenantId, sourceId],
    );
    await run("INSERT INTO folder (tenant_id, id, source_id, path, in_scope) VALUES ($1, $2, $3, 'INBOX', true)", [
      tenantId,
      folderId,
      sourceId,
    ]);
    const { rows } = await run(
      'INSERT INTO folder_generation (tenant_id, source_id, folder_id, uidvalidity) VALUES ($1, $2, $3, 1) RETURNING id',
      [tenantId, sourceId, folderId],
    );
    await run("INSERT INTO record (tenant_id, id, type, name) VALUES ($1, $2, 'contact', 'Customer')", [
      tenantId,
      recordId,
    ]);
    const threadIds = /** @type {[string, string]} */ (
      ['00000001', '00000002'].map((part) => part + randomUUID().slice(8))
    );
    for (const thread of [0, 1])
      await insertThread(client, { tenantId, sourceId, threadId: threadIds[thread] ?? '', thread, messages });
    await client.query('CHECKPOINT');
    return {
      tenantId,
      recordId: recordId ?? '',
      threadIds,
      messageIdOf: (thread, n) => `<${n}.${thread}@bench.example>`,
      source: { sourceId: sourceId ?? '', genId: Number(rows[0].id), policy },
    };
  } finally {
    await client.end();
  }
}

/** @param {import('pg').Client} client @param {{tenantId: string | undefined, sourceId: string | undefined, threadId: string, thread: number, messages: number}} wish */
async function insertThread(client, { tenantId, sourceId, threadId, thread, messages }) {
  const series = 'generate_series(0, $2::integer - 1) AS n';
  const idOf = (/** @type {string} */ kind) => `md5('${kind}${thread} ' || n)::uuid`;
  const hashOf = (/** @type {string} */ n) => `sha256(('<' || ${n} || '.${thread}@bench.example>')::bytea)`;
  const at = "date_trunc('second', now()) - ($2::integer - n) * interval '1 minute'";
  const values = [tenantId, messages];
  await client.query('INSERT INTO thread (tenant_id, id) VALUES ($1, $2)', [tenantId, threadId]);
  await client.query(
    `INSERT INTO message (tenant_id, id, message_key, message_id_hash, thread_id, sort_at, sent_at, participants, refs)
     SELECT $1, ${idOf('message')}, ${hashOf('n')}, ${hashOf('n')}, $3, ${at}, ${at}, '{"from": [], "sender": [], "replyTo": [], "to": [], "cc": []}',
       CASE WHEN n = 0 THEN '{}' ELSE ARRAY[ref_number(${hashOf('(n - 1)')}), ref_number(${hashOf('0')})] END FROM ${series}`,
    [...values, threadId],
  );
  await client.query(
    `INSERT INTO thread_ref (tenant_id, ref_hash, thread_id) SELECT $1, ${hashOf('n')}, $3 FROM ${series}`,
    [...values, threadId],
  );
  await client.query(
    `INSERT INTO copy (tenant_id, id, source_id, message_id, raw_sha, raw_size, raw_state, visibility, direction, parser_version)
     SELECT $1, ${idOf('copy')}, $3, ${idOf('message')}, ${hashOf('n')}, 1000, 'none', 3, 'incoming', 1 FROM ${series}`,
    [...values, sourceId],
  );
  await client.query(
    `INSERT INTO copy_address (tenant_id, copy_id, role, address_key)
     SELECT $1, ${idOf('copy')}, a.role, a.address FROM ${series} CROSS JOIN LATERAL (VALUES
       ('from', 'person' || CASE WHEN n % 10 = 0 THEN 0 ELSE n % 7 + 1 END || '@customer.example'), ('to', 'rep@bench.example'),
       ('cc', 'person' || n % 7 || '@customer.example')) AS a(role, address) ON CONFLICT DO NOTHING`,
    values,
  );
  await client.query(
    `INSERT INTO timeline (tenant_id, record_id, principal, sort_at, message_id, level)
     SELECT $1, record, principal, ${at}, ${idOf('message')}, 3 FROM ${series}, unnest(ARRAY[-1, 1]) AS principal,
       unnest(ARRAY['00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000001']::uuid[]) AS record`,
    values,
  );
}

// @ts-check
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { projectDir } from '../lib/places.mjs';

const require = createRequire(join(projectDir, 'package.json'));

/**
 * A tenant with two mailboxes: one with `messages`, a twentieth of them held by the other one too, which has a tenth as many of its own.
 * Written in sets, as imports would leave them, and without ANALYZE: a young database knows nothing of its tables.
 * @param {string} ownerUrl @param {{messages: number, bytesPerMessage: number}} wish
 */
export async function mailboxRows(ownerUrl, { messages, bytesPerMessage }) {
  const client = new (require('pg').Client)({ connectionString: ownerUrl });
  await client.connect();
  const [tenantId, doomed, otherId] = [randomUUID(), randomUUID(), randomUUID()];
  const { defaultPolicy } = require('./dist/domain/policy.js');
  // Pages of bytes that cannot be compressed, as compressed mail is.
  await client.query(
    `CREATE TEMPORARY TABLE bench_page AS SELECT k, decode(string_agg(md5(k || ' ' || part), ''), 'hex') AS bytes
     FROM generate_series(0, 49) AS k, generate_series(1, 505) AS part GROUP BY k`,
  );
  const policy = { ...defaultPolicy, visibility: 'full' };
  await client.query("INSERT INTO tenant (tenant_id, name) VALUES ($1, 'bench')", [tenantId]);
  const genOf = async (/** @type {string} */ id) => {
    await client.query(
      `INSERT INTO source (tenant_id, id, kind, address, address_key, policy, desired_state) VALUES ($1, $2, 'mailbox', $3, $3, $4, 'running')`,
      [tenantId, id, `${id}@bench.example`, JSON.stringify(policy)],
    );
    await client.query(
      `INSERT INTO mailbox (tenant_id, source_id, imap, auth_type, username, secret, secret_key_id, state)
       VALUES ($1, $2, '{}', 'password', 'u', '', 'k', 'live')`,
      [tenantId, id],
    );
    const folderId = randomUUID();
    await client.query(
      "INSERT INTO folder (tenant_id, id, source_id, path, in_scope) VALUES ($1, $2, $3, 'INBOX', true)",
      [tenantId, folderId, id],
    );
    const { rows } = await client.query(
      'INSERT INTO folder_generation (tenant_id, source_id, folder_id, uidvalidity) VALUES ($1, $2, $3, 1) RETURNING id',
      [tenantId, id, folderId],
    );
    return Number(rows[0].id);
  };
  const doomedGen = await genOf(doomed);
  const otherGen = await genOf(otherId);
  const recordId = randomUUID();
  await client.query("INSERT INTO record (tenant_id, id, type, name) VALUES ($1, $2, 'contact', 'Ada')", [
    tenantId,
    recordId,
  ]);
  // The numbers of the messages make their ids: m of the doomed mailbox from 1, of the other one above it.
  const own = Math.round(messages / 10);
  const shared = Math.round(messages / 20);
  for (let from = 1; from <= messages + own; from += 20_000) {
    const span = [from, Math.min(from + 19_999, messages + own)];
    await insertMessages(client, { tenantId, recordId, span });
    const copies = { tenantId, bytesPerMessage };
    const ofDoomed = [span[0], Math.min(span[1] ?? 0, messages)];
    await insertCopies(client, { ...copies, sourceId: doomed, genId: doomedGen, span: ofDoomed, salt: 'a' });
    const ofOther = [Math.max(span[0] ?? 0, messages - shared + 1), span[1]];
    await insertCopies(client, { ...copies, sourceId: otherId, genId: otherGen, span: ofOther, salt: 'b' });
  }
  await client.query('CHECKPOINT');
  await client.end();
  return { tenantId, doomed, other: { sourceId: otherId, genId: otherGen, policy } };
}

// As `src/db/blobs/copy-binary.ts` cuts them: a row is a page.
const chunkBytes = 8_080;

const idOf = (/** @type {string} */ kind) => `md5('${kind}' || n)::uuid`;
// A Date header, of which the date that messages are sorted by is made.
const sentAt = "date_trunc('second', now()) - n * interval '1 minute'";
const shaOf = (/** @type {string} */ kind) => `decode(md5('${kind}' || n) || md5(n || '${kind}'), 'hex')`;

/** @param {import('pg').Client} client @param {{tenantId: string, recordId: string, span: (number | undefined)[]}} wish */
async function insertMessages(client, { tenantId, recordId, span }) {
  const series = 'generate_series($2::integer, $3::integer) AS n';
  const values = [tenantId, ...span];
  const insert = (/** @type {string} */ text, more = /** @type {unknown[]} */ ([])) =>
    client.query(text, [...values, ...more]);
  await insert(`INSERT INTO thread (tenant_id, id) SELECT $1, ${idOf('thread')} FROM ${series}`);
  await insert(
    `INSERT INTO thread_ref (tenant_id, ref_hash, thread_id) SELECT $1, ${shaOf('ref')}, ${idOf('thread')} FROM ${series}`,
  );
  await insert(
    `INSERT INTO message (tenant_id, id, message_key, message_id_hash, message_id_header, thread_id, sort_at, sent_at, participants)
     SELECT $1, ${idOf('message')}, ${shaOf('key')}, ${shaOf('ref')}, '<' || n || '@bench.example>', ${idOf('thread')},
       ${sentAt}, ${sentAt}, '{"from": [{"name": "Ada", "address": "ada@customer.example"}], "to": [], "cc": [], "sender": [], "replyTo": []}'
     FROM ${series}`,
  );
  await insert(
    `INSERT INTO message_subject (tenant_id, message_id, subject) SELECT $1, ${idOf('message')}, 'Number ' || n FROM ${series}`,
  );
  await insert(
    `INSERT INTO message_body (tenant_id, message_id, preview, text, text_truncated)
     SELECT $1, ${idOf('message')}, 'Words', repeat('Words ' || n || ' ', 60), false FROM ${series}`,
  );
  await insert(
    `INSERT INTO message_search (tenant_id, message_id, level, sort_at, v)
     SELECT $1, ${idOf('message')}, level, ${sentAt}, to_tsvector('simple', 'words number ' || n || ' ada customer example')
     FROM ${series}, generate_series(1, 3) AS level`,
  );
  await insert(
    `INSERT INTO link (tenant_id, id, message_id, record_id) SELECT $1, ${idOf('link')}, ${idOf('message')}, $4 FROM ${series} WHERE n % 3 = 0`,
    [recordId],
  );
  await insert(
    `INSERT INTO link_reason (tenant_id, link_id, kind, key, actor, record_version)
     SELECT $1, ${idOf('link')}, 'address', 'from:ada@customer.example', 'rule', 1 FROM ${series} WHERE n % 3 = 0`,
  );
  await insert(
    `INSERT INTO timeline (tenant_id, record_id, principal, sort_at, message_id, level)
     SELECT $1, record, -1, ${sentAt}, ${idOf('message')}, 3
     FROM ${series}, unnest(ARRAY['00000000-0000-0000-0000-000000000000', CASE WHEN n % 3 = 0 THEN $4 ELSE '00000000-0000-0000-0000-000000000001' END]::uuid[]) AS record`,
    [recordId],
  );
}

/**
 * @param {import('pg').Client} client
 * @param {{tenantId: string, sourceId: string, genId: number, span: (number | undefined)[], salt: string, bytesPerMessage: number}} wish
 */
async function insertCopies(client, { tenantId, sourceId, genId, span, salt, bytesPerMessage }) {
  if (Number(span[0]) > Number(span[1])) return;
  const series = 'generate_series($2::integer, $3::integer) AS n';
  const insert = (/** @type {string} */ text, more = /** @type {unknown[]} */ ([])) =>
    client.query(text, [tenantId, ...span, ...more]);
  const blob = bytesPerMessage === 0 ? 'NULL::uuid' : idOf(`blob${salt}`);
  if (bytesPerMessage > 0) {
    await insert(
      `INSERT INTO blob (tenant_id, id, sha256, size, stored_size, encoding) SELECT $1, ${blob}, ${shaOf('raw')}, $4, $4, 0 FROM ${series}`,
      [bytesPerMessage],
    );
    await client.query(`SELECT set_config('letterbook.tenant', $1, false)`, [tenantId]);
    await insert(
      `INSERT INTO blob_chunk (tenant_id, blob_id, n, bytes)
       SELECT $1, ${blob}, part, substr(page.bytes, 1, least($5::integer, $4::integer - part * $5::integer))
       FROM ${series} CROSS JOIN generate_series(0, ($4::integer - 1) / $5::integer) AS part JOIN bench_page page ON page.k = (n + part) % 50`,
      [bytesPerMessage, chunkBytes],
    );
  }
  await insert(
    `INSERT INTO copy (tenant_id, id, source_id, message_id, blob_id, raw_sha, raw_size, raw_state, visibility, direction, parser_version)
     SELECT $1, ${idOf(`copy${salt}`)}, $4, ${idOf('message')}, ${blob}, ${shaOf('raw')}, 22000, 'full', 3, 'incoming', 1 FROM ${series}`,
    [sourceId],
  );
  await insert(
    `INSERT INTO copy_structure (tenant_id, copy_id, parts) SELECT $1, ${idOf(`copy${salt}`)}, '[]' FROM ${series}`,
  );
  await insert(
    `INSERT INTO copy_address (tenant_id, address_key, copy_id, role)
     SELECT $1, role || (n % 500) || '@customer.example', ${idOf(`copy${salt}`)}, role FROM ${series}, unnest(ARRAY['from', 'to', 'cc']) AS role`,
  );
  await insert(
    `INSERT INTO placement (gen_id, uid, tenant_id, source_id, copy_id, outcome, raw_sha, size)
     SELECT $4, n, $1, $5, ${idOf(`copy${salt}`)}, 2, ${shaOf('raw')}, 22000 FROM ${series}`,
    [genId, sourceId],
  );
  await insert(
    `INSERT INTO outbox (tenant_id, stream, epoch, seq, event_id, type, ids) SELECT $1, $4, 1, n, ${idOf(`event${salt}`)}, 'message.recorded', '{}' FROM ${series}`,
    [sourceId],
  );
}

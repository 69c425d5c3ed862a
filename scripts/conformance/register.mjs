// @ts-check
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { projectDir } from '../lib/places.mjs';

const require = createRequire(join(projectDir, 'package.json'));

/** @param {string} path */
const built = (path) => require(join(projectDir, 'dist', path));

/**
 * A register with one mailbox of one folder, and the way from bytes to rows that a round takes.
 * @param {{ ownerUrl: string, appUrl: string }} urls of an empty database
 */
export async function openRegister({ ownerUrl, appUrl }) {
  await built('db/migrate.js').migrate({ ownerUrl, appUrl });
  const db = built('db/database.js').openDatabase({ url: appUrl, poolSize: 4 });
  const { defaultLimits: limits } = built('config/limits.js');
  const parsePool = built('mail/parse/parse-pool.js').createParsePool({
    threads: limits.parseThreads,
    timeoutMs: limits.parseTimeoutMs,
    heapMegabytes: limits.parseHeapMegabytes,
    limits,
  });
  const mailbox = await makeMailbox(db);
  const context = {
    db,
    parsePool,
    blobs: built('db/blobs/postgres-blob-store.js').createPostgresBlobStore(db),
    limits,
  };
  const versions = { parser: built('mail/parse/parse-message.js').parserVersion };
  return {
    /** @param {Buffer} raw @returns {Promise<import('../../src/domain/message').ParseOutcome>} */
    parse: (raw) => parsePool.parse({ kind: 'buffer', raw }),
    /** @param {string[]} keys makes a contact of each address */
    addContacts: (keys) =>
      db.inTenant(mailbox.tenantId, (/** @type {any} */ sql) => insertContacts(sql, mailbox.tenantId, keys)),
    /** @param {{ uid: number, raw: Buffer }[]} messages */
    record: async (messages) => {
      const fetched = messages.map(({ uid, raw }) => ({ ...envelope, uid, raw, size: raw.length }));
      const items = await built('activities/read-messages.js').readMessages(context, mailbox, fetched);
      const batch = { genId: mailbox.genId, items, cursor: null, part: 'live', versions };
      await built('db/ingest/record-batch.js').recordBatch(db, mailbox, batch);
    },
    /** @returns {Promise<{ uid: number, outcome: number, code: string | null, linked: boolean }[]>} the ledger */
    ledger: () => db.inTenant(mailbox.tenantId, (/** @type {any} */ sql) => sql.query(ledgerRows, [mailbox.genId])),
    close: async () => {
      await parsePool.close();
      await db.close();
    },
  };
}

const envelope = { internalDate: null, flags: 0, modseq: null, providerId: null, providerThreadId: null };

const ledgerRows = `
SELECT p.uid, p.outcome, f.code, EXISTS (SELECT FROM copy c JOIN link l ON l.tenant_id = c.tenant_id AND l.message_id = c.message_id
  WHERE c.tenant_id = p.tenant_id AND c.id = p.copy_id) AS linked
FROM placement p LEFT JOIN failure f ON f.gen_id = p.gen_id AND f.uid = p.uid WHERE p.gen_id = $1`;

/** @param {any} db */
async function makeMailbox(db) {
  const { newUuid } = built('db/new-id.js');
  const { defaultPolicy: policy } = built('domain/policy.js');
  const [tenantId, sourceId, folderId] = [newUuid(), newUuid(), newUuid()];
  const genId = await db.inTenant(tenantId, async (/** @type {any} */ sql) => {
    await sql.execute('INSERT INTO tenant (tenant_id, name) VALUES ($1, $2)', [tenantId, 'conformance']);
    await sql.execute(
      `INSERT INTO source (tenant_id, id, kind, address, address_key, policy, desired_state) VALUES ($1, $2, 'mailbox', $3, $3, $4, 'running')`,
      [tenantId, sourceId, 'register@conformance.example', JSON.stringify(policy)],
    );
    await sql.execute(
      `INSERT INTO folder (tenant_id, id, source_id, path, in_scope) VALUES ($1, $2, $3, 'INBOX', true)`,
      [tenantId, folderId, sourceId],
    );
    const [row] = await sql.query(
      'INSERT INTO folder_generation (tenant_id, source_id, folder_id, uidvalidity) VALUES ($1, $2, $3, 1) RETURNING id',
      [tenantId, sourceId, folderId],
    );
    return row.id;
  });
  const fence = { epoch: 1, generation: 1 };
  return { tenantId, sourceId, genId, policy, fence, ownAddresses: new Set(['register@conformance.example']) };
}

/**
 * @param {any} sql
 * @param {string} tenantId
 * @param {string[]} keys
 */
async function insertContacts(sql, tenantId, keys) {
  const { newUuid } = built('db/new-id.js');
  const ids = keys.map(() => newUuid());
  await sql.execute(
    `INSERT INTO record (tenant_id, id, type, name) SELECT $1, id, 'contact', 'contact' FROM unnest($2::uuid[]) AS id`,
    [tenantId, ids],
  );
  await sql.execute(
    `INSERT INTO record_address (tenant_id, address_key, record_id, kind, address)
     SELECT $1, key, id, 'business', key FROM unnest($2::uuid[], $3::text[]) AS given (id, key)`,
    [tenantId, ids, keys],
  );
}

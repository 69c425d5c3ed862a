import type { Database, Sql } from '../../database';
import { deleteBlobs } from '../../blobs/blob-rows';
import { besideTables, contentTables, lastTables as lastTablesOfSource } from '../source-tables';
import { noteStep, type RowCounts } from '../steps';
import { countCarried } from './carriers';
import type { CascadeSteps } from './cascade-steps';
import type { Cascade } from './cascades';
import { deleteSome } from './delete-some';

/** All that a tenant has beside its mailboxes, and what they might have left, in the order in which it can go. */
const tenantTables: readonly string[] = [
  'search_pending',
  'message_search',
  'message_subject',
  'message_body',
  'timeline',
  'link_reason',
  'link',
  'thread_link',
  'link_change',
  'link_staging',
  'activity_party',
  'activity',
  'activity_type',
  'activity_note_record',
  'activity_note',
  'copy_structure',
  'copy_address',
  'message_join',
  'message',
  'thread_ref',
  'thread_move',
  'thread',
  'blob',
  'record_merge_dependent',
  'record_merge',
  'record_scope',
  'record_upload_refusal',
  'record_upload',
  'record_address',
  'record_domain',
  'record',
  'record_type',
  'connector_change',
  'connector_note',
  'connector',
  'reconciliation',
  'narrowed_reader',
  'rematch_key',
  'operation',
  'outbox',
  'idempotency_key',
  'team_member',
  'team',
  'user_address',
  'api_key',
  'app_user',
  'audit',
];

/**
 * What goes with the mailboxes, each by its own deletion. Here it is only counted: a mailbox that is left must be stopped first.
 */
const ofMailboxes: readonly string[] = [
  ...contentTables,
  ...besideTables.map(({ name }) => name),
  ...lastTablesOfSource,
  'source',
].filter((name) => !tenantTables.includes(name));

/** What goes last: it says how far the deletion is. */
const lastTables: readonly string[] = ['deletion_address', 'deletion', 'tenant'];

/** Freed by a function, because nobody reads it as a table. */
const bytesTable = 'blob_chunk';

/** The journal of erasures outlives all that was erased: a restore is brought up to date by it. It has ids and fingerprints alone. */
const outlives: readonly string[] = ['erasure'];

/** Every table that a tenant's deletion knows: a test compares it with the schema. */
export const tablesOfTenant: readonly string[] = [
  ...ofMailboxes,
  ...tenantTables,
  ...lastTables,
  bytesTable,
  ...outlives,
];

const blobsPerTransaction = 500;

/** How a tenant is deleted, when all its mailboxes are gone: table by table. One that a migration added and nobody wrote here is named. */
export function tenantSteps(cascade: Cascade): CascadeSteps {
  const { tenantId } = cascade;
  const state = { at: 0, bytesAreFreed: false };
  return {
    count: () => Promise.resolve(0),
    next: async (db) => {
      if (!state.bytesAreFreed) {
        const chunks = await freeBytes(db, cascade);
        if (chunks > 0) return chunks;
        state.bytesAreFreed = true;
      }
      const companies = await leaveCompanies(db, tenantId);
      if (companies > 0) return companies;
      for (; state.at < tenantTables.length; state.at += 1) {
        const from = { table: tenantTables[state.at] ?? '', column: 'tenant_id', value: tenantId };
        const rows = await deleteSome(db, cascade, from);
        if (rows > 0) return rows;
      }
      return 0;
    },
    // Whoever watches over all tenants may write of this one until it is gone; the last transaction deletes that.
    look: async (sql) => (await countCarried(sql, cascade, [...lastTables, ...tenantTables, ...outlives])).left,
    last: (sql) => deleteLast(sql, tenantId),
    verify: (sql) => countCarried(sql, cascade, outlives),
  };
}

/** Bytes that no mailbox held. The rows of the blobs go with them. */
async function freeBytes(db: Database, cascade: Cascade): Promise<number> {
  return db.inTenant(cascade.tenantId, async (sql) => {
    const found = await sql.query<{ blob_id: string }>(
      `SELECT DISTINCT blob_id FROM blob_bytes LIMIT ${String(blobsPerTransaction)}`,
    );
    if (found.length === 0) return 0;
    await deleteBlobs(
      sql,
      found.map((row) => row.blob_id),
    );
    await noteStep(sql, cascade, { counts: { blob: found.length } });
    return found.length;
  });
}

/** A record may be the company of another, or the one that it is a part of: none can be deleted before the other has let go of it. */
function leaveCompanies(db: Database, tenantId: string): Promise<number> {
  return db.inTenant(tenantId, (sql) =>
    sql.execute(
      `UPDATE record SET company_id = NULL, intermediary_id = NULL, merged_into = NULL WHERE tenant_id = $1 AND id = ANY (ARRAY(
         SELECT id FROM record WHERE tenant_id = $1
           AND (company_id IS NOT NULL OR intermediary_id IS NOT NULL OR merged_into IS NOT NULL) LIMIT 5000))`,
      [tenantId],
    ),
  );
}

/** The row of the tenant is held first: whoever wants to write a row that refers to it waits, and then finds it gone. */
async function deleteLast(sql: Sql, tenantId: string): Promise<RowCounts> {
  await sql.query('SELECT FROM tenant WHERE tenant_id = $1 FOR UPDATE', [tenantId]);
  const counts: RowCounts = {};
  for (const table of [...tenantTables, ...lastTables]) {
    counts[table] = await sql.execute(`DELETE FROM "${table}" WHERE tenant_id = $1`, [tenantId]);
  }
  return counts;
}

import type { Database, Sql } from '../database';
import type { DeletionReport } from '../deletion/deletions';
import { endVerified, refuseRows, type DeletionEnd } from '../deletion/verified-end';
import { danglingRows } from '../deletion/verify';
import { lockTenantForWriting } from '../tenant-lock';
import { addressPatterns } from './address-patterns';
import { addressesOf, type PersonRef } from './begin-erasure';
import { stepOf } from './erase-messages';
import { findMentions, type Mentions } from './mentions';

/** These hold addresses of the tenant's own people, or of the erasure itself. */
const notOfPeople = ['user_address', 'source', 'deletion_address'];

/** Columns in which an address may stand among other words. */
const wordy = [
  { name: 'message', column: 'participants' },
  { name: 'copy', column: 'bcc' },
  { name: 'copy', column: 'delivered_to' },
  { name: 'record', column: 'name' },
  { name: 'link_reason', column: 'key' },
  { name: 'idempotency_key', column: 'response' },
  { name: 'operation', column: 'task' },
] as const;

/**
 * Counts everything that carries an address of the person; where nothing is left, forgets the addresses and writes the report in the same
 * transaction, so that an erasure that says it is done is verified. Where rows are left, the deletion says which tables have them.
 * Second run: no change.
 */
export async function finishErasure(db: Database, ref: PersonRef): Promise<DeletionEnd> {
  const ended = await reportOfEnded(db, ref);
  if (ended !== null) return { kind: 'done', report: ended };
  const state: { mentions: Mentions } = { mentions: { messages: 0, messageIds: [] } };
  return endVerified(db, ref, {
    look: async (sql) => {
      const addressKeys = await addressesOf(sql, ref);
      state.mentions = await findMentions(sql, ref.tenantId, addressKeys);
      const { left } = await countAddresses(sql, ref.tenantId, addressKeys);
      const words = await countWords(sql, ref.tenantId, addressKeys);
      return { ...left, ...words, ...(await danglingRows(sql, ref.tenantId)) };
    },
    end: async (sql) => {
      await lockTenantForWriting(sql, ref.tenantId);
      const addressKeys = await addressesOf(sql, ref);
      const { tables, left } = await countAddresses(sql, ref.tenantId, addressKeys);
      refuseRows({ ...left, ...(await countBytes(sql, ref)) });
      await sql.execute('DELETE FROM deletion_address WHERE tenant_id = $1 AND deletion_id = $2', [
        ref.tenantId,
        ref.deletionId,
      ]);
      const looked = [...new Set([...tables, ...wordy.map(({ name }) => name)])].sort();
      return writeReport(sql, ref, { verifiedTables: looked, mentions: state.mentions });
    },
  });
}

async function reportOfEnded(db: Database, { tenantId, deletionId }: PersonRef): Promise<DeletionReport | null> {
  const [row] = await db.inTenant(tenantId, (sql) =>
    sql.query<{ report: DeletionReport }>(
      `SELECT report FROM deletion WHERE tenant_id = $1 AND id = $2 AND state = 'done'`,
      [tenantId, deletionId],
    ),
  );
  return row?.report ?? null;
}

/** Every table of the database with a column `address_key`, as the catalogue knows them: one that is added later is counted too. */
async function countAddresses(
  sql: Sql,
  tenantId: string,
  addressKeys: string[],
): Promise<{ tables: string[]; left: Record<string, number> }> {
  const tables = await sql.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'address_key' AND NOT a.attisdropped
     JOIN pg_attribute t ON t.attrelid = c.oid AND t.attname = 'tenant_id' AND NOT t.attisdropped
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> ALL ($1) ORDER BY 1`,
    [notOfPeople],
  );
  const left: Record<string, number> = {};
  for (const { name } of tables) {
    const count = await countWhere(sql, { name, condition: 'address_key = ANY ($2::text[])' }, [tenantId, addressKeys]);
    if (count > 0) left[name] = count;
  }
  return { tables: tables.map(({ name }) => name), left };
}

/** Reads these tables of the tenant once: not to be called under its lock. */
async function countWords(sql: Sql, tenantId: string, addressKeys: string[]): Promise<Record<string, number>> {
  const left: Record<string, number> = {};
  for (const { name, column } of wordy) {
    const condition = `lower(${column}::text) ~ ANY ($2::text[])`;
    const count = await countWhere(sql, { name, condition }, [tenantId, addressPatterns(addressKeys)]);
    if (count > 0) left[`${name}.${column}`] = count;
  }
  return left;
}

/** Bytes that were let go of and are not freed yet. */
async function countBytes(sql: Sql, ref: PersonRef): Promise<Record<string, number>> {
  const { tenantId, sourceId } = stepOf(ref);
  const left = await countWhere(sql, { name: 'deletion_blob', condition: 'source_id = $2' }, [tenantId, sourceId]);
  return left > 0 ? { deletion_blob: left } : {};
}

async function countWhere(
  sql: Sql,
  { name, condition }: { name: string; condition: string },
  values: unknown[],
): Promise<number> {
  const [row] = await sql.query<{ count: number }>(
    `SELECT count(*) AS count FROM "${name}" WHERE tenant_id = $1 AND ${condition}`,
    values,
  );
  return row?.count ?? 0;
}

async function writeReport(
  sql: Sql,
  { tenantId, deletionId }: PersonRef,
  said: { verifiedTables: string[]; mentions: Mentions },
): Promise<DeletionReport> {
  const [row] = await sql.query<{ report: DeletionReport }>(
    `UPDATE deletion SET state = 'done', finished_at = now(), error = NULL, total = done,
       report = jsonb_build_object('tables', counts, 'messagesKept', 0, 'bytesFreed', bytes, 'seconds',
         round(extract(epoch FROM clock_timestamp() - started_at)::numeric, 1), 'verifiedTables', $3::jsonb, 'mentions', $4::jsonb,
         'verifiedAt', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
     WHERE tenant_id = $1 AND id = $2 RETURNING report`,
    [tenantId, deletionId, JSON.stringify(said.verifiedTables), JSON.stringify(said.mentions)],
  );
  if (row === undefined) throw new Error('a deletion that ends has no row');
  return row.report;
}

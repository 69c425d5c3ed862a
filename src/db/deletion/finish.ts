import { publicId } from '../../domain/ids';
import type { Database, Sql } from '../database';
import { rematchOfMailbox } from '../own-domains';
import { lockTenantForWriting } from '../tenant-lock';
import type { DeletionRef, DeletionReport } from './deletions';
import { besideTables, lastTables } from './source-tables';
import { noteStep, type RowCounts } from './steps';
import { danglingRows, verifyGone } from './verify';
import { endVerified, refuseRows, type DeletionEnd } from './verified-end';

const rowsPerTransaction = 5_000;

/** Deletes the next rows beside the content, each time in a transaction of its own. Second run: finds nothing left. Returns how many. */
export async function deleteBeside(db: Database, ref: DeletionRef): Promise<number> {
  const [first] = await db.preparedInTenant(ref.tenantId, (sql) =>
    sql.query<{ n: number | null }>(firstWithRows, [ref.tenantId, ref.sourceId]),
  );
  const table = besideTables[first?.n ?? besideTables.length];
  return table === undefined ? 0 : deleteNext(db, ref, table);
}

// Most are empty for most mailboxes, and are asked together.
const firstWithRows = `SELECT CASE ${besideTables
  .map(
    ({ name, column }, n) =>
      `WHEN EXISTS (SELECT FROM ${name} WHERE tenant_id = $1::uuid AND ${column} = $2::uuid) THEN ${String(n)}`,
  )
  .join(' ')} END AS n`;

/** Deletes the next of the mailbox's events, to which nothing refers: they can go while its content does. Second run: as above. */
export function deleteEvents(db: Database, ref: DeletionRef): Promise<number> {
  return deleteNext(db, ref, { name: 'outbox', column: 'stream' });
}

function deleteNext(db: Database, ref: DeletionRef, { name, column }: (typeof besideTables)[number]): Promise<number> {
  return db.inTenant(ref.tenantId, async (sql) => {
    const deleted = await sql.execute(
      `DELETE FROM ${name} WHERE tenant_id = $1 AND ctid = ANY (ARRAY(
         SELECT ctid FROM ${name} WHERE tenant_id = $1 AND ${column} = $2 LIMIT ${String(rowsPerTransaction)}))`,
      [ref.tenantId, ref.sourceId],
    );
    if (deleted > 0) await noteStep(sql, ref, { counts: { [name]: deleted } });
    return deleted;
  });
}

/**
 * Counts everything that carries the source; where nothing is left, deletes the mailbox itself, counts again, and writes the report in the
 * same transaction: a deletion that says it is done is verified. Where rows are left the mailbox stays, and the deletion says which
 * tables have them. What can only be looked for among all rows of the tenant is looked for once by a deletion of many mailboxes, and not by
 * each of its parts. Second run: no change.
 */
export function finishDeletion(db: Database, ref: DeletionRef): Promise<DeletionEnd> {
  return endVerified(db, ref, {
    look: async (sql) => {
      const { left } = await verifyGone(sql, ref, lastTables);
      if (await isPart(sql, ref)) return left;
      return { ...left, ...(await danglingRows(sql, ref.tenantId)) };
    },
    end: async (sql) => {
      await lockTenantForWriting(sql, ref.tenantId);
      const address = await addressToMatch(sql, ref);
      await noteStep(sql, ref, { counts: await deleteMailbox(sql, ref) });
      if (address !== null) await rematchOfMailbox(sql, ref.tenantId, address);
      const verified = await verifyGone(sql, ref, []);
      refuseRows(verified.left);
      return writeReport(sql, ref, verified.tables);
    },
  });
}

/** The key of the mailbox's address, whose mail is matched again; null where the mailbox is no more, and where all mail of its tenant goes too. */
async function addressToMatch(sql: Sql, { tenantId, sourceId }: DeletionRef): Promise<string | null> {
  const [own] = await sql.query<{ key: string }>(
    `SELECT address_key AS key FROM source WHERE tenant_id = $1 AND id = $2 AND NOT EXISTS (
       SELECT FROM deletion d WHERE d.tenant_id = $1 AND d.target_id = $1 AND d.state NOT IN ('done', 'cancelled'))`,
    [tenantId, sourceId],
  );
  return own?.key ?? null;
}

async function isPart(sql: Sql, { tenantId, deletionId }: DeletionRef): Promise<boolean> {
  const rows = await sql.query('SELECT FROM deletion WHERE tenant_id = $1 AND id = $2 AND parent_id IS NOT NULL', [
    tenantId,
    deletionId,
  ]);
  return rows.length > 0;
}

/** The mailbox with its settings, and answers kept for repeated requests in which it is shown. */
async function deleteMailbox(sql: Sql, ref: DeletionRef): Promise<RowCounts> {
  const values = [ref.tenantId, ref.sourceId];
  await sql.query('SELECT FROM source WHERE tenant_id = $1 AND id = $2 FOR UPDATE', values);
  const counts: RowCounts = {};
  for (const table of lastTables) {
    counts[table] = await sql.execute(`DELETE FROM ${table} WHERE tenant_id = $1 AND source_id = $2`, values);
  }
  if (!(await isPart(sql, ref))) {
    counts['idempotency_key'] = await sql.execute(
      `DELETE FROM idempotency_key WHERE tenant_id = $1 AND response::text LIKE '%' || $2 || '%'`,
      [ref.tenantId, publicId('mailbox', ref.sourceId)],
    );
  }
  counts['source'] = await sql.execute('DELETE FROM source WHERE tenant_id = $1 AND id = $2', values);
  return counts;
}

async function writeReport(sql: Sql, ref: DeletionRef, verifiedTables: string[]): Promise<DeletionReport> {
  const [row] = await sql.query<{ report: DeletionReport }>(
    `UPDATE deletion SET state = 'done', finished_at = coalesce(finished_at, now()), error = NULL, total = done,
       report = coalesce(report, jsonb_build_object('tables', counts, 'messagesKept', kept, 'activityNotes', notes, 'bytesFreed', bytes,
         'seconds', round(extract(epoch FROM clock_timestamp() - started_at)::numeric, 1), 'verifiedTables', $3::jsonb,
         'verifiedAt', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))
     WHERE tenant_id = $1 AND id = $2 RETURNING report`,
    [ref.tenantId, ref.deletionId, JSON.stringify(verifiedTables)],
  );
  if (row === undefined) throw new Error('a deletion that ends has no row');
  return row.report;
}

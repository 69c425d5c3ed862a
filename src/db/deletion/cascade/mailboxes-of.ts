import type { Database, Sql } from '../../database';
import { beginDeletion } from '../deletions';
import type { Cascade } from './cascades';

const mailboxesPerTransaction = 50;

/** Which mailboxes go with a user or a tenant. */
function mine({ kind, targetId, plan }: Cascade): { where: string; values: string[] } {
  if (kind === 'tenant') return { where: 'true', values: [] };
  if (kind === 'user' && plan.mailboxes === 'delete') return { where: 'owner_user_id = $2', values: [targetId] };
  return { where: 'false', values: [] };
}

/** How many mailboxes are still to be deleted before their user or tenant can go. */
export async function mailboxesLeft(db: Database, cascade: Cascade): Promise<number> {
  const { where, values } = mine(cascade);
  const [row] = await db.inTenant(cascade.tenantId, (sql) =>
    sql.query<{ count: number }>(`SELECT count(*) AS count FROM source WHERE tenant_id = $1 AND ${where}`, [
      cascade.tenantId,
      ...values,
    ]),
  );
  return row?.count ?? 0;
}

/**
 * Asks for the deletion of the next mailboxes that go with a user or a tenant, without an undo window: the whole was confirmed, and is not
 * taken back in parts. From then on they are stopped, and each write of theirs is refused. How many; 0 where all are asked for.
 */
export async function askForMailboxes(db: Database, cascade: Cascade): Promise<number> {
  const { tenantId, actor } = cascade;
  const { where, values } = mine(cascade);
  return db.inTenant(tenantId, async (sql) => {
    const found = await sql.query<{ id: string }>(
      `SELECT id FROM source s WHERE tenant_id = $1 AND ${where} AND NOT EXISTS (
         SELECT FROM deletion d WHERE d.tenant_id = $1 AND d.id = s.deletion_id AND d.begins_at <= now())
       ORDER BY id LIMIT ${String(mailboxesPerTransaction)} FOR UPDATE`,
      [tenantId, ...values],
    );
    for (const { id } of found) await askForMailbox(sql, cascade, { sourceId: id, actor });
    return found.length;
  });
}

async function askForMailbox(
  sql: Sql,
  { tenantId, deletionId }: Cascade,
  { sourceId, actor }: { sourceId: string; actor: string },
): Promise<void> {
  const { id } = await beginDeletion(sql, { tenantId, sourceId, actor });
  await sql.execute(
    `UPDATE deletion SET begins_at = least(begins_at, now()), parent_id = coalesce(parent_id, $3) WHERE tenant_id = $1 AND id = $2`,
    [tenantId, id, deletionId],
  );
}

/** The next mailboxes whose deletion is asked for, and has not ended. */
export async function nextMailboxes(db: Database, cascade: Cascade, limit: number): Promise<string[]> {
  const { where, values } = mine(cascade);
  const rows = await db.inTenant(cascade.tenantId, (sql) =>
    sql.query<{ id: string }>(
      `SELECT id FROM source WHERE tenant_id = $1 AND ${where} AND deletion_id IS NOT NULL ORDER BY id LIMIT ${String(limit)}`,
      [cascade.tenantId, ...values],
    ),
  );
  return rows.map((row) => row.id);
}

/** Ledger rows of the mailboxes that go with a user or a tenant. */
export async function ledgerRowsOfMailboxes(sql: Sql, cascade: Cascade): Promise<number> {
  const { where, values } = mine(cascade);
  const [row] = await sql.query<{ count: number }>(
    `SELECT count(*) AS count FROM folder_generation g JOIN placement p ON p.gen_id = g.id
     WHERE g.tenant_id = $1 AND g.source_id IN (SELECT id FROM source WHERE tenant_id = $1 AND ${where})`,
    [cascade.tenantId, ...values],
  );
  return row?.count ?? 0;
}

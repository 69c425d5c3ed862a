import type { Database, Sql } from '../../database';
import { updateMailbox } from '../../mailbox-write';
import { lockTenantForWriting } from '../../tenant-lock';
import { retellSource } from '../../visibility-job';
import { noteRefresh, noteRefreshed, type Cascade } from './cascades';

/**
 * Gives the next mailbox of a user to whom the plan names, and notes that its timelines are to be told anew. False where there is none.
 * Second run: the next one.
 */
export function reassignMailbox(db: Database, cascade: Cascade): Promise<boolean> {
  const { tenantId, targetId, plan, actor } = cascade;
  return db.inTenant(tenantId, async (sql) => {
    const [source] = await sql.query<{ id: string }>(
      'SELECT id FROM source WHERE tenant_id = $1 AND owner_user_id = $2 ORDER BY id LIMIT 1 FOR UPDATE',
      [tenantId, targetId],
    );
    if (source === undefined) return false;
    await updateMailbox(sql, tenantId, { mailboxId: source.id, ownerUserId: plan.reassignTo, actor });
    await noteRefresh(sql, cascade, { change: 'add', sourceId: source.id });
    return true;
  });
}

/** The same for the next mailbox of which the user is a member: whom the plan names is a member from now on, or its owner already. */
export function reassignMembership(db: Database, cascade: Cascade): Promise<boolean> {
  const { tenantId, targetId, plan } = cascade;
  return db.inTenant(tenantId, async (sql) => {
    const [member] = await sql.query<{ source_id: string }>(
      'SELECT source_id FROM source_member WHERE tenant_id = $1 AND user_id = $2 ORDER BY source_id LIMIT 1',
      [tenantId, targetId],
    );
    if (member === undefined) return false;
    await moveMembership(sql, cascade, { sourceId: member.source_id, to: plan.reassignTo });
    await noteRefresh(sql, cascade, { change: 'add', sourceId: member.source_id });
    return true;
  });
}

async function moveMembership(
  sql: Sql,
  { tenantId, targetId }: Cascade,
  { sourceId, to }: { sourceId: string; to: string | null },
): Promise<void> {
  await sql.execute(
    `INSERT INTO source_member (tenant_id, source_id, user_id) SELECT $1, id, $3 FROM source
     WHERE tenant_id = $1 AND id = $2 AND owner_user_id IS DISTINCT FROM $3 ON CONFLICT DO NOTHING`,
    [tenantId, sourceId, to],
  );
  await sql.execute('DELETE FROM source_member WHERE tenant_id = $1 AND source_id = $2 AND user_id = $3', [
    tenantId,
    sourceId,
    targetId,
  ]);
}

/** Tells the next mail of the sources anew that were noted, and notes how far it is; false where none is left. Second run: the next ones. */
export function refreshNext(db: Database, cascade: Cascade, limit: number): Promise<boolean> {
  const { tenantId, deletionId } = cascade;
  return db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    const [first] = await sql.query<{ id: string | null; after: string | null }>(
      `SELECT plan -> 'refresh' ->> 0 AS id, plan ->> 'refreshAfter' AS after FROM deletion WHERE tenant_id = $1 AND id = $2`,
      [tenantId, deletionId],
    );
    const sourceId = first?.id ?? null;
    if (sourceId === null) return false;
    const next = await retellSource(sql, tenantId, { sourceId, after: first?.after ?? null, limit });
    if (next === null) await noteRefresh(sql, cascade, { change: 'done', sourceId });
    else await noteRefreshed(sql, cascade, next);
    return true;
  });
}

import type { Database, Sql } from '../database';
import { beginDeletion } from '../deletion/deletions';
import { openCascade } from '../deletion/cascade/cascades';
import { insertPersonDeletion } from '../people/begin-erasure';
import { lockTenantForWriting } from '../tenant-lock';
import { insertErasure, type Erasure } from './journal';
import type { ErasureHistory } from './mirror';

/**
 * Brings a database that was restored up to date with the journal's file: what was erased since its state was saved is erased again. Notes
 * each erasure and begins its deletion; the workflows do the rest. Second run: begins nothing anew. Returns how many are still under way:
 * those, and what the state was saved in the middle of.
 */
export async function replayErasures(db: Database, mirror: ErasureHistory): Promise<number> {
  const erasures = await mirror.compare();
  for (const erasure of erasures) await replay(db, { erasure, erasures });
  return underWay(db, mirror);
}

/** In one transaction under the tenant's lock: of several that have read the same file only the first begins anything. */
async function replay(db: Database, { erasure, erasures }: { erasure: Erasure; erasures: Erasure[] }): Promise<void> {
  const { tenantId } = erasure;
  await db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    if (!(await insertErasure(sql, erasure, { replayedAt: new Date() }))) return;
    if (await isThere(sql, erasure)) await begin(sql, { ...erasure, heirId: lastHeir(erasure, erasures) });
  });
}

const tableOfKind = {
  mailbox: { name: 'source', id: 'id' },
  record: { name: 'record', id: 'id' },
  user: { name: 'app_user', id: 'id' },
  // Of whom there is something is not known yet.
  person: { name: 'tenant', id: 'tenant_id' },
  tenant: { name: 'tenant', id: 'tenant_id' },
} as const;

async function isThere(sql: Sql, { tenantId, kind, targetId }: Erasure): Promise<boolean> {
  const { name, id } = tableOfKind[kind];
  const rows = await sql.query(`SELECT FROM ${name} WHERE tenant_id = $1 AND ${id} = $2`, [
    tenantId,
    targetId ?? tenantId,
  ]);
  return rows.length > 0;
}

/** Who had a user's mailboxes in the end: whom they went to may have been erased too, and have given them on. */
function lastHeir({ tenantId, heirId }: Erasure, erasures: Erasure[]): string | null {
  const heirs = new Map(
    erasures.flatMap((one) => (one.tenantId === tenantId && one.kind === 'user' ? [[one.targetId, one.heirId]] : [])),
  );
  let last = heirId;
  for (let steps = heirs.size; steps > 0 && heirs.has(last); steps -= 1) last = heirs.get(last) ?? null;
  return heirs.has(last) ? null : last;
}

/** There is no time to take it back: that was over. A user's mailboxes that were deleted too have erasures of their own. */
async function begin(sql: Sql, erasure: Erasure): Promise<void> {
  const { tenantId, kind, targetId, heirId, actor } = erasure;
  if (kind === 'person') await insertPersonDeletion(sql, erasure);
  if (kind === 'person' || targetId === null) return;
  if (kind !== 'mailbox') {
    await openCascade(sql, tenantId, { kind, targetId, actor, plan: { mailboxes: 'reassign', reassignTo: heirId } });
    return;
  }
  const { id } = await beginDeletion(sql, { tenantId, sourceId: targetId, actor });
  await sql.execute(
    `UPDATE deletion SET begins_at = now() WHERE tenant_id = $1 AND id = $2 AND state = 'waiting' AND begins_at > now()`,
    [tenantId, id],
  );
}

/**
 * Erasures that have not ended here, and were replayed, or have ended once according to the file: the state was saved in the middle of them.
 * One that is only under way is nobody's concern.
 */
async function underWay(db: Database, mirror: ErasureHistory): Promise<number> {
  const tenants = await db.acrossTenants((sql) =>
    sql.query<{ tenantId: string }>(
      `SELECT tenant_id AS "tenantId" FROM erasure WHERE replayed_at IS NOT NULL
       UNION SELECT tenant_id FROM deletion WHERE state NOT IN ('done', 'cancelled')`,
    ),
  );
  const open: OpenErasure[] = [];
  for (const { tenantId } of tenants) {
    open.push(...(await db.inTenant(tenantId, (sql) => sql.query<OpenErasure>(openInTenant, [tenantId]))));
  }
  const replayed = open.filter(({ isReplayed }) => isReplayed);
  if (replayed.length === open.length) return open.length;
  const ended = await mirror.ended();
  return open.filter(({ id, isReplayed }) => isReplayed || ended.has(id)).length;
}

interface OpenErasure {
  id: string;
  isReplayed: boolean;
}

const openInTenant = `
SELECT e.id, e.replayed_at IS NOT NULL AS "isReplayed" FROM erasure e WHERE e.tenant_id = $1 AND CASE e.kind
  WHEN 'mailbox' THEN EXISTS (SELECT FROM source s WHERE s.tenant_id = $1 AND s.id = e.target_id)
  WHEN 'record' THEN EXISTS (SELECT FROM record r WHERE r.tenant_id = $1 AND r.id = e.target_id)
  WHEN 'user' THEN EXISTS (SELECT FROM app_user u WHERE u.tenant_id = $1 AND u.id = e.target_id)
  WHEN 'tenant' THEN EXISTS (SELECT FROM tenant t WHERE t.tenant_id = $1)
  ELSE EXISTS (SELECT FROM deletion d WHERE d.tenant_id = $1 AND d.id = e.id AND d.state NOT IN ('done', 'cancelled')) END`;

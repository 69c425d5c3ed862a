import { publicId } from '../../../domain/ids';
import type { Database } from '../../database';
import { insertAudit } from '../../mailbox-write';
import { lockTenantForWriting } from '../../tenant-lock';
import type { DeletionReport } from '../deletions';
import { askForTenant, readTenant } from './ask';
import { previewTenant, type CascadePreview } from './previews';

// For the operator alone: the connection is the owner's, whom no policy holds back. Ids are public ones, for they are shown.

/** No tenant has it: the owner sees all rows whatever it is. */
const nobody = '00000000-0000-0000-0000-000000000000';

/** All tenants, oldest first. */
export function listTenants(
  owner: Database,
): Promise<{ id: string; name: string; mailboxes: number; deletionId: string | null }[]> {
  return owner.inTenant(nobody, async (sql) => {
    const rows = await sql.query<{ id: string; name: string; mailboxes: number; deletion: string | null }>(
      `SELECT t.tenant_id AS id, t.name, (SELECT count(*) FROM source s WHERE s.tenant_id = t.tenant_id) AS mailboxes,
         (SELECT d.id FROM deletion d WHERE d.tenant_id = t.tenant_id AND d.kind = 'tenant' AND d.state <> 'done' LIMIT 1) AS deletion
       FROM tenant t ORDER BY t.created_at, t.tenant_id`,
    );
    return rows.map(({ id, name, mailboxes, deletion }) => ({
      id: publicId('tenant', id),
      name,
      mailboxes,
      deletionId: deletion === null ? null : publicId('deletion', deletion),
    }));
  });
}

/** A deletion of a tenant: how far it is, or its report. */
export interface TenantDeletion {
  id: string;
  tenantId: string;
  state: string;
  done: number | null;
  total: number | null;
  error: unknown;
  report: DeletionReport | null;
  startedAt: Date | null;
  finishedAt: Date | null;
}

/** Deletions of tenants that are under way, and those of tenants that are gone, newest first; or the one of this id. */
export function tenantDeletions(owner: Database, deletionId: string | null): Promise<TenantDeletion[]> {
  return owner.inTenant(nobody, async (sql) => {
    const rows = await sql.query<TenantDeletion>(
      `SELECT d.id, d.tenant_id AS "tenantId", d.state, d.total, d.error, d.report, d.started_at AS "startedAt", d.finished_at AS "finishedAt",
         (d.done + coalesce((SELECT sum(p.done) FROM deletion p WHERE p.tenant_id = d.tenant_id AND p.parent_id = d.id), 0))::bigint AS done
       FROM deletion d WHERE d.kind = 'tenant' AND ($1::uuid IS NULL OR d.id = $1)
       UNION ALL SELECT id, target_id, 'done', NULL, NULL, report, started_at, finished_at, NULL
       FROM tenant_deletion WHERE $1::uuid IS NULL OR id = $1 ORDER BY 1 DESC`,
      [deletionId],
    );
    return rows.map((row) => ({
      ...row,
      id: publicId('deletion', row.id),
      tenantId: publicId('tenant', row.tenantId),
    }));
  });
}

/** Counts what deleting a tenant would delete. */
export function countTenant(owner: Database, tenantId: string): Promise<CascadePreview> {
  return owner.inTenant(tenantId, (sql) => previewTenant(sql, tenantId));
}

/** What became of asking for a tenant's end. */
export type TenantAsked =
  { kind: 'no-such-tenant' } | { kind: 'not-confirmed' } | { kind: 'asked'; deletionId: string };

/** Asks for the deletion of a tenant, durably; the reconciler starts it. Second run: the deletion that is open already. */
export function deleteTenant(
  owner: Database,
  { tenantId, confirmed }: { tenantId: string; confirmed: string | null },
): Promise<TenantAsked> {
  return owner.inTenant<TenantAsked>(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    const tenant = await readTenant(sql, tenantId);
    if (tenant === null) return { kind: 'no-such-tenant' };
    if (confirmed?.trim() !== tenant.name.trim()) return { kind: 'not-confirmed' };
    const { id: deletionId } = await askForTenant(sql, tenantId, 'operator');
    const ids = { tenantId: publicId('tenant', tenantId), deletionId: publicId('deletion', deletionId) };
    await insertAudit(sql, tenantId, { actor: 'operator', action: 'tenant delete', ids });
    return { kind: 'asked', deletionId };
  });
}

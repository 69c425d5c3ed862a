import type { Sql } from '../../database';
import { noteMailboxesOfUser } from '../../erasures/journal';
import type { Actor } from '../../events/event-write';
import type { Deletion } from '../deletions';
import { closeDoors } from './begin-cascade';
import { openCascade, openDeletionOf, type CascadePlan } from './cascades';

/** A record that can be erased, also one that was deleted before. */
export interface ErasableRecord {
  id: string;
  name: string;
  version: number;
}

/** The record, or null. */
export async function erasableRecord(sql: Sql, tenantId: string, recordId: string): Promise<ErasableRecord | null> {
  const [row] = await sql.query<ErasableRecord>(
    'SELECT id, name, version FROM record WHERE tenant_id = $1 AND id = $2',
    [tenantId, recordId],
  );
  return row ?? null;
}

/** From this commit on the record is gone for everybody, and nothing new is linked to it. To be called under the tenant's lock. */
export async function askForRecord(
  sql: Sql,
  tenantId: string,
  asked: { recordId: string; actor: Actor },
): Promise<Deletion> {
  await closeDoors(sql, { tenantId, kind: 'record', targetId: asked.recordId });
  return openCascade(sql, tenantId, { kind: 'record', targetId: asked.recordId, actor: asked.actor });
}

/** Why a user cannot be deleted, or not so. */
export type UserRefusal =
  { kind: 'last-admin' } | { kind: 'owns-mailboxes'; mailboxIds: string[] } | { kind: 'no-such-heir' };

/** What was said of a user's belongings. */
export interface UserWish {
  userId: string;
  /** Null: nobody. */
  reassignTo: string | null;
  mailboxes: 'delete' | 'reassign';
}

/** What stands against the deletion of a user who exists, or null. To be called under the tenant's lock. */
export async function refusalOfUser(sql: Sql, tenantId: string, wish: UserWish): Promise<UserRefusal | null> {
  if (wish.reassignTo !== null && !(await canInherit(sql, tenantId, wish))) return { kind: 'no-such-heir' };
  if (await isLastAdmin(sql, tenantId, wish.userId)) return { kind: 'last-admin' };
  if (wish.mailboxes === 'delete' || wish.reassignTo !== null) return null;
  const mailboxIds = await mailboxesOf(sql, tenantId, wish.userId);
  return mailboxIds.length === 0 ? null : { kind: 'owns-mailboxes', mailboxIds };
}

/** Users who are not on their way out themselves. */
const staying = `NOT EXISTS (SELECT FROM deletion d WHERE d.tenant_id = $1 AND d.target_id = u.id AND d.state NOT IN ('done', 'cancelled'))`;

async function canInherit(sql: Sql, tenantId: string, { userId, reassignTo }: UserWish): Promise<boolean> {
  const rows = await sql.query(
    `SELECT FROM app_user u WHERE u.tenant_id = $1 AND u.id = $2 AND u.id <> $3 AND ${staying}`,
    [tenantId, reassignTo, userId],
  );
  return rows.length > 0;
}

/** Whether nobody else could manage the tenant's users if this one went. To be called under the tenant's lock. */
export async function isLastAdmin(sql: Sql, tenantId: string, userId: string): Promise<boolean> {
  const [row] = await sql.query<{ last: boolean }>(
    `SELECT a.role = 'admin' AND NOT EXISTS (
       SELECT FROM app_user u WHERE u.tenant_id = $1 AND u.role = 'admin' AND u.id <> $2 AND ${staying}) AS last
     FROM app_user a WHERE a.tenant_id = $1 AND a.id = $2`,
    [tenantId, userId],
  );
  return row?.last ?? false;
}

async function mailboxesOf(sql: Sql, tenantId: string, userId: string): Promise<string[]> {
  const rows = await sql.query<{ id: string }>(
    'SELECT id FROM source WHERE tenant_id = $1 AND owner_user_id = $2 ORDER BY id LIMIT 10',
    [tenantId, userId],
  );
  return rows.map((row) => row.id);
}

/** From this commit on no key of the user opens anything. To be called under the tenant's lock, when nothing stands against it. */
export async function askForUser(
  sql: Sql,
  tenantId: string,
  { wish, actor }: { wish: UserWish; actor: Actor },
): Promise<Deletion> {
  const { userId, reassignTo } = wish;
  const open = await openDeletionOf(sql, tenantId, userId);
  if (open !== null) return open;
  const owned = await mailboxesOf(sql, tenantId, userId);
  const mailboxes: CascadePlan['mailboxes'] = owned.length === 0 ? 'none' : wish.mailboxes;
  await closeDoors(sql, { tenantId, kind: 'user', targetId: userId });
  if (mailboxes === 'delete') await noteMailboxesOfUser(sql, tenantId, { userId, actor });
  return openCascade(sql, tenantId, { kind: 'user', targetId: userId, actor, plan: { mailboxes, reassignTo } });
}

/** A tenant as its own people see it. */
export interface Tenant {
  id: string;
  name: string;
  /** Mail from and to them belongs to no customer by its domain. */
  ownDomains: string[];
  createdAt: Date;
  deletionId: string | null;
}

/** The tenant, or null where it is no more. */
export async function readTenant(sql: Sql, tenantId: string): Promise<Tenant | null> {
  const [row] = await sql.query<Omit<Tenant, 'deletionId'>>(
    'SELECT tenant_id AS id, name, own_domains AS "ownDomains", created_at AS "createdAt" FROM tenant WHERE tenant_id = $1',
    [tenantId],
  );
  if (row === undefined) return null;
  return { ...row, deletionId: (await openDeletionOf(sql, tenantId, tenantId))?.id ?? null };
}

/** From this commit on no key of the tenant opens anything. To be called under the tenant's lock. */
export async function askForTenant(sql: Sql, tenantId: string, actor: Actor): Promise<Deletion> {
  await closeDoors(sql, { tenantId, kind: 'tenant', targetId: tenantId });
  return openCascade(sql, tenantId, { kind: 'tenant', targetId: tenantId, actor });
}

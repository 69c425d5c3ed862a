import { z } from 'zod';

import type { Database, Sql } from '../../database';
import { noteErasure } from '../../erasures/journal';
import type { Actor } from '../../events/event-write';
import { newUuid } from '../../new-id';
import { findDeletion, type Deletion, type DeletionState } from '../deletions';

/** What is deleted beside mailboxes, with all that belongs to it. */
export type CascadeKind = 'record' | 'user' | 'tenant';

/** What was chosen when a deletion was asked for, and what is still to be done of it. Ids are UUIDs. */
const planSchema = z.object({
  /** What becomes of a user's mailboxes; `none` where there were none. */
  mailboxes: z.enum(['delete', 'reassign', 'none']).default('none'),
  /** Who is given what a user owned; null: nobody. */
  reassignTo: z.uuid().nullable().default(null),
  /** Sources whose owner or members have changed, and whose timelines are to be told anew. */
  refresh: z.array(z.uuid()).default([]),
  /** How far the first of them is told. */
  refreshAfter: z.string().nullable().default(null),
});
export type CascadePlan = z.output<typeof planSchema>;

/** Where nobody says whom they go to, a user's mailboxes stay, and are nobody's. */
const nobodyAsked: Partial<CascadePlan> = { mailboxes: 'reassign', reassignTo: null };

/** Which deletion. Ids are UUIDs. */
export interface CascadeRef {
  tenantId: string;
  deletionId: string;
}

/** A deletion that is under way. */
export interface Cascade extends CascadeRef {
  kind: CascadeKind;
  /** The record, user or tenant. */
  targetId: string;
  state: DeletionState;
  actor: Actor;
  plan: CascadePlan;
}

/**
 * Asks for a deletion that begins at once, and notes it in the journal of erasures. To be called under the tenant's lock. Second run: the
 * deletion that is open already.
 */
export async function openCascade(
  sql: Sql,
  tenantId: string,
  asked: { kind: CascadeKind; targetId: string; actor: Actor; plan?: Partial<CascadePlan> },
): Promise<Deletion> {
  const open = await openDeletionOf(sql, tenantId, asked.targetId);
  if (open !== null) return open;
  const { kind, targetId, actor } = asked;
  const id = newUuid();
  const plan = planSchema.parse(asked.plan ?? nobodyAsked);
  await sql.execute(
    `INSERT INTO deletion (tenant_id, id, kind, target_id, state, desired_before, begins_at, started_at, actor, plan)
     VALUES ($1, $2, $3, $4, 'stopping', 'stopped', now(), now(), $5, $6)`,
    [tenantId, id, kind, targetId, actor, JSON.stringify(plan)],
  );
  await noteErasure(sql, tenantId, { deletionId: id, kind, targetId, actor, heirId: heirOf(plan) });
  const deletion = await findDeletion(sql, { tenantId, userId: null }, id);
  if (deletion === null) throw new Error('a deletion that was asked for is not there');
  return deletion;
}

/** Whom the mailboxes went to, for the journal. What was to be deleted with the user is given to nobody, however old a state comes back. */
function heirOf({ mailboxes, reassignTo }: CascadePlan): string | null {
  return mailboxes === 'delete' ? null : reassignTo;
}

/** The deletion in which a record, user or tenant is, or null. */
export async function openDeletionOf(sql: Sql, tenantId: string, targetId: string): Promise<Deletion | null> {
  const [row] = await sql.query<{ id: string }>(
    `SELECT id FROM deletion WHERE tenant_id = $1 AND target_id = $2 AND state NOT IN ('done', 'cancelled')`,
    [tenantId, targetId],
  );
  return row === undefined ? null : findDeletion(sql, { tenantId, userId: null }, row.id);
}

/** A deletion that has not ended, or null. Whom a user's belongings were to go to, and who is gone, is given nothing. */
export async function readCascade(db: Database, ref: CascadeRef): Promise<Cascade | null> {
  const [row] = await db.inTenant(ref.tenantId, (sql) =>
    sql.query<Omit<Cascade, keyof CascadeRef | 'plan'> & { plan: unknown }>(
      `SELECT kind, target_id AS "targetId", state, actor, CASE WHEN EXISTS (
         SELECT FROM app_user WHERE tenant_id = $1 AND id = (plan ->> 'reassignTo')::uuid) THEN plan ELSE plan - 'reassignTo' END AS plan FROM deletion
       WHERE tenant_id = $1 AND id = $2 AND kind IN ('record', 'user', 'tenant') AND state NOT IN ('done', 'cancelled')`,
      [ref.tenantId, ref.deletionId],
    ),
  );
  return row === undefined ? null : { ...ref, ...row, plan: planSchema.parse(row.plan) };
}

/** What is still to be told anew. Changed in the transaction that changes the mailboxes, or tells them. */
export async function noteRefresh(
  sql: Sql,
  ref: CascadeRef,
  { change, sourceId }: { change: 'add' | 'done'; sourceId: string },
): Promise<void> {
  const refresh = `coalesce(plan -> 'refresh', '[]')`;
  const after = change === 'add' ? `(${refresh} - $3::text) || to_jsonb($3::text)` : `${refresh} - $3::text`;
  await sql.execute(
    `UPDATE deletion SET plan = jsonb_set(plan, '{refresh}', ${after}) - 'refreshAfter' WHERE tenant_id = $1 AND id = $2`,
    [ref.tenantId, ref.deletionId, sourceId],
  );
}

/** How far the first source that is to be told anew is told, in the transaction that told it so far. */
export async function noteRefreshed(sql: Sql, ref: CascadeRef, after: string): Promise<void> {
  await sql.execute(
    `UPDATE deletion SET plan = jsonb_set(plan, '{refreshAfter}', to_jsonb($3::text)) WHERE tenant_id = $1 AND id = $2`,
    [ref.tenantId, ref.deletionId, after],
  );
}

/** Deletions of records, users and tenants that have not ended, of all tenants; at most 200, of more any. Starting one that runs changes nothing. */
export function unfinishedCascades(
  db: Database,
): Promise<{ tenantId: string; deletionId: string; kind: CascadeKind; targetId: string }[]> {
  return db.acrossTenants((sql) =>
    sql.query(
      `SELECT "tenantId", "deletionId", kind, "targetId" FROM (
         SELECT tenant_id AS "tenantId", id AS "deletionId", kind, target_id AS "targetId", begins_at FROM deletion
         WHERE kind IN ('record', 'user', 'tenant') AND state NOT IN ('done', 'cancelled') ORDER BY random() LIMIT 200) picked ORDER BY begins_at`,
    ),
  );
}

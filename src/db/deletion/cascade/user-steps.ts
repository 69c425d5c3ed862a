import { publicId } from '../../../domain/ids';
import { leaveUser } from '../../activities/leave';
import { leaveNotesOfUser } from '../../activities/note-leave';
import type { Database, Sql } from '../../database';
import { rematchOfUsers } from '../../own-domains';
import { allMailRecord } from '../../timeline-write';
import { lockTenantForWriting } from '../../tenant-lock';
import { noteStep, type RowCounts } from '../steps';
import { danglingRows } from '../verify';
import { countCarried } from './carriers';
import type { CascadeSteps, StepOptions } from './cascade-steps';
import type { Cascade } from './cascades';
import { deleteSome } from './delete-some';
import { reassignMailbox, reassignMembership, refreshNext } from './reassign';

/** These make the user, or end with them; what is left of them goes with the user's row. */
const lastTables: readonly string[] = ['api_key', 'user_address', 'notice', 'source_member', 'team_member'];

/** Every table that the deletion of a user knows: a test compares it with the schema. The others let go of the user. */
export const tablesOfUser: readonly string[] = [
  ...lastTables,
  'source',
  'record',
  'activity',
  'activity_party',
  'activity_note',
  'deletion',
];

/**
 * How a user is deleted, when the mailboxes that were to be deleted are gone: mailboxes, memberships and records go to whom they were given,
 * or to nobody; what the user could read is closed; keys and addresses end. Content stays with its mailboxes.
 */
export function userSteps(cascade: Cascade, { chunkRows }: StepOptions): CascadeSteps {
  const carried = (sql: Sql, except: readonly string[]) => countCarried(sql, cascade, except);
  return {
    count: (sql) => countReadable(sql, cascade),
    next: (db) => next(db, cascade, chunkRows),
    // A user's number stands in the timeline; no index begins with it, so the whole table is looked through only here, where nobody waits.
    look: async (sql) => {
      const rows = await countTimeline(sql, cascade);
      const { left } = await carried(sql, lastTables);
      // What the mailboxes might have left, for all of them at once.
      const dangling = cascade.plan.mailboxes === 'delete' ? await danglingRows(sql, cascade.tenantId) : {};
      return { ...left, ...dangling, ...(rows > 0 ? { timeline: rows } : {}) };
    },
    last: (sql) => deleteLast(sql, cascade),
    verify: (sql) => carried(sql, []),
  };
}

const activitiesAtOnce = 500;
const notesAtOnce = 5_000;
const principal = '(SELECT principal FROM app_user WHERE tenant_id = $1 AND id = $2)';

async function next(db: Database, cascade: Cascade, chunkRows: number): Promise<number> {
  const { plan } = cascade;
  // First, so that nothing that is told anew from now on is opened to them again.
  const addresses = await leaveAddresses(db, cascade);
  if (addresses > 0) return addresses;
  if (plan.mailboxes === 'reassign' && (await reassignMailbox(db, cascade))) return 1;
  if (plan.reassignTo !== null && (await reassignMembership(db, cascade))) return 1;
  if (await refreshNext(db, cascade, chunkRows)) return 1;
  return (
    (await leaveOthers(db, cascade)) ||
    (await leaveScopes(db, cascade)) ||
    (await reassignRecords(db, cascade)) ||
    (await leaveActivities(db, cascade)) ||
    (await forgetDeletions(db, cascade)) ||
    closeTimeline(db, cascade, chunkRows)
  );
}

/** Their mail is matched again without them. */
async function leaveAddresses(db: Database, cascade: Cascade): Promise<number> {
  const { tenantId, targetId } = cascade;
  const left = await db.inTenant(tenantId, (sql) =>
    sql.query('SELECT FROM user_address WHERE tenant_id = $1 AND user_id = $2 LIMIT 1', [tenantId, targetId]),
  );
  if (left.length === 0) return 0;
  return db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    const rows = await sql.query<{ key: string }>(
      'DELETE FROM user_address WHERE tenant_id = $1 AND user_id = $2 RETURNING address_key AS key',
      [tenantId, targetId],
    );
    const keys = rows.map(({ key }) => key);
    await rematchOfUsers(sql, tenantId, keys);
    if (keys.length > 0) await noteStep(sql, cascade, { counts: { user_address: keys.length } });
    return keys.length;
  });
}

async function leaveOthers(db: Database, cascade: Cascade): Promise<number> {
  for (const table of ['source_member', 'notice', 'team_member']) {
    const rows = await deleteSome(db, cascade, { table, column: 'user_id', value: cascade.targetId });
    if (rows > 0) return rows;
  }
  return 0;
}

/** Records that were shown to them by name; a number is never given to another. */
function leaveScopes(db: Database, { tenantId, targetId }: Cascade): Promise<number> {
  return db.inTenant(tenantId, (sql) =>
    sql.execute(
      `DELETE FROM record_scope WHERE tenant_id = $1 AND ctid = ANY (ARRAY(
         SELECT ctid FROM record_scope WHERE tenant_id = $1 AND principal = ${principal} LIMIT 5000))`,
      [tenantId, targetId],
    ),
  );
}

async function reassignRecords(db: Database, cascade: Cascade): Promise<number> {
  const { tenantId, targetId, plan } = cascade;
  return db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    return sql.execute(
      `UPDATE record SET owner_user_id = $3, version = version + 1, updated_at = now() WHERE tenant_id = $1 AND id = ANY (ARRAY(
         SELECT id FROM record WHERE tenant_id = $1 AND owner_user_id = $2 LIMIT 5000))`,
      [tenantId, targetId, plan.reassignTo],
    );
  });
}

async function leaveActivities(db: Database, cascade: Cascade): Promise<number> {
  const { tenantId, targetId, plan } = cascade;
  const left = await db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    return leaveUser(sql, tenantId, { userId: targetId, heirId: plan.reassignTo, limit: activitiesAtOnce });
  });
  // When no activity is theirs any more, none becomes a note of theirs.
  return left > 0 ? left : leaveNotes(db, cascade);
}

/** Whoever is given what was theirs is given their notes; else these go. */
function leaveNotes(db: Database, cascade: Cascade): Promise<number> {
  const { tenantId, targetId, plan } = cascade;
  return db.inTenant(tenantId, async (sql) => {
    const notes = { userId: targetId, heirId: plan.reassignTo, limit: notesAtOnce };
    const { left, deleted } = await leaveNotesOfUser(sql, tenantId, notes);
    if (deleted > 0) await noteStep(sql, cascade, { counts: { activity_note: deleted } });
    return left;
  });
}

/** Reports of mailboxes that were theirs are from now on for admins alone. */
function forgetDeletions(db: Database, { tenantId, targetId }: Cascade): Promise<number> {
  return db.inTenant(tenantId, (sql) =>
    sql.execute('UPDATE deletion SET owner_user_id = NULL WHERE tenant_id = $1 AND owner_user_id = $2', [
      tenantId,
      targetId,
    ]),
  );
}

/** Under record 0 stands all that the user may read, so that the table need not be walked for the rest. */
async function closeTimeline(db: Database, cascade: Cascade, chunkRows: number): Promise<number> {
  const { tenantId, targetId } = cascade;
  return db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    const rows = await sql.query<{ message_id: string }>(
      `SELECT message_id FROM timeline WHERE tenant_id = $1 AND principal = ${principal} AND record_id = $3 LIMIT ${String(chunkRows)}`,
      [tenantId, targetId, allMailRecord],
    );
    if (rows.length === 0) return 0;
    const timeline = await sql.execute(
      `DELETE FROM timeline WHERE tenant_id = $1 AND principal = ${principal} AND message_id = ANY ($3::uuid[])`,
      [tenantId, targetId, rows.map((row) => row.message_id)],
    );
    await noteStep(sql, cascade, { counts: { timeline }, placements: rows.length });
    return rows.length;
  });
}

async function countReadable(sql: Sql, { tenantId, targetId }: Cascade): Promise<number> {
  const [row] = await sql.query<{ count: number }>(
    `SELECT count(*) AS count FROM timeline WHERE tenant_id = $1 AND principal = ${principal} AND record_id = $3`,
    [tenantId, targetId, allMailRecord],
  );
  return row?.count ?? 0;
}

async function countTimeline(sql: Sql, { tenantId, targetId }: Cascade): Promise<number> {
  const [row] = await sql.query<{ count: number }>(
    `SELECT count(*) AS count FROM timeline WHERE tenant_id = $1 AND principal = ${principal}`,
    [tenantId, targetId],
  );
  return row?.count ?? 0;
}

async function deleteLast(sql: Sql, cascade: Cascade): Promise<RowCounts> {
  const { tenantId, targetId } = cascade;
  const values = [tenantId, targetId];
  const counts: RowCounts = {};
  for (const table of lastTables) {
    counts[table] = await sql.execute(`DELETE FROM ${table} WHERE tenant_id = $1 AND user_id = $2`, values);
  }
  counts['timeline'] = await sql.execute(
    `DELETE FROM timeline WHERE tenant_id = $1 AND principal = ${principal} AND message_id IN (
       SELECT message_id FROM timeline WHERE tenant_id = $1 AND principal = ${principal} AND record_id = $3)`,
    [...values, allMailRecord],
  );
  counts['idempotency_key'] = await forgetAnswers(sql, cascade);
  counts['app_user'] = await deleteUserRow(sql, cascade);
  return counts;
}

/** Answers kept for repeated requests, in which the user is shown or one of the mailboxes that went. */
function forgetAnswers(sql: Sql, { tenantId, targetId, deletionId }: Cascade): Promise<number> {
  return sql.execute(
    `DELETE FROM idempotency_key k WHERE tenant_id = $1 AND (response::text LIKE '%' || $2 || '%' OR EXISTS (
       SELECT FROM regexp_matches(k.response::text, 'mbx_([0-9a-f]{32})', 'g') AS shown(ids)
       JOIN deletion part ON part.tenant_id = $1 AND part.parent_id = $3 AND part.target_id = shown.ids[1]::uuid))`,
    [tenantId, publicId('user', targetId), deletionId],
  );
}

/** A mailbox or record that they were given meanwhile keeps them; the count that follows names it. */
function deleteUserRow(sql: Sql, { tenantId, targetId }: Cascade): Promise<number> {
  return sql.execute(
    `DELETE FROM app_user WHERE tenant_id = $1 AND id = $2
       AND NOT EXISTS (SELECT FROM source WHERE tenant_id = $1 AND owner_user_id = $2)
       AND NOT EXISTS (SELECT FROM record WHERE tenant_id = $1 AND owner_user_id = $2)`,
    [tenantId, targetId],
  );
}

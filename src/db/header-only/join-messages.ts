import { copyActivities } from '../activities/make';
import { refreshActivities } from '../activities/refresh';
import type { Database, Sql } from '../database';
import { readDependents } from '../people/dependents';
import { eraseThese } from '../people/erase-messages';
import { tellOfCopies } from '../people/tell-removed';
import { linkAgain } from '../rematch';
import { copyLinks } from '../reprocess/set-apart';
import { findAgain } from '../search-pending';
import { isAutomatic } from '../thread-links/reason-sql';
import { refreshTimelines } from '../timeline-write';
import { noteJoined } from './joined-message';

/** Two messages that are one: all of `from` becomes a part of `to`. */
interface JoinedMessages {
  from: string;
  to: string;
}

/**
 * Joins a message that is known by its header alone with the one that has it whole, in one short transaction under the tenant's lock. Nothing
 * is done where one of them has gone, or is not what it was, meanwhile, or while a mailbox that holds one is being deleted. Second run: no
 * change. Whether they were joined.
 */
export async function joinHeaderOnly(
  db: Database,
  tenantId: string,
  joined: JoinedMessages & { runId: string | null },
): Promise<boolean> {
  return db.writeInTenant(tenantId, async (sql) => {
    const [both] = await sql.query<{ ready: boolean }>(
      `SELECT count(*) = 2 AND bool_and(('headers-only' = ANY (m.marks)) = (m.id = $2)) AND NOT EXISTS (
         SELECT FROM copy c JOIN source s ON s.tenant_id = $1 AND s.id = c.source_id
         WHERE c.tenant_id = $1 AND c.message_id IN ($2, $3) AND (s.deletion_id IS NOT NULL OR s.deleted_at IS NOT NULL)) AS ready
       FROM message m WHERE m.tenant_id = $1 AND m.id IN ($2, $3)`,
      [tenantId, joined.from, joined.to],
    );
    if (both?.ready !== true) return false;
    await joinMessages(sql, tenantId, joined);
    return true;
  });
}

/**
 * Gives a message all that another is: its copies, what people linked or took away, its working status and its activity; then the other goes.
 * Its id leads to the one that stays. Their thread is one already, because their Message-ID is. Links by address, timelines and search follow, and other systems are told
 * (`message.joined`) in the stream of each copy. To be called under the tenant's lock.
 */
export async function joinMessages(
  sql: Sql,
  tenantId: string,
  { from, to, runId }: JoinedMessages & { runId: string | null },
): Promise<void> {
  const values = [tenantId, from, to];
  const copies = await sql.query<{ id: string; source_id: string }>(
    'UPDATE copy SET message_id = $3 WHERE tenant_id = $1 AND message_id = $2 RETURNING id, source_id',
    values,
  );
  await sql.execute('UPDATE reprocess_difference SET message_id = $3 WHERE tenant_id = $1 AND message_id = $2', values);
  await sql.execute(
    `UPDATE message m SET status = other.status FROM message other
     WHERE m.tenant_id = $1 AND m.id = $3 AND m.status = 'open' AND other.tenant_id = $1 AND other.id = $2 AND other.status <> 'open'`,
    values,
  );
  // What a person took away stays away, unless another has linked it by hand.
  await sql.execute(
    `UPDATE link l SET state = 'suppressed' FROM link other
     WHERE other.tenant_id = $1 AND other.message_id = $2 AND other.state = 'suppressed' AND l.tenant_id = $1 AND l.message_id = $3
       AND l.record_id = other.record_id AND l.state = 'active'
       AND NOT EXISTS (SELECT FROM link_reason r WHERE r.tenant_id = $1 AND r.link_id = l.id AND NOT ${isAutomatic('r')})`,
    values,
  );
  await copyLinks(sql, tenantId, [{ from, to }]);
  // And what a person linked stays linked, where rules had it and another took that away.
  await sql.execute(
    `WITH linked AS (
       UPDATE link l SET state = 'active' FROM link other
       WHERE other.tenant_id = $1 AND other.message_id = $2 AND other.state = 'active' AND l.tenant_id = $1 AND l.message_id = $3
         AND l.record_id = other.record_id AND l.state = 'suppressed'
         AND EXISTS (SELECT FROM link_reason r WHERE r.tenant_id = $1 AND r.link_id = other.id AND NOT ${isAutomatic('r')})
       RETURNING l.id
     ) DELETE FROM link_reason r USING linked
       WHERE r.tenant_id = $1 AND r.link_id = linked.id AND (r.key = 'taken-away' OR r.key LIKE 'unlinked:%')`,
    values,
  );
  await copyActivities(sql, tenantId, [{ from, to }]);
  const dependents = await readDependents(sql);
  await noteJoined(sql, tenantId, { from, to });
  await eraseThese(sql, { tenantId, deletionId: from }, { messageIds: [from], dependents, runId });
  await linkAgain(sql, tenantId, [to]);
  await refreshTimelines(sql, tenantId, [to]);
  await refreshActivities(sql, tenantId, [to]);
  await findAgain(sql, tenantId, [to]);
  const told = copies.map(({ id, source_id }) => ({ id, source_id, message_id: to }));
  await tellOfCopies(sql, { tenantId, runId, type: 'message.joined', more: { joinedMessageId: from } }, told);
}

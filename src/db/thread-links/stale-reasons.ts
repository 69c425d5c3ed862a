import { reasonKeys } from '../../domain/link-reasons';
import { uuidArray } from '../binary-array';
import type { Sql } from '../database';
import { linkAgain } from '../rematch';
import type { LinkTask } from './link-task';
import { settleReplies } from './settle';

/**
 * Takes off these messages what people had said of a thread and do not say any more: mail that was kept away by nothing else stands where rules put it, what
 * was linked by nothing else is linked no more, and replies follow. Returns the messages whose links changed, whose timelines and activities are
 * then the caller's. To be called under the tenant's lock, when the links of the thread are as people say now. Second run: no change.
 */
export async function dropStaleReasons(
  sql: Sql,
  tenantId: string,
  { thread, messageIds }: { thread: NonNullable<LinkTask['thread']>; messageIds: string[] },
): Promise<string[]> {
  const stale = await staleKeys(sql, tenantId, [thread.linkId, ...thread.beside.map(({ linkId }) => linkId)]);
  const rows = await sql.query<{ linkId: string; messageId: string }>(
    `DELETE FROM link_reason r USING unnest($2::uuid[]) AS w(id) CROSS JOIN LATERAL (
       SELECT id, message_id FROM link WHERE tenant_id = $1 AND message_id = w.id OFFSET 0) l
     WHERE r.tenant_id = $1 AND r.link_id = l.id AND r.key = ANY ($3::text[]) RETURNING l.id AS "linkId", l.message_id AS "messageId"`,
    [tenantId, uuidArray(messageIds), stale],
  );
  if (rows.length === 0) return [];
  const values = [tenantId, uuidArray([...new Set(rows.map(({ linkId }) => linkId))])];
  const freed = await sql.query<{ messageId: string }>(
    `UPDATE link l SET state = 'active' WHERE l.tenant_id = $1 AND l.id = ANY ($2::uuid[]) AND l.state = 'suppressed' AND NOT EXISTS (
       SELECT FROM link_reason r WHERE r.tenant_id = $1 AND r.link_id = l.id AND (r.key = 'taken-away' OR r.key LIKE 'unlinked:%'))
     RETURNING l.message_id AS "messageId"`,
    values,
  );
  await sql.execute(
    `DELETE FROM link l WHERE l.tenant_id = $1 AND l.id = ANY ($2::uuid[]) AND l.state = 'active'
       AND NOT EXISTS (SELECT FROM link_reason r WHERE r.tenant_id = $1 AND r.link_id = l.id)`,
    values,
  );
  // Nobody looked at what rules say of a link while it was taken away.
  if (freed.length > 0)
    await linkAgain(
      sql,
      tenantId,
      freed.map(({ messageId }) => messageId),
    );
  const changed = [...new Set(rows.map(({ messageId }) => messageId))];
  return [...new Set([...changed, ...(await settleReplies(sql, tenantId, changed))])];
}

async function staleKeys(sql: Sql, tenantId: string, linkIds: string[]): Promise<string[]> {
  const rows = await sql.query<{ id: string; said: 'follow' | 'snapshot' | 'unlinked' }>(
    `SELECT id, CASE state WHEN 'unlinked' THEN state ELSE mode END AS said FROM thread_link WHERE tenant_id = $1 AND id = ANY ($2::uuid[])`,
    [tenantId, linkIds],
  );
  const said = new Map(rows.map((row) => [row.id, row.said]));
  return linkIds.flatMap((id) => {
    const [follow, snapshot, unlinked] = [reasonKeys.follow(id), reasonKeys.snapshot(id), reasonKeys.unlinked(id)];
    switch (said.get(id)) {
      case 'follow':
        return [unlinked];
      case 'snapshot':
        return [unlinked, follow];
      case 'unlinked':
        return [follow, snapshot];
      case undefined:
        return [follow, snapshot, unlinked];
    }
  });
}

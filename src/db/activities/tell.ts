import type { Sql } from '../database';
import { newUuid } from '../new-id';

/** What is told of an activity. Ids are UUIDs. */
export interface ActivityEvent {
  type: 'activity.created' | 'activity.updated';
  activityId: string;
  messageId: string;
}

/**
 * Tells other systems of activities, in the stream of the tenant, numbered without a gap; ids only. To be called under the tenant's lock, in
 * the transaction that changes them.
 */
export async function tellActivities(sql: Sql, tenantId: string, events: ActivityEvent[]): Promise<void> {
  if (events.length === 0) return;
  await sql.execute(
    `WITH numbered AS (
       UPDATE tenant SET next_seq = next_seq + $2 WHERE tenant_id = $1 RETURNING next_seq - $2 AS first_seq
     )
     INSERT INTO outbox (tenant_id, stream, epoch, seq, event_id, type, ids, about_message)
     SELECT $1, $1, 1, n.first_seq + e.n, e.event_id, e.type, jsonb_build_object('activityId', e.activity_id, 'messageId', e.message_id), e.message_id
     FROM numbered n CROSS JOIN json_to_recordset($3::json) AS e(n integer, event_id uuid, type text, activity_id uuid, message_id uuid)`,
    [
      tenantId,
      events.length,
      JSON.stringify(
        events.map(({ type, activityId, messageId }, n) => {
          return { n, event_id: newUuid(), type, activity_id: activityId, message_id: messageId };
        }),
      ),
    ],
  );
}

/** Tells that the activities of these messages go. To be called under the tenant's lock, before they are deleted. */
export async function tellActivitiesGone(sql: Sql, tenantId: string, messageIds: string[]): Promise<void> {
  if (messageIds.length === 0) return;
  await sql.execute(
    `WITH going AS MATERIALIZED (SELECT id FROM unnest($2::uuid[]) AS id), ${tellRemovedActivities('going')} SELECT FROM told`,
    [tenantId, messageIds],
  );
}

/**
 * Parts of a statement whose $1 is the tenant, to stand before what deletes messages: `activity.removed` for the activities of the messages
 * whose ids the query `of` has. Nothing is written where there is none.
 */
export function tellRemovedActivities(of: string): string {
  return `told_activity AS MATERIALIZED (
      SELECT id, message_id, row_number() OVER (ORDER BY id) - 1 AS n FROM activity
      WHERE tenant_id = $1 AND message_id = ANY (ARRAY(SELECT id FROM ${of}))
    ), told_number AS (
      UPDATE tenant SET next_seq = next_seq + k.count FROM (SELECT count(*) FROM told_activity) k
      WHERE tenant_id = $1 AND k.count > 0 RETURNING next_seq - k.count AS first_seq
    ), told AS (
      INSERT INTO outbox (tenant_id, stream, epoch, seq, event_id, type, ids, about_message)
      SELECT $1, $1, 1, t.first_seq + a.n, gen_random_uuid(), 'activity.removed',
        jsonb_build_object('activityId', a.id, 'messageId', a.message_id), a.message_id
      FROM told_number t CROSS JOIN told_activity a RETURNING 1
    )`;
}

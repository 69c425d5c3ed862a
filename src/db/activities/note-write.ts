import type { Policy } from '../../domain/policy';
import type { Sql } from '../database';

/** What becomes of the activities of messages that go. */
export type ActivitiesOnDelete = Policy['activityOnDelete'];

/** What the policy of a mailbox that is deleted asks for; nothing stays where its tenant goes too. */
export async function activitiesOnDelete(
  sql: Sql,
  { tenantId, sourceId, deletionId }: { tenantId: string; sourceId: string; deletionId: string },
): Promise<ActivitiesOnDelete> {
  const rows = await sql.query(
    `SELECT FROM source WHERE tenant_id = $1 AND id = $2 AND policy ->> 'activityOnDelete' = 'note' AND NOT EXISTS (
       SELECT FROM deletion own JOIN deletion whole ON whole.tenant_id = $1 AND whole.id = own.parent_id AND whole.kind = 'tenant'
       WHERE own.tenant_id = $1 AND own.id = $3)`,
    [tenantId, sourceId, deletionId],
  );
  return rows.length > 0 ? 'note' : 'remove';
}

interface NoteParameters {
  messageIds: string;
  directions: string;
  sourceId: string;
}

/**
 * Parts of a statement whose $1 is the tenant, to stand before what deletes messages: a note of each activity of the messages whose ids the
 * query `of` has, and which belongs to a record. `given`: the parameters of the messages of copies, of their directions, and of the source that
 * they go with. What is noted is counted as
 * rows of `note`. A note has the id of its activity, so a second run writes nothing. It shows no more of a mail than was shown of it: `is_open`
 * where everybody who may see the record could read there that it was. A CRM that was told of the activity is told of the note under the same id.
 */
export function noteActivities(of: string, given: NoteParameters): string {
  return `going_activity AS MATERIALIZED (
      SELECT a.id, a.message_id, a.type, a.status, a.owner_user_id, a.sort_at, d.direction
      FROM activity a JOIN (
        SELECT DISTINCT ON (message_id) message_id, direction
        FROM unnest(${given.messageIds}::uuid[], ${given.directions}::text[]) AS d(message_id, direction)) AS d USING (message_id)
      WHERE a.tenant_id = $1 AND a.message_id = ANY (ARRAY(SELECT id FROM ${of}))
    ), going_record AS MATERIALIZED (
      SELECT g.id, g.message_id, g.sort_at, p.record_id, bool_or(p.address_key IS NOT NULL) AS takes_part FROM going_activity g CROSS JOIN LATERAL (
        SELECT record_id, address_key FROM activity_party WHERE tenant_id = $1 AND message_id = g.message_id AND record_id IS NOT NULL OFFSET 0) p
      GROUP BY g.id, g.message_id, g.sort_at, p.record_id
    ), note AS (
      INSERT INTO activity_note (tenant_id, id, type, status, owner_user_id, sort_at, direction)
      SELECT $1, g.id, g.type, g.status, g.owner_user_id, g.sort_at, g.direction FROM going_activity g
      WHERE EXISTS (SELECT FROM going_record r WHERE r.id = g.id) ON CONFLICT DO NOTHING RETURNING 1
    ), note_record AS (
      INSERT INTO activity_note_record (tenant_id, record_id, sort_at, note_id, takes_part, is_open)
      SELECT $1, g.record_id, g.sort_at, g.id, g.takes_part, CASE WHEN r.restricted THEN ${isOpenToScope(given.sourceId)} ELSE ${isOpenToAll} END
      FROM going_record g JOIN record r ON r.tenant_id = $1 AND r.id = g.record_id ON CONFLICT DO NOTHING RETURNING 1
    ), note_of_connector AS (
      INSERT INTO connector_note (tenant_id, connector_id, about, note_id)
      SELECT DISTINCT $1::uuid, c.id, g.message_id, g.id FROM going_record g
      CROSS JOIN LATERAL (SELECT connector FROM record WHERE tenant_id = $1 AND id = g.record_id OFFSET 0) r
      JOIN connector c ON c.tenant_id = $1 AND c.pushes AND c.id::text = r.connector
      WHERE (SELECT EXISTS (SELECT FROM connector WHERE tenant_id = $1 AND pushes)) ON CONFLICT DO NOTHING RETURNING 1
    )`;
}

const placed =
  'SELECT FROM timeline t WHERE t.tenant_id = $1 AND t.record_id = g.record_id AND t.message_id = g.message_id';
const isOpenToAll = `EXISTS (${placed} AND t.principal = 0)`;
/**
 * All of its scope could read it there, and not all of them for a reason of their own: mail that was closed to others is read in full by whoever
 * held it, wrote it or got it, and says nothing of those who join the scope later.
 */
const isOpenToScope = (sourceId: string) => `(${isOpenToAll} OR (
        SELECT coalesce(bool_and(EXISTS (${placed} AND t.principal = s.principal)) AND bool_or(NOT ${hasOwnReason('s.principal', sourceId)}), false)
        FROM record_scope s WHERE s.tenant_id = $1 AND s.record_id = g.record_id))`;

/** Whether a principal is a user who holds the source, takes part in the activity, or stands in From, To or Cc of the message. */
const hasOwnReason = (principal: string, sourceId: string) => `EXISTS (
        SELECT FROM app_user u WHERE u.tenant_id = $1 AND u.principal = ${principal} AND (
          EXISTS (SELECT FROM source h WHERE h.tenant_id = $1 AND h.id = ${sourceId}::uuid AND h.owner_user_id = u.id)
          OR EXISTS (SELECT FROM source_member h WHERE h.tenant_id = $1 AND h.source_id = ${sourceId}::uuid AND h.user_id = u.id)
          OR EXISTS (SELECT FROM activity a WHERE a.tenant_id = $1 AND a.message_id = g.message_id AND a.owner_user_id = u.id)
          OR EXISTS (SELECT FROM activity_party p WHERE p.tenant_id = $1 AND p.message_id = g.message_id AND p.user_id = u.id)
          OR EXISTS (
            SELECT FROM message m CROSS JOIN LATERAL jsonb_array_elements(
              (m.participants -> 'from') || (m.participants -> 'to') || (m.participants -> 'cc')) AS p
            JOIN user_address ua ON ua.tenant_id = $1 AND ua.user_id = u.id AND ua.address_key = lower(p ->> 'address')
            WHERE m.tenant_id = $1 AND m.id = g.message_id)))`;

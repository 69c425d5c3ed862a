import type { DirectoryNews, ToldRecord } from '../../domain/directory';
import { publicId } from '../../domain/ids';
import type { Sql } from '../database';

interface ActivityRow {
  message_id: string;
  id: string;
  type: string;
  status: string;
  calendar_sync: boolean;
  owner_user_id: string | null;
  sort_at: Date;
  records: { id: string; type: string; externalId: string }[];
}

const statement = `
SELECT a.message_id, a.id, a.type, a.status, coalesce(t.calendar_sync, false) AS calendar_sync, a.owner_user_id, a.sort_at,
  coalesce((
    SELECT jsonb_agg(DISTINCT jsonb_build_object('id', r.id, 'type', r.type, 'externalId', r.external_id))
    FROM activity_party p JOIN record r ON r.tenant_id = $1 AND r.id = p.record_id AND r.connector = $2 AND r.external_id IS NOT NULL
    WHERE p.tenant_id = $1 AND p.message_id = a.message_id), '[]') AS records
FROM unnest($3::uuid[]) AS w(message_id)
JOIN activity a ON a.tenant_id = $1 AND a.message_id = w.message_id
LEFT JOIN activity_type t ON t.tenant_id = $1 AND t.type = a.type`;

/** The activities of these messages as they are now, by message; one that belongs to no record of this CRM any more is removed for it. */
export async function activityNews(
  sql: Sql,
  of: { tenantId: string; connectorId: string },
  changes: { about: string; seq: number }[],
): Promise<Map<string, DirectoryNews>> {
  if (changes.length === 0) return new Map();
  const messageIds = changes.map(({ about }) => about);
  const rows = await sql.query<ActivityRow>(statement, [of.tenantId, of.connectorId, messageIds]);
  const byMessage = new Map(rows.map((row) => [row.message_id, row]));
  return new Map(
    changes.map(({ about, seq }) => {
      const row = byMessage.get(about);
      const isThere = row !== undefined && row.records.length > 0;
      const news: DirectoryNews = {
        kind: 'activity',
        id: publicId('message', about),
        revision: seq,
        state: isThere ? 'active' : 'removed',
        activity: isThere ? activityOf(row) : null,
        records: isThere ? row.records.map(recordOf) : [],
      };
      return [about, news];
    }),
  );
}

function activityOf(row: ActivityRow) {
  return {
    id: publicId('activity', row.id),
    messageId: publicId('message', row.message_id),
    type: row.type,
    status: row.status,
    calendarSync: row.calendar_sync,
    ownerUserId: row.owner_user_id === null ? null : publicId('user', row.owner_user_id),
    sortAt: row.sort_at.toISOString(),
  };
}

function recordOf({ id, type, externalId }: ActivityRow['records'][number]): ToldRecord {
  return { id: publicId('record', id), type, externalId };
}

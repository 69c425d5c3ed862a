import type { DirectoryNews, ToldActivity, ToldRecord } from '../../domain/directory';
import { publicId } from '../../domain/ids';
import type { Sql } from '../database';

interface ActivityRow {
  about: string;
  is_note: boolean;
  id: string;
  type: string;
  status: string;
  calendar_sync: boolean;
  owner_user_id: string | null;
  sort_at: Date;
  records: { id: string; type: string; externalId: string }[];
}

/** The records of this CRM among those that the rows of a table name. */
const recordsOf = (rows: string) => `coalesce((
    SELECT jsonb_agg(DISTINCT jsonb_build_object('id', r.id, 'type', r.type, 'externalId', r.external_id))
    FROM ${rows} p JOIN record r ON r.tenant_id = $1 AND r.id = p.record_id AND r.connector = $2::text AND r.external_id IS NOT NULL
    WHERE p.tenant_id = $1 AND `;

// Of what is gone a note may be left, which is known by what the CRM was told.
const statement = `
SELECT w.about, false AS is_note, a.id, a.type, a.status, coalesce(t.calendar_sync, false) AS calendar_sync, a.owner_user_id, a.sort_at,
  ${recordsOf('activity_party')} p.message_id = a.message_id), '[]') AS records
FROM unnest($3::uuid[]) AS w(about)
JOIN activity a ON a.tenant_id = $1 AND a.message_id = w.about
LEFT JOIN activity_type t ON t.tenant_id = $1 AND t.type = a.type
UNION ALL
SELECT w.about, true, n.id, n.type, n.status, coalesce(t.calendar_sync, false), n.owner_user_id, n.sort_at,
  ${recordsOf('activity_note_record')} p.note_id = n.id), '[]')
FROM unnest($3::uuid[]) AS w(about)
JOIN connector_note k ON k.tenant_id = $1 AND k.connector_id = $2::text::uuid AND k.about = w.about
JOIN activity_note n ON n.tenant_id = $1 AND n.id = k.note_id
LEFT JOIN activity_type t ON t.tenant_id = $1 AND t.type = n.type`;

/**
 * The activities of these messages as they are now, by message, or the notes that are left of them; what belongs to no record of this CRM any more is
 * removed for it.
 */
export async function activityNews(
  sql: Sql,
  of: { tenantId: string; connectorId: string },
  changes: { about: string; seq: number }[],
): Promise<Map<string, DirectoryNews>> {
  if (changes.length === 0) return new Map();
  const rows = await sql.query<ActivityRow>(statement, [
    of.tenantId,
    of.connectorId,
    changes.map(({ about }) => about),
  ]);
  const byMessage = new Map(rows.map((row) => [row.about, row]));
  return new Map(
    changes.map(({ about, seq }) => {
      const row = byMessage.get(about);
      const news = { kind: 'activity' as const, id: publicId('message', about), revision: seq };
      return [about, { ...news, ...stateOf(row) }];
    }),
  );
}

function stateOf(row: ActivityRow | undefined): Pick<ActivityNews, 'state' | 'activity' | 'records'> {
  if (row === undefined || row.records.length === 0) return { state: 'removed', activity: null, records: [] };
  return {
    state: row.is_note ? 'noted' : 'active',
    activity: activityOf(row),
    records: row.records.map(recordOf),
  };
}

type ActivityNews = Extract<DirectoryNews, { kind: 'activity' }>;

function activityOf(row: ActivityRow): ToldActivity {
  return {
    id: publicId('activity', row.id),
    messageId: row.is_note ? null : publicId('message', row.about),
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

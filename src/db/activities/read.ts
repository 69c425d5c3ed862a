import type { Sql } from '../database';
import { maySee } from '../record-readers';
import { wholeThread } from '../thread-parts';
import {
  levelOf,
  principalsOf,
  windowsOf,
  type Level,
  type PageWindows,
  type Reader,
  type TimelinePlace,
} from '../timeline-read';
import { walkedOf, walkOfRecord, type Walked } from './walk';

/** Somebody in an activity, or a record that it belongs to. Records that the reader may not see are null. */
export interface ShownParty {
  kind: 'user' | 'contact' | 'external' | 'company' | 'project';
  header: string | null;
  addressKey: string | null;
  userId: string | null;
  recordId: string | null;
}

/** An activity as a reader may see it: as far as the message. */
export interface ShownActivity {
  id: string;
  messageId: string;
  threadId: string;
  type: string;
  status: string;
  calendarSync: boolean;
  ownerUserId: string | null;
  sortAt: Date;
  level: Level;
  /** Null below level 2. */
  subject: string | null;
  /** Null below level 3. */
  hasAttachments: boolean | null;
  /** The names in the message, each with the address as it is written there. */
  names: { name: string; address: string }[];
  parties: ShownParty[];
  touched: string[];
  version: number;
  createdAt: Date;
  updatedAt: Date;
}

export interface ActivityFilter {
  recordId: string | null;
  ownerUserId: string | null;
  type: string | null;
  status: string | null;
}

interface Place extends TimelinePlace {
  level: Level;
}

interface WantedPage {
  filter: ActivityFilter;
  after: TimelinePlace | null;
  limit: number;
}

/** Activities of the messages that a reader may see, newest message first, from after `after` on. A page may be short and yet go on. */
export async function listActivities(sql: Sql, reader: Reader, page: WantedPage): Promise<Walked<ShownActivity>> {
  const { filter, after, limit } = page;
  const values = [
    reader.tenantId,
    principalsOf(reader),
    filter.recordId,
    after?.sortAt ?? null,
    after?.messageId ?? null,
    limit,
    filter.ownerUserId,
    filter.type,
    filter.status,
  ];
  const windows = windowsOf(reader);
  const statement = filter.recordId === null ? listedOfAll(windows.filtered) : listedOfRecord(windows);
  const places = walkedOf(await sql.query<Place & { isEnd: boolean }>(statement, values));
  return { ...places, rows: await shownActivities(sql, reader, places.rows) };
}

const isWanted = `($7::uuid IS NULL OR a.owner_user_id = $7) AND ($8::text IS NULL OR a.type = $8) AND ($9::text IS NULL OR a.status = $9)`;

const listedOfRecord = (windows: PageWindows) => `WITH ${walkOfRecord('<', windows)}
  (SELECT s.sort_at AS "sortAt", s.message_id AS "messageId", s.level, false AS "isEnd" FROM seen s
   JOIN activity a ON a.tenant_id = $1 AND a.message_id = s.message_id AND ${isWanted}
   ORDER BY s.sort_at DESC, s.message_id DESC LIMIT $6)
  UNION ALL SELECT sort_at, message_id, NULL, true FROM reach`;

const listedOfAll = (walked: number) => `WITH walk AS MATERIALIZED (
    SELECT a.sort_at, a.message_id FROM activity a
    WHERE a.tenant_id = $1 AND $3::uuid IS NULL AND ${isWanted}
      AND ($4::timestamptz IS NULL OR (a.sort_at, a.message_id) < ($4, $5::uuid))
    ORDER BY a.sort_at DESC, a.message_id DESC LIMIT ${String(walked)}
  )
  (SELECT w.sort_at AS "sortAt", w.message_id AS "messageId", seen.level, false AS "isEnd" FROM walk w CROSS JOIN LATERAL (
     SELECT max(t.level) AS level FROM readable_timeline t
     WHERE t.tenant_id = $1 AND t.message_id = w.message_id AND t.principal = ANY ($2::integer[])) seen
   WHERE seen.level IS NOT NULL ORDER BY w.sort_at DESC, w.message_id DESC LIMIT $6)
  UNION ALL (SELECT sort_at, message_id, NULL, true FROM walk ORDER BY sort_at DESC, message_id DESC OFFSET ${String(walked - 1)})`;

/** One activity, or null where there is none of which the reader may know. */
export async function readActivity(sql: Sql, reader: Reader, activityId: string): Promise<ShownActivity | null> {
  const [row] = await sql.query<{ message_id: string; sort_at: Date }>(
    'SELECT message_id, sort_at FROM activity WHERE tenant_id = $1 AND id = $2',
    [reader.tenantId, activityId],
  );
  if (row === undefined) return null;
  const level = await levelOf(sql, reader, row.message_id);
  if (level === null) return null;
  const place = { messageId: row.message_id, sortAt: row.sort_at, level };
  return (await shownActivities(sql, reader, [place]))[0] ?? null;
}

async function shownActivities(sql: Sql, reader: Reader, places: Place[]): Promise<ShownActivity[]> {
  if (places.length === 0) return [];
  return sql.query<ShownActivity>(shownStatement, [
    reader.tenantId,
    places.map(({ messageId }) => messageId),
    places.map(({ level }) => level),
    principalsOf(reader),
  ]);
}

// A record that only some may see is not told to others by an activity that it takes part in.
const shownStatement = `
SELECT a.id, a.message_id AS "messageId", ${wholeThread('m.thread_id')} AS "threadId", a.type, a.status, coalesce(t.calendar_sync, false) AS "calendarSync",
  a.owner_user_id AS "ownerUserId", a.sort_at AS "sortAt", w.level, s.subject, CASE WHEN w.level >= 3 THEN m.has_attachments END AS "hasAttachments",
  (m.participants -> 'from') || (m.participants -> 'sender') || (m.participants -> 'to') || (m.participants -> 'cc') AS names,
  coalesce((
    SELECT jsonb_agg(jsonb_build_object('kind', p.kind, 'header', p.header, 'addressKey', p.address_key, 'userId', p.user_id, 'recordId', r.id) ORDER BY p.n)
    FROM activity_party p LEFT JOIN record r ON r.tenant_id = $1 AND r.id = p.record_id AND r.deleted_at IS NULL AND ${maySee('r', '$4')}
    WHERE p.tenant_id = $1 AND p.message_id = a.message_id AND (p.address_key IS NOT NULL OR r.id IS NOT NULL)), '[]') AS parties,
  a.touched, a.version, a.created_at AS "createdAt", a.updated_at AS "updatedAt"
FROM unnest($2::uuid[], $3::smallint[]) WITH ORDINALITY AS w(message_id, level, n)
JOIN activity a ON a.tenant_id = $1 AND a.message_id = w.message_id
JOIN message m ON m.tenant_id = $1 AND m.id = w.message_id
LEFT JOIN activity_type t ON t.tenant_id = $1 AND t.type = a.type
LEFT JOIN message_subject s ON s.tenant_id = $1 AND s.message_id = m.id AND w.level >= 2
ORDER BY w.n`;

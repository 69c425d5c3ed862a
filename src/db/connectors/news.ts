import { z } from 'zod';

import type { DirectoryNews, ToldMessage, ToldRecord } from '../../domain/directory';
import { publicId } from '../../domain/ids';
import type { Database, Sql } from '../database';
import { wholeThread } from '../thread-parts';
import { everybodyPrincipal } from '../timeline-write';
import { activityNews } from './activity-news';

/** What a CRM is to be told next, and which rows stand for it. */
export interface NextNews {
  news: DirectoryNews[];
  told: { kind: string; about: string; seq: number }[];
}

const linkIds = z.object({
  messageId: z.string(),
  recordId: z.string(),
  type: z.string(),
  externalId: z.string().nullable(),
});

interface ChangeRow {
  kind: 'link' | 'activity';
  about: string;
  seq: number;
  ids: unknown;
}

/** The next things that a CRM is to be told, in their order, each as it is now. Empty where it knows all. */
export function nextNews(
  db: Database,
  of: { tenantId: string; connectorId: string; limit: number },
): Promise<NextNews> {
  return db.inTenant(of.tenantId, async (sql) => {
    const rows = await sql.query<ChangeRow>(
      `SELECT kind, about, seq, ids FROM connector_change WHERE tenant_id = $1 AND connector_id = $2 ORDER BY seq LIMIT $3`,
      [of.tenantId, of.connectorId, of.limit],
    );
    const ofKind = (wanted: ChangeRow['kind']) => rows.filter(({ kind }) => kind === wanted);
    const links = await linkNews(sql, of.tenantId, ofKind('link'));
    const activities = await activityNews(sql, of, ofKind('activity'));
    return {
      news: rows.flatMap(({ kind, about }) => (kind === 'link' ? links : activities).get(about) ?? []),
      told: rows.map(({ kind, about, seq }) => ({ kind, about, seq })),
    };
  });
}

/** Forgets what a CRM was told; what has changed again meanwhile stays. Second run: no change. */
export async function forgetTold(
  db: Database,
  of: { tenantId: string; connectorId: string; told: NextNews['told'] },
): Promise<void> {
  await db.inTenant(of.tenantId, async (sql) => {
    await sql.execute(
      `DELETE FROM connector_change n USING json_to_recordset($3::json) AS w(kind text, about uuid, seq bigint)
       WHERE n.tenant_id = $1 AND n.connector_id = $2 AND n.kind = w.kind AND n.about = w.about AND n.seq = w.seq`,
      [of.tenantId, of.connectorId, JSON.stringify(of.told)],
    );
    await sql.execute('UPDATE connector SET pushed_at = now() WHERE tenant_id = $1 AND id = $2', [
      of.tenantId,
      of.connectorId,
    ]);
  });
}

interface LinkRow {
  id: string;
  state: string | null;
  /** Only Bcc or a delivery header says it, which is nobody's business but of those who hold such a copy. */
  is_hidden: boolean;
  message_id: string | null;
  thread_id: string;
  sort_at: Date;
  direction: ToldMessage['direction'];
  from_address: string | null;
  subject: string | null;
}

// A CRM shows what it is told to whoever may see the record there: no more of a message than everybody may read who sees the record here.
const linkStatement = `
SELECT w.about AS id, l.state, l.state = 'active' AND NOT EXISTS (
    SELECT FROM link_reason r WHERE r.tenant_id = $1 AND r.link_id = l.id
      AND NOT (r.kind IN ('address', 'rule') AND (r.key LIKE 'bcc:%' OR r.key LIKE 'delivered-to:%'))) AS is_hidden, m.id AS message_id, ${wholeThread('m.thread_id')} AS thread_id, m.sort_at,
  (SELECT d.direction FROM copy d WHERE d.tenant_id = $1 AND d.message_id = m.id ORDER BY d.recorded_at, d.id LIMIT 1) AS direction,
  CASE WHEN open.level >= 1 THEN m.participants -> 'from' -> 0 ->> 'address' END AS from_address,
  CASE WHEN open.level >= 2 THEN (SELECT s.subject FROM message_subject s WHERE s.tenant_id = $1 AND s.message_id = m.id) END AS subject
FROM json_to_recordset($2::json) AS w(about uuid, "messageId" uuid, "recordId" uuid)
LEFT JOIN link l ON l.tenant_id = $1 AND l.id = w.about
LEFT JOIN message m ON m.tenant_id = $1 AND m.id = w."messageId"
LEFT JOIN LATERAL (
  SELECT max(t.level) AS level FROM readable_timeline t
  WHERE t.tenant_id = $1 AND t.message_id = m.id AND t.record_id = w."recordId" AND t.principal = ${String(everybodyPrincipal)}
) open ON true`;

async function linkNews(sql: Sql, tenantId: string, changes: ChangeRow[]): Promise<Map<string, DirectoryNews>> {
  const known = changes.map(({ about, seq, ids }) => ({ about, seq, ...linkIds.parse(ids) }));
  if (known.length === 0) return new Map();
  const rows = await sql.query<LinkRow>(linkStatement, [tenantId, JSON.stringify(known)]);
  const byId = new Map(rows.map((row) => [row.id, row]));
  return new Map(
    known.flatMap((change) => {
      const row = byId.get(change.about);
      const record = toldRecord(change);
      // Without an id of its own the CRM could not know whom it is about.
      if (row === undefined || record === null) return [];
      const news: DirectoryNews = {
        kind: 'link',
        id: publicId('link', change.about),
        revision: change.seq,
        state: !row.is_hidden && (row.state === 'active' || row.state === 'suppressed') ? row.state : 'removed',
        record,
        message: row.is_hidden ? null : toldMessage(row),
      };
      return [[change.about, news]];
    }),
  );
}

function toldRecord(of: { recordId: string; type: string; externalId: string | null }): ToldRecord | null {
  if (of.externalId === null) return null;
  return { id: publicId('record', of.recordId), type: of.type, externalId: of.externalId };
}

function toldMessage(row: LinkRow): ToldMessage | null {
  if (row.message_id === null) return null;
  return {
    id: publicId('message', row.message_id),
    threadId: publicId('thread', row.thread_id),
    sortAt: row.sort_at.toISOString(),
    direction: row.direction,
    from: row.from_address,
    subject: row.subject,
  };
}

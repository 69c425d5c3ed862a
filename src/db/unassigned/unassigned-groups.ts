import type { Sql } from '../database';
import { wholeThread } from '../thread-parts';
import { principalsOf, type Reader } from '../timeline-read';
import { unassignedRecord } from '../timeline-write';

export type GroupedBy = 'sender' | 'domain' | 'thread';

/** Unassigned mail that is one thing to a person: of one sender, one domain, or one thread. */
export interface UnassignedGroup {
  /** An address or a domain in its normal form; the id of a thread. */
  key: string;
  messages: number;
  newestAt: Date;
  newestMessageId: string;
  /** Of the newest message, where the reader may know it. */
  subject: string | null;
}

export interface UnassignedGroups {
  groups: UnassignedGroup[];
  /** Messages that were looked at; older ones were not where this is as many as may be. */
  counted: number;
}

const keys: Readonly<Record<GroupedBy, string>> = {
  sender: 'f.address_key',
  domain: `substring(f.address_key FROM '[^@]*$')`,
  thread: `(SELECT ${wholeThread('m.thread_id')} FROM message m WHERE m.tenant_id = $1 AND m.id = n.message_id)::text`,
};

// A message with several senders, in several copies, is in one group: that of the first of them.
const sender = `LEFT JOIN LATERAL (
    SELECT min(a.address_key) AS address_key FROM copy c JOIN copy_address a ON a.tenant_id = $1 AND a.copy_id = c.id AND a.role = 'from'
    WHERE c.tenant_id = $1 AND c.message_id = n.message_id OFFSET 0
  ) f ON true`;

/** How much of the reader's newest unassigned mail is of one sender, domain or thread: the largest groups first. */
export async function unassignedGroups(
  sql: Sql,
  reader: Reader,
  wish: { by: GroupedBy; since: Date | null; until: Date | null; limit: number; window: number },
): Promise<UnassignedGroups> {
  const rows = await sql.query<UnassignedGroup & { counted: number }>(
    `WITH newest AS MATERIALIZED (
       SELECT message_id, sort_at, max(level) AS level FROM (
         SELECT w.* FROM unnest($3::integer[]) AS p(principal) CROSS JOIN LATERAL (
           SELECT x.message_id, x.sort_at, x.level FROM readable_timeline x
           WHERE x.tenant_id = $1 AND x.record_id = $2 AND x.principal = p.principal
             AND ($4::timestamptz IS NULL OR x.sort_at >= $4) AND ($5::timestamptz IS NULL OR x.sort_at < $5)
           ORDER BY x.sort_at DESC, x.message_id DESC LIMIT $7) w
       ) all_of GROUP BY message_id, sort_at ORDER BY sort_at DESC, message_id DESC LIMIT $7
     ), grouped AS (
       SELECT coalesce(${keys[wish.by]}, '') AS key, count(*) AS messages, max(n.sort_at) AS newest_at,
         (array_agg(n.message_id ORDER BY n.sort_at DESC, n.message_id DESC))[1] AS newest_id,
         (array_agg(n.level ORDER BY n.sort_at DESC, n.message_id DESC))[1] AS level
       FROM newest n ${wish.by === 'thread' ? '' : sender} GROUP BY 1
     )
     SELECT g.key, g.messages, g.newest_at AS "newestAt", g.newest_id AS "newestMessageId", (SELECT count(*) FROM newest) AS counted,
       CASE WHEN g.level >= 2 THEN (SELECT s.subject FROM message_subject s WHERE s.tenant_id = $1 AND s.message_id = g.newest_id) END AS subject
     FROM grouped g ORDER BY g.messages DESC, g.newest_at DESC, g.key LIMIT $6`,
    [reader.tenantId, unassignedRecord, principalsOf(reader), wish.since, wish.until, wish.limit, wish.window],
  );
  return { groups: rows.map(({ counted: _, ...group }) => group), counted: rows[0]?.counted ?? 0 };
}

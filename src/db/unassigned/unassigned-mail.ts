import type { Sql } from '../database';
import { partsOfThread } from '../thread-parts';
import {
  pageOfWindow,
  principalsOf,
  type Reader,
  type TimelinePage,
  type TimelinePlace,
  type WindowedRow,
} from '../timeline-read';
import type { ValueOf } from '../timeline-conditions';
import { unassignedRecord } from '../timeline-write';

/** Which unassigned mail is meant; null: not asked by this. */
export interface UnassignedFilter {
  /** The address in From, in its normal form. */
  senderKey: string | null;
  /** The domain of an address in From. */
  domain: string | null;
  threadId: string | null;
  since: Date | null;
  until: Date | null;
}

export type UnassignedOrder = 'newest' | 'oldest';

interface WantedPage {
  filter: UnassignedFilter;
  order: UnassignedOrder;
  after: TimelinePlace | null;
  limit: number;
  /** By domain, no more rows than this of each principal are looked at: where little fits a page is short, and goes on. */
  window: number;
}

/** A page of the reader's mail that belongs to no record, by date. */
export async function unassignedPage(sql: Sql, reader: Reader, page: WantedPage): Promise<TimelinePage> {
  const { text, values } = pageStatement(reader, page);
  return pageOfWindow(await sql.query<WindowedRow>(text, values));
}

function pageStatement(reader: Reader, page: WantedPage): { text: string; values: unknown[] } {
  const { filter, order, after, limit, window } = page;
  const values: unknown[] = [reader.tenantId, unassignedRecord, principalsOf(reader), limit];
  const value: ValueOf = (given, type) => `$${String(values.push(given))}::${type}`;
  const [direction, beyond] = order === 'newest' ? ['DESC', '<'] : ['ASC', '>'];
  const inOrder = (row: string) => `ORDER BY ${row}.sort_at ${direction}, ${row}.message_id ${direction}`;
  const place =
    after === null
      ? ''
      : `AND (x.sort_at, x.message_id) ${beyond} (${value(after.sortAt, 'timestamptz')}, ${value(after.messageId, 'uuid')})`;
  const narrowing = `${place} ${betweenTimes(filter, value)}`;
  const wanted = wantedIds(filter, value);
  if (wanted !== null) {
    // Of one sender or thread there is little: it is looked up from there, whatever else waits.
    return {
      text: `SELECT t.message_id AS "messageId", t.sort_at AS "sortAt", max(t.level) AS level, false AS "isEnd"
        FROM (SELECT x.message_id, x.sort_at, x.level FROM (${wanted}) w JOIN readable_timeline x ON x.tenant_id = $1 AND x.message_id = w.message_id
          WHERE x.record_id = $2 AND x.principal = ANY ($3::integer[]) ${narrowing}) t
        WHERE true ${isFromDomain(filter, value)('t')}
        GROUP BY t.message_id, t.sort_at ${inOrder('t')} LIMIT $4`,
      values,
    };
  }
  const rows = filter.domain === null ? '$4' : String(window);
  return {
    text: `WITH walked AS MATERIALIZED (
        SELECT w.* FROM unnest($3::integer[]) AS p(principal) CROSS JOIN LATERAL (
          SELECT x.message_id, x.sort_at, x.level, row_number() OVER (${inOrder('x')}) AS n FROM readable_timeline x
          WHERE x.tenant_id = $1 AND x.record_id = $2 AND x.principal = p.principal ${narrowing} ${inOrder('x')} LIMIT ${rows}) w
      )
      SELECT t.message_id AS "messageId", t.sort_at AS "sortAt", max(t.level) AS level, bool_or(t.is_end) AS "isEnd" FROM (
        SELECT message_id, sort_at, level, false AS is_end FROM walked x WHERE true ${isFromDomain(filter, value)('x')}
        ${filter.domain === null ? '' : `UNION ALL SELECT message_id, sort_at, 0, true FROM walked WHERE n = ${String(window)}`}
      ) t GROUP BY t.message_id, t.sort_at ${inOrder('t')} LIMIT $4`,
    values,
  };
}

/** Messages by what names few of them; null where nothing does. */
function wantedIds({ senderKey, threadId }: UnassignedFilter, value: ValueOf): string | null {
  const ofThread = (message: string) =>
    threadId === null
      ? ''
      : `AND EXISTS (SELECT FROM message o WHERE o.tenant_id = $1 AND o.id = ${message} AND o.thread_id = ANY (${partsOfThread(value(threadId, 'uuid'))}))`;
  if (senderKey !== null) {
    return `SELECT DISTINCT c.message_id FROM copy_address a JOIN copy c ON c.tenant_id = $1 AND c.id = a.copy_id
      WHERE a.tenant_id = $1 AND a.address_key = ${value(senderKey, 'text')} AND a.role = 'from' ${ofThread('c.message_id')}`;
  }
  if (threadId === null) return null;
  return `SELECT m.id AS message_id FROM message m WHERE m.tenant_id = $1 AND m.thread_id = ANY (${partsOfThread(value(threadId, 'uuid'))})`;
}

function betweenTimes({ since, until }: UnassignedFilter, value: ValueOf): string {
  return [
    since === null ? '' : `AND x.sort_at >= ${value(since, 'timestamptz')}`,
    until === null ? '' : `AND x.sort_at < ${value(until, 'timestamptz')}`,
  ].join(' ');
}

function isFromDomain({ domain }: UnassignedFilter, value: ValueOf): (row: string) => string {
  if (domain === null) return () => '';
  const wanted = value(domain, 'text');
  return (row) => `AND EXISTS (
    SELECT FROM copy c JOIN copy_address a ON a.tenant_id = $1 AND a.copy_id = c.id AND a.role = 'from'
    WHERE c.tenant_id = $1 AND c.message_id = ${row}.message_id AND substring(a.address_key FROM '[^@]*$') = ${wanted})`;
}

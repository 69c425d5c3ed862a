import type { Direction } from '../domain/direction';
import type { Sql } from './database';
import { everybodyPrincipal, tenantPrincipal } from './timeline-write';

/** Who reads: the tenant itself (`userId` null, principal -1), or one of its users. */
export interface Reader {
  tenantId: string;
  userId: string | null;
  principal: number;
}

/** What a reader may see of a message: 1 metadata, 2 and the subject, 3 all. */
export type Level = 1 | 2 | 3;

/** A place in a timeline, newest first. */
export interface TimelinePlace {
  sortAt: Date;
  messageId: string;
}

export interface TimelineSlot extends TimelinePlace {
  level: Level;
}

export interface TimelineFilter {
  /** A record, or one of the pseudo-records of timeline-write.ts. */
  recordId: string;
  direction: Direction | null;
  /** Only messages with a copy in this source. Whether the reader may ask for it is the caller's question. */
  sourceId: string | null;
  addressKey: string | null;
  since: Date | null;
  until: Date | null;
  /** `newest-of-thread` leaves out what has a newer message of its thread under the same filter. */
  show: 'every-message' | 'newest-of-thread';
}

/** A page: at most as many places as were asked for, and where it goes on although the page is short. */
export interface TimelinePage {
  slots: TimelineSlot[];
  resumeAfter: TimelinePlace | null;
}

/** Of a reader who has just lost mail a page asks no more rows than this whether they are still theirs. */
export const narrowedWindowRows = 500;

/** Whether rows of a principal (an expression of SQL) are asked one by one, because a job is taking some of them away; for a statement whose $1 is the tenant. */
export function isNarrowed(principal: string): string {
  return `(SELECT EXISTS (SELECT FROM narrowed_reader n WHERE n.tenant_id = $1 AND n.principal = ${principal}))`;
}

/** A row as a statement with a window answers it: `isEnd` at the last place that the window reached, with level 0 where that is not to be shown. */
export interface WindowedRow extends TimelinePlace {
  level: Level | 0;
  isEnd: boolean;
}

/** The page that these rows are: beyond the end of the window nothing was asked, so nothing is shown. */
export function pageOfWindow(rows: WindowedRow[]): TimelinePage {
  const end = rows.findIndex((row) => row.isEnd);
  const reached = end === -1 ? rows : rows.slice(0, end + 1);
  const slots = reached.flatMap(({ messageId, sortAt, level }) => (level === 0 ? [] : [{ messageId, sortAt, level }]));
  return { slots, resumeAfter: rows[end] ?? null };
}

/** The principals whose rows a reader may see. */
export function principalsOf(reader: Reader): number[] {
  return reader.principal === tenantPrincipal ? [tenantPrincipal] : [everybodyPrincipal, reader.principal];
}

/** What the reader may see of a message, or null where they may not know of it. */
export async function levelOf(sql: Sql, reader: Reader, messageId: string): Promise<Level | null> {
  const [row] = await sql.query<{ level: Level | null }>(
    'SELECT max(level) AS level FROM readable_timeline WHERE tenant_id = $1 AND message_id = $2 AND principal = ANY ($3::integer[])',
    [reader.tenantId, messageId, principalsOf(reader)],
  );
  return row?.level ?? null;
}

/** Whether the reader holds the copies of a source: the tenant does, and its owner and members. */
export async function holdsSource(sql: Sql, reader: Reader, sourceId: string): Promise<boolean> {
  const [row] = await sql.query<{ held: boolean }>('SELECT holds_source($1, $2) AS held', [sourceId, reader.userId]);
  return row?.held ?? false;
}

/**
 * One page of a timeline: places with their levels, newest first, from after `after` on. Each principal is a walk along the primary key,
 * and the walks are joined: a message that the reader sees for two reasons comes once, with the higher level. A page may be short and yet
 * go on, while a job takes mail away from the reader.
 */
export async function readTimeline(
  sql: Sql,
  reader: Reader,
  page: { filter: TimelineFilter; after: TimelinePlace | null; limit: number },
): Promise<TimelinePage> {
  const { text, values } = timelineStatement(reader, page);
  return pageOfWindow(await sql.query<WindowedRow>(text, values));
}

/** The statement of `readTimeline`, apart so that a test can have it explained. */
export function timelineStatement(
  reader: Reader,
  { filter, after, limit }: { filter: TimelineFilter; after: TimelinePlace | null; limit: number },
): { text: string; values: unknown[] } {
  const values: unknown[] = [reader.tenantId, filter.recordId, limit];
  const value = (given: unknown, type: string) => `$${String(values.push(given))}::${type}`;
  const principals = principalsOf(reader).map((principal) => value(principal, 'integer'));
  const place =
    after === null
      ? ''
      : `AND (t.sort_at, t.message_id) < (${value(after.sortAt, 'timestamptz')}, ${value(after.messageId, 'uuid')})`;
  const matching = matchesFilter(reader, filter, value);
  const newest = filter.show === 'newest-of-thread' ? isNewestOfThread(principals, matching) : '';
  const newestFirst = 'ORDER BY t.sort_at DESC, t.message_id DESC';
  const rowsOf = (principal: string) =>
    `SELECT t.message_id, t.sort_at, t.level, false AS is_end FROM timeline t
     WHERE t.tenant_id = $1 AND t.record_id = $2 AND t.principal = ${principal} ${place} ${matching('t')}`;
  const walks = principals.map(
    (principal) => `(${rowsOf(principal)} AND NOT ${isNarrowed(principal)} ${newest} ${newestFirst} LIMIT $3)`,
  );
  // Only a user can lose mail: their own principal is the last.
  const own = principals.at(-1) ?? '';
  const asked = `asked AS MATERIALIZED (
    ${rowsOf(own)} AND ${isNarrowed(own)} ${newestFirst} LIMIT ${String(narrowedWindowRows)})`;
  walks.push(
    `(SELECT * FROM (SELECT * FROM asked WHERE still_reads($2, ${own}, message_id) OFFSET 0) t WHERE true ${newest})`,
    `(SELECT message_id, sort_at, 0, true FROM asked ORDER BY sort_at DESC, message_id DESC OFFSET ${String(narrowedWindowRows - 1)})`,
  );
  return {
    text: `WITH ${asked} SELECT message_id AS "messageId", sort_at AS "sortAt", max(level) AS level, bool_or(is_end) AS "isEnd"
      FROM (${walks.join(' UNION ALL ')}) seen
      GROUP BY sort_at, message_id ORDER BY sort_at DESC, message_id DESC LIMIT $3`,
    values,
  };
}

type Matching = (row: 't' | 'newer') => string;

/** The filter as conditions on a row of `timeline`. Bcc and delivery headers count only in copies that the reader holds. */
function matchesFilter(
  reader: Reader,
  filter: TimelineFilter,
  value: (given: unknown, type: string) => string,
): Matching {
  const conditions: Matching[] = [];
  if (filter.since !== null) {
    const since = value(filter.since, 'timestamptz');
    conditions.push((row) => `AND ${row}.sort_at >= ${since}`);
  }
  if (filter.until !== null) {
    const until = value(filter.until, 'timestamptz');
    conditions.push((row) => `AND ${row}.sort_at < ${until}`);
  }
  if (filter.direction !== null) {
    const direction = value(filter.direction, 'text');
    conditions.push((row) => `AND ${directionOfMessage(`${row}.message_id`)} = ${direction}`);
  }
  if (filter.sourceId !== null) {
    const source = value(filter.sourceId, 'uuid');
    conditions.push(
      (row) =>
        `AND EXISTS (SELECT FROM copy c WHERE c.tenant_id = $1 AND c.message_id = ${row}.message_id AND c.source_id = ${source})`,
    );
  }
  if (filter.addressKey !== null) {
    const key = value(filter.addressKey, 'text');
    const viewer = value(reader.userId, 'uuid');
    conditions.push(
      (row) => `AND EXISTS (
        SELECT FROM copy c JOIN copy_address ca ON ca.tenant_id = $1 AND ca.copy_id = c.id AND ca.address_key = ${key}
        WHERE c.tenant_id = $1 AND c.message_id = ${row}.message_id
          AND (ca.role NOT IN ('bcc', 'delivered-to') OR holds_source(c.source_id, ${viewer})))`,
    );
  }
  return (row) => conditions.map((condition) => condition(row)).join(' ');
}

/** The direction of a message as its first copy has it: a later copy in another mailbox does not turn it round. */
export function directionOfMessage(messageId: string): string {
  return `(SELECT d.direction FROM copy d WHERE d.tenant_id = $1 AND d.message_id = ${messageId} ORDER BY d.recorded_at, d.id LIMIT 1)`;
}

function isNewestOfThread(principals: string[], matching: Matching): string {
  return `AND NOT EXISTS (
    SELECT FROM message m JOIN message other ON other.tenant_id = $1 AND other.thread_id = m.thread_id AND other.id <> m.id
    JOIN readable_timeline newer ON newer.tenant_id = $1 AND newer.message_id = other.id AND newer.record_id = $2
      AND newer.principal IN (${principals.join(', ')})
    WHERE m.tenant_id = $1 AND m.id = t.message_id
      AND (newer.sort_at, newer.message_id) > (t.sort_at, t.message_id) ${matching('newer')})`;
}

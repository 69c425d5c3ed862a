import type { Sql } from './database';
import { partsOfThread } from './thread-parts';
import { conditionsOf, type MessageConditions, type ValueOf } from './timeline-conditions';
import { everybodyPrincipal, tenantPrincipal } from './timeline-write';

/** Who reads: the tenant itself (`userId` null, principal -1), or one of its users. */
export interface Reader {
  tenantId: string;
  userId: string | null;
  principal: number;
  /** The numbers of the teams that the user is in. */
  teams?: readonly number[];
  /** How many rows a page of theirs looks at; as `usualWindows` where absent. */
  windows?: PageWindows;
}

/** How many rows a page looks at: where little fits it is short, and goes on. */
export interface PageWindows {
  /** Of a reader who has just lost mail: so many are asked whether they are still theirs. */
  narrowed: number;
  /** Of each principal, where a page leaves out. */
  filtered: number;
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

export interface TimelineFilter extends MessageConditions {
  /** A record, or one of the pseudo-records of timeline-write.ts. Whether the reader may see the record is the caller's question. */
  recordId: string;
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
/** A page that leaves out looks at no more rows than this of each principal: where little fits it is short, and goes on. */
export const filteredWindowRows = 1_000;
const usualWindows: PageWindows = { narrowed: narrowedWindowRows, filtered: filteredWindowRows };

/** How many rows a page of this reader looks at. */
export function windowsOf({ windows }: Reader): PageWindows {
  return windows ?? usualWindows;
}

/** The principals of a reader (an expression of SQL), each with whether its rows are asked one by one, because a job is taking some of them
 * away; for a statement whose $1 is the tenant. */
export function readingPrincipals(principals: string): string {
  return `reader AS MATERIALIZED (
    SELECT p.principal, EXISTS (SELECT FROM narrowed_reader n WHERE n.tenant_id = $1 AND n.principal = p.principal) AS narrowed
    FROM unnest(${principals}::integer[]) AS p(principal))`;
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
export function principalsOf({ principal, teams }: Reader): number[] {
  return principal === tenantPrincipal ? [tenantPrincipal] : [everybodyPrincipal, ...(teams ?? []), principal];
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
 * go on: while a job takes mail away from the reader, and where a filter leaves out much.
 */
export async function readTimeline(sql: Sql, reader: Reader, page: WantedPage): Promise<TimelinePage> {
  const { text, values } = timelineStatement(reader, page);
  const [, rows] = await Promise.all([sql.execute(inOrderOfIndexes), sql.query<WindowedRow>(text, values)]);
  return pageOfWindow(rows);
}

/**
 * A plan that is kept for whatever values takes a walk of a thousand rows for one of all that there are, and would sort a record's mail rather than walk
 * along the index.
 */
const inOrderOfIndexes = 'SET LOCAL enable_bitmapscan = off';

/** A page as it is asked for. */
export interface WantedPage {
  filter: TimelineFilter;
  after: TimelinePlace | null;
  limit: number;
}

/** The statement of `readTimeline`, apart so that a test can have it explained. */
export function timelineStatement(reader: Reader, page: WantedPage): { text: string; values: unknown[] } {
  const { filter, limit } = page;
  const windows = windowsOf(reader);
  const values: unknown[] = [
    reader.tenantId,
    filter.recordId,
    limit,
    principalsAmong(reader, filter),
    ...boundsOf(page),
  ];
  const value: ValueOf = (given, type) => `$${String(values.push(given))}::${type}`;
  const conditions = conditionsOf(filter, reader, value);
  const matching = (row: 't' | 'newer') => conditions.map((condition) => condition(row)).join(' ');
  const shownNewer = () =>
    `AND newer.sort_at >= $5 AND newer.sort_at < ${value(filter.until ?? 'infinity', 'timestamptz')}`;
  const newest = filter.show === 'newest-of-thread' ? isNewestOfThread(`${shownNewer()} ${matching('newer')}`) : '';
  const window = conditions.length === 0 && newest === '' ? null : windows.filtered;
  const walk = `SELECT message_id, sort_at, level FROM timeline x
      WHERE x.tenant_id = $1 AND x.record_id = $2 AND x.principal = r.principal AND x.sort_at >= $5::timestamptz
        AND (x.sort_at, x.message_id) < ($6::timestamptz, $7::uuid)
      ORDER BY x.sort_at DESC, x.message_id DESC`;
  const fitting = (rows: string) =>
    `SELECT t.message_id, t.sort_at, t.level FROM (${rows}) t WHERE t.level IS NOT NULL ${matching('t')} ${newest}
      ORDER BY t.sort_at DESC, t.message_id DESC LIMIT $3`;
  const endOf = (rows: number) => `${walk} OFFSET ${String(rows - 1)} LIMIT 1`;
  return {
    text: `WITH ${readingPrincipals('$4')}, found AS MATERIALIZED (
        SELECT r.principal, w.* FROM reader r CROSS JOIN LATERAL (
          ${window === null ? `${walk} LIMIT $3` : fitting(`${walk} LIMIT ${String(window)}`)}) w WHERE NOT r.narrowed
        UNION ALL
        SELECT r.principal, w.* FROM reader r CROSS JOIN LATERAL (
          ${fitting(askedRows(`${walk} LIMIT ${String(windows.narrowed)}`))}) w WHERE r.narrowed
      ), reached AS (
        SELECT r.principal, r.narrowed FROM reader r WHERE (SELECT count(*) FROM found f WHERE f.principal = r.principal) < $3
      )
      SELECT message_id AS "messageId", sort_at AS "sortAt", max(level) AS level, bool_or(is_end) AS "isEnd" FROM (
        SELECT message_id, sort_at, level, false AS is_end FROM found
        UNION ALL SELECT w.message_id, w.sort_at, 0, true FROM reached r CROSS JOIN LATERAL (${endOf(windows.narrowed)}) w WHERE r.narrowed
        ${window === null ? '' : `UNION ALL SELECT w.message_id, w.sort_at, 0, true FROM reached r CROSS JOIN LATERAL (${endOf(window)}) w WHERE NOT r.narrowed`}
      ) seen GROUP BY sort_at, message_id ORDER BY sort_at DESC, message_id DESC LIMIT $3`,
    values,
  };
}

/** Rows of a principal who has just lost mail, each as far as it may still be read. OFFSET 0: each is asked once. */
function askedRows(rows: string): string {
  return `SELECT a.message_id, a.sort_at, least(a.level, a.asked) AS level
    FROM (SELECT y.*, coalesce(level_still_read($2, r.principal, y.message_id), 0) AS asked FROM (${rows}) y OFFSET 0) a WHERE a.asked > 0`;
}

const [firstUuid, lastUuid] = ['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'];

/**
 * Where a walk ends, and the place after which it begins, also where nothing was said of them: connections keep plans of statements that are always
 * the same. One place, of the two that there may be: of two bounds an index scan may begin at the farther one.
 */
function boundsOf({ filter, after }: WantedPage): unknown[] {
  const { since, until } = filter;
  const end =
    until !== null && (after === null || until <= after.sortAt) ? { sortAt: until, messageId: firstUuid } : after;
  return [since ?? '-infinity', end?.sortAt ?? 'infinity', end?.messageId ?? lastUuid];
}

/** All mail in mailboxes that somebody holds has rows of their own (timeline-write.ts): where nothing else is asked for, nothing else is walked. */
function principalsAmong(reader: Reader, { sourceId, seen }: TimelineFilter): number[] {
  return sourceId === null && seen === null ? principalsOf(reader) : [reader.principal];
}

function isNewestOfThread(matching: string): string {
  return `AND NOT EXISTS (
    SELECT FROM message m CROSS JOIN LATERAL unnest(${partsOfThread('m.thread_id')}) AS part(id) CROSS JOIN LATERAL (
      SELECT id FROM message WHERE tenant_id = $1 AND thread_id = part.id AND sort_at >= m.sort_at AND id <> m.id ORDER BY sort_at OFFSET 0) other
    CROSS JOIN LATERAL (
      SELECT record_id, sort_at, message_id, level FROM readable_timeline
      WHERE tenant_id = $1 AND message_id = other.id AND principal = ANY ($4::integer[]) OFFSET 0) newer
    WHERE m.tenant_id = $1 AND m.id = t.message_id AND newer.record_id = $2
      AND (newer.sort_at, newer.message_id) > (t.sort_at, t.message_id) ${matching})`;
}

import { z } from 'zod';

import type { Sql } from '../../db/database';
import { summariesOf, type MessageSummary } from '../../db/messages-summary';
import { readsRecord } from '../../db/record-readers';
import { maxRankedHits, searchMessages, searchWords, type Hit } from '../../db/search';
import { noConditions } from '../../db/timeline-conditions';
import { holdsSource, readTimeline, type TimelineFilter, type TimelinePlace } from '../../db/timeline-read';
import { messageTypes, type MessageType } from '../../domain/message-type';
import type { ApiContext } from '../context';
import { idField, instant } from '../fields';
import { decodeCursor, encodeCursor, pageQuery } from '../paging';
import { refuseMergedFilter } from '../records/moved';
import { addressField } from '../records/text-fields';
import type { Viewer } from '../viewer';
import { presentItem } from './presenter';
import type { messagePageSchema } from './schemas';

/** The fields of a query that lists messages, wherever. */
export function messageListQuery(maxPageSize: number) {
  return {
    ...pageQuery(maxPageSize),
    query: z
      .string()
      .max(500)
      .optional()
      .describe(
        'Words, "phrases", -excluded, or; the last word also finds longer ones. Best first; else the newest first',
      ),
    mailboxId: idField('mailbox', 'mbx_0192f0c1...').optional(),
    address: addressField.optional().describe('Sender or recipient'),
    direction: z.enum(['incoming', 'outgoing', 'internal']).optional(),
    since: instant.optional(),
    until: instant.optional().describe('Before this moment'),
    type: z
      .enum(messageTypes)
      .optional()
      .describe('`mail`: what no machine and no list sent; `activity`: what became an activity; else by its mark'),
    hasAttachments: z.stringbool().optional().describe('Of mail that may be read in full'),
    unread: z.stringbool().optional().describe('In the mailboxes of this key; what is in none is left out'),
    status: z.enum(['open', 'replied', 'closed']).optional().describe('The working status'),
    fold: z
      .enum(['none', 'threads'])
      .default('none')
      .describe('`threads`: of each thread only the newest message; a search is never folded'),
  };
}

/** What a list is asked for. */
export interface MessageListWish {
  limit: number;
  cursor?: string | undefined;
  query?: string | undefined;
  mailboxId?: string | undefined;
  address?: { key: string } | undefined;
  direction?: 'incoming' | 'outgoing' | 'internal' | undefined;
  since?: Date | undefined;
  until?: Date | undefined;
  type?: MessageType | undefined;
  hasAttachments?: boolean | undefined;
  unread?: boolean | undefined;
  status?: 'open' | 'replied' | 'closed' | undefined;
  fold: 'none' | 'threads';
}

type MessagePage = z.output<typeof messagePageSchema>;
/** A page as it is read: it is made ready for the answer when the connection is free for others. */
type ReadPage = Omit<MessagePage, 'items'> & { items: MessageSummary[] };

const presentPage = (page: ReadPage): MessagePage => ({ ...page, items: page.items.map(presentItem) });

/** A page of the messages at a record, or of all mail, that the viewer may see. */
export async function listMessages(
  { db }: ApiContext,
  viewer: Viewer,
  of: { recordId: string; wish: MessageListWish },
): Promise<MessagePage> {
  const read = (sql: Sql) => messagePage(sql, viewer, of);
  return presentPage(
    await (isOfFewKinds(of.wish) ? db.preparedInTenant(viewer.tenantId, read) : db.inTenant(viewer.tenantId, read)),
  );
}

async function messagePage(
  sql: Sql,
  viewer: Viewer,
  of: { recordId: string; wish: MessageListWish },
): Promise<ReadPage> {
  const { wish } = of;
  const filter = filterOf(of);
  const mayAsk = filter.sourceId === null || (await holdsSource(sql, viewer, filter.sourceId));
  // Which mail another's mailbox holds is not told, not even by what a list leaves out.
  if (!mayAsk) return nothing;
  if (wish.query === undefined) return timelinePage(sql, viewer, { filter, wish });
  return searchPage(sql, viewer, { filter, wish, query: wish.query });
}

function filterOf({ recordId, wish }: { recordId: string; wish: MessageListWish }): TimelineFilter {
  const { mailboxId, address, hasAttachments, unread } = wish;
  const wished = {
    direction: wish.direction,
    type: wish.type,
    status: wish.status,
    since: wish.since,
    until: wish.until,
  };
  return {
    ...noConditions,
    since: null,
    until: null,
    ...definedOf(wished),
    ...(mailboxId === undefined ? {} : { sourceId: mailboxId }),
    ...(address === undefined ? {} : { addressKey: address.key }),
    ...(hasAttachments === undefined ? {} : { attachments: hasAttachments ? 'with' : 'without' }),
    ...(unread === undefined ? {} : { seen: unread ? 'unread' : 'read' }),
    recordId,
    show: wish.fold === 'threads' ? 'newest-of-thread' : 'every-message',
  };
}

type Defined<Fields> = { [Field in keyof Fields]?: Exclude<Fields[Field], undefined> };

/** The fields that were given. */
function definedOf<Fields extends object>(fields: Fields): Defined<Fields> {
  return Object.fromEntries(Object.entries(fields).filter(([, given]) => given !== undefined)) as Defined<Fields>;
}

/** Lists that leave out by more than this are planned each time: a connection keeps plans for some statements only, and these are many. */
const keptConditions = 1;

/** Pages that people look at again and again: whatever the times and the place, by statements of which there are few. */
function isOfFewKinds(wish: MessageListWish): boolean {
  const { query, direction, mailboxId, address, type, hasAttachments, unread, status } = wish;
  const conditions = [direction, mailboxId, address, type, hasAttachments, unread, status];
  return query === undefined && conditions.filter((one) => one !== undefined).length <= keptConditions;
}

/** The same for a record; null where there is none that the viewer may see. */
export async function timelineOfRecord(
  context: ApiContext,
  viewer: Viewer,
  of: { recordId: string; wish: MessageListWish },
): Promise<MessagePage | null> {
  const page = await readPageOfRecord(context, viewer, of);
  return page === null ? null : presentPage(page);
}

function readPageOfRecord(
  { db }: ApiContext,
  viewer: Viewer,
  of: { recordId: string; wish: MessageListWish },
): Promise<ReadPage | null> {
  const { tenantId } = viewer;
  if (!isOfFewKinds(of.wish)) {
    return db.inTenant(tenantId, async (sql) =>
      (await readsRecord(sql, viewer, of.recordId)) ? messagePage(sql, viewer, of) : null,
    );
  }
  return db.preparedInTenant(tenantId, async (sql) => {
    const [isThere, page] = await Promise.all([readsRecord(sql, viewer, of.recordId), messagePage(sql, viewer, of)]);
    return isThere ? page : null;
  });
}

/** The same, empty where there is no such record. @throws Problem 400 where it was merged */
export async function listMessagesOfRecord(
  context: ApiContext,
  viewer: Viewer,
  of: { recordId: string; wish: MessageListWish },
): Promise<MessagePage> {
  const page = await timelineOfRecord(context, viewer, of);
  if (page === null) await refuseMergedFilter(context, viewer, of.recordId);
  return page ?? nothing;
}

const nothing = { items: [], nextCursor: null, total: null } satisfies ReadPage;

const place = z.tuple([z.iso.datetime(), z.uuid()]);

async function timelinePage(
  sql: Sql,
  viewer: Viewer,
  { filter, wish }: { filter: TimelineFilter; wish: MessageListWish },
): Promise<ReadPage> {
  const after = decodeCursor(wish.cursor, filter, place);
  const { slots, resumeAfter } = await readTimeline(sql, viewer, {
    filter,
    after: after === null ? null : { sortAt: new Date(after[0]), messageId: after[1] },
    limit: wish.limit + 1,
  });
  const shown = slots.slice(0, wish.limit);
  const items = await summariesOf(sql, viewer, { slots: shown, recordId: filter.recordId });
  const nextCursor = cursorAfter(slots.length > wish.limit ? shown.at(-1) : resumeAfter, filter);
  return { items, nextCursor, total: null };
}

function cursorAfter(last: TimelinePlace | null | undefined, filter: unknown): string | null {
  return last === undefined || last === null ? null : encodeCursor([last.sortAt, last.messageId], filter);
}

const rankedPlace = z.tuple([z.number(), z.iso.datetime(), z.uuid()]);

async function searchPage(
  sql: Sql,
  viewer: Viewer,
  { filter, wish, query }: { filter: TimelineFilter; wish: MessageListWish; query: string },
): Promise<ReadPage> {
  const boundTo = { ...filter, query };
  const after = decodeCursor(wish.cursor, boundTo, rankedPlace);
  const { hits, more } = await searchMessages(sql, viewer, { ...filter, words: searchWords(query) });
  const rest = after === null ? hits : hits.filter((hit) => isAfter(hit, after));
  const shown = rest.slice(0, wish.limit);
  const items = await summariesOf(sql, viewer, { slots: shown, recordId: filter.recordId });
  const last = rest.length > wish.limit ? shown.at(-1) : undefined;
  return {
    items,
    nextCursor: last === undefined ? null : encodeCursor([last.rank, last.sortAt, last.messageId], boundTo),
    total: { value: hits.length, relation: more ? 'gte' : 'eq' },
  };
}

/** Best first, then newest first, then by id from the end: the order of the hits. */
function isAfter(hit: Hit, [rank, sortAt, messageId]: z.output<typeof rankedPlace>): boolean {
  if (hit.rank !== rank) return hit.rank < rank;
  const at = hit.sortAt.toISOString();
  if (at !== sortAt) return at < sortAt;
  return hit.messageId < messageId;
}

/** Said in the document of the API. */
export const searchDescription = `Of more than ${String(maxRankedHits)} hits only the newest are ranked, and \`total\` says \`gte\`.`;

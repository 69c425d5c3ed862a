import { z } from 'zod';

import { summariesOf } from '../../db/messages-summary';
import { threadOf } from '../../db/messages-thread';
import { unassignedRecord } from '../../db/timeline-write';
import { unassignedPage, type UnassignedFilter } from '../../db/unassigned/unassigned-mail';
import { normaliseDomain } from '../../domain/address';
import type { ApiContext } from '../context';
import { idField } from '../fields';
import { presentItem } from '../messages/presenter';
import type { messagePageSchema } from '../messages/schemas';
import { decodeCursor, encodeCursor } from '../paging';
import { invalidRequest } from '../problems';
import { addressField } from '../records/text-fields';
import type { Viewer } from '../viewer';

const domainField = z
  .string()
  .max(260)
  .transform((text, check) => {
    const domain = normaliseDomain(text.trim().replace(/^@/, ''));
    if (domain !== null) return domain;
    check.addIssue({ code: 'custom', message: 'is not a domain.', params: { remedy: 'Like acme.example.' } });
    return z.NEVER;
  });

/** By what the queue of unassigned mail is narrowed, wherever. */
export const queueFilterFields = {
  sender: addressField.optional().describe('The address in From'),
  domain: domainField.optional().describe('The domain of the address in From'),
  threadId: idField('thread', 'thr_0192f0c1...').optional(),
};

/** The fields of GET /v1/messages that are for unassigned mail alone. */
export const queueFields = {
  ...queueFilterFields,
  order: z.enum(['newest', 'oldest']).optional().describe('With `unassigned=true`: the oldest first, too'),
};

/** What of the queue is asked for. */
export interface QueueWish {
  sender?: { key: string } | undefined;
  domain?: string | undefined;
  threadId?: string | undefined;
  order?: 'newest' | 'oldest' | undefined;
}

/** What a page of the queue takes of the other fields of a list. */
interface PageWish {
  limit: number;
  cursor?: string | undefined;
  since?: Date | undefined;
  until?: Date | undefined;
}

const besides: ReadonlySet<string> = new Set(['limit', 'cursor', 'since', 'until', 'fold']);

/**
 * Whether a list is asked for by the fields of the queue.
 * @throws Problem 400 where they stand beside others than those by time, or without `unassigned`
 */
export function isQueueWish(
  { sender, domain, threadId, order }: QueueWish,
  others: { unassigned: boolean; fold: string } & Record<string, unknown>,
): boolean {
  const own = Object.entries({ sender, domain, threadId, order }).find(([, value]) => value !== undefined);
  if (own === undefined) return false;
  const { unassigned, ...rest } = others;
  const other = Object.entries(rest).find(([name, value]) => value !== undefined && !besides.has(name));
  if (unassigned && other === undefined && others.fold === 'none') return true;
  const beside = other?.[0] ?? 'fold';
  throw invalidRequest([
    {
      in: 'query',
      field: own[0],
      reason: unassigned ? `stands beside ${beside}.` : 'is for unassigned mail.',
      remedy: unassigned ? 'Give one of the two.' : 'Give unassigned=true too.',
    },
  ]);
}

const place = z.tuple([z.iso.datetime(), z.uuid()]);

/** A page of mail that belongs to no record, by date, of what the viewer may see. @throws Problem 400 */
export async function listQueue(
  { db, limits }: ApiContext,
  viewer: Viewer,
  wish: QueueWish & PageWish,
): Promise<z.output<typeof messagePageSchema>> {
  const order = wish.order ?? 'newest';
  return db.inTenant(viewer.tenantId, async (sql) => {
    const threadId = wish.threadId === undefined ? null : await threadOf(sql, viewer.tenantId, wish.threadId);
    if (wish.threadId !== undefined && threadId === null) return { items: [], nextCursor: null, total: null };
    const filter: UnassignedFilter = { ...filterOf(wish), threadId };
    const boundTo = { ...filter, order };
    const after = decodeCursor(wish.cursor, boundTo, place);
    const { slots, resumeAfter } = await unassignedPage(sql, viewer, {
      filter,
      order,
      after: after === null ? null : { sortAt: new Date(after[0]), messageId: after[1] },
      limit: wish.limit + 1,
      window: limits.unassignedGrouped,
    });
    const shown = slots.slice(0, wish.limit);
    const items = await summariesOf(sql, viewer, { slots: shown, recordId: unassignedRecord });
    const last = slots.length > wish.limit ? shown.at(-1) : resumeAfter;
    const nextCursor =
      last === undefined || last === null ? null : encodeCursor([last.sortAt, last.messageId], boundTo);
    return { items: items.map(presentItem), nextCursor, total: null };
  });
}

/** The filter as the database takes it. */
export function filterOf(wish: QueueWish & { since?: Date | undefined; until?: Date | undefined }): UnassignedFilter {
  return {
    senderKey: wish.sender?.key ?? null,
    domain: wish.domain ?? null,
    threadId: wish.threadId ?? null,
    since: wish.since ?? null,
    until: wish.until ?? null,
  };
}

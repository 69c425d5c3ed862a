import { z } from 'zod';

import type { Sql } from '../../db/database';
import { insertAudit } from '../../db/mailbox-write';
import { threadOf } from '../../db/messages-thread';
import { readRecord } from '../../db/records';
import { queueRematch, type QueuedRematch } from '../../db/records-rematch';
import { replaceRecord } from '../../db/records-write';
import { lockTenantForWriting } from '../../db/tenant-lock';
import { beginMessageLinks } from '../../db/thread-links/message-links';
import { readableAmong, recordsAmong } from '../../db/thread-links/thread-links';
import { sendersAmong } from '../../db/unassigned/senders-among';
import { unassignedPage } from '../../db/unassigned/unassigned-mail';
import { publicId } from '../../domain/ids';
import type { ApiContext } from '../context';
import { idField, instant } from '../fields';
import { unknownMessage } from '../links/refusals';
import { conflict, invalidField } from '../problems';
import { carryOutRematch } from '../records/carry-out-rematch';
import { mergedRecordNamed } from '../records/moved';
import { recordReaderOf } from '../records/reader';
import { refusedRecord } from '../records/refusals';
import { EngineUnavailable } from '../temporal-gateway';
import { actorOf, type Viewer } from '../viewer';
import { filterOf, queueFilterFields } from './list';

/** POST /v1/unassigned/assign */
export function assignSchema(maxMessages: number) {
  return z
    .strictObject({
      recordId: idField('record', 'rec_0192f0c1...'),
      messageIds: z.array(idField('message', 'msg_0192f0c1...')).min(1).max(maxMessages).exactOptional(),
      filter: z
        .strictObject({ ...queueFilterFields, since: instant.optional(), until: instant.optional() })
        .exactOptional()
        .describe('Unassigned mail that fits all of it'),
      addAddress: z
        .boolean()
        .default(false)
        .describe(
          'The sender’s address becomes one of the record, so that all their mail, old and new, is linked to it',
        ),
    })
    .refine(({ messageIds, filter }) => (messageIds === undefined) !== (filter === undefined), {
      error: 'and filter: one of the two is needed.',
      path: ['messageIds'],
      params: { remedy: 'Give either ids or a filter.' },
    });
}

export const assignedSchema = z.object({
  operationId: z.string().describe('The operation that links them; it can be undone'),
  messages: z.int().describe('How many are linked by it'),
  addedAddress: z.string().nullable().describe('What was added to the record'),
  rematchOperationId: z
    .string()
    .nullable()
    .describe('The job that links the rest of that sender’s mail, where it is too much to be done at once'),
});

type AssignWish = z.output<ReturnType<typeof assignSchema>>;

/** What was written, and is to be carried out after the commit. */
interface Begun {
  operationId: string;
  messages: number;
  addedAddress: string | null;
  job: QueuedRematch | null;
}

/** Links messages to a record, by hand: one, many, or all unassigned ones that fit. @throws Problem 400, 409 */
export async function assign(
  context: ApiContext,
  viewer: Viewer,
  wish: AssignWish,
): Promise<z.output<typeof assignedSchema>> {
  const { tenantId } = viewer;
  const begun = await context.db.inTenant(tenantId, async (sql): Promise<Begun> => {
    await lockTenantForWriting(sql, tenantId);
    if (!(await recordsAmong(sql, viewer, [wish.recordId])).has(wish.recordId)) {
      const named = { recordId: wish.recordId, in: 'body' as const, field: 'recordId' };
      throw (await mergedRecordNamed(sql, viewer, named)) ?? unknownRecord();
    }
    const messageIds = await messagesOf(sql, context, { viewer, wish });
    const added = wish.addAddress ? await addSender(sql, viewer, { recordId: wish.recordId, messageIds }) : null;
    const pairs = messageIds.map((messageId) => ({ messageId, recordId: wish.recordId }));
    const { operationId, links } = await beginMessageLinks(sql, tenantId, {
      does: 'link',
      actor: actorOf(viewer),
      pairs,
    });
    const ids = { recordId: publicId('record', wish.recordId), operationId: publicId('operation', operationId) };
    await insertAudit(sql, tenantId, { actor: actorOf(viewer), action: 'mail assigned', ids });
    return { operationId, messages: links, addedAddress: added?.address ?? null, job: added?.job ?? null };
  });
  await start(context, tenantId, begun.operationId);
  const rematch = await carryOutRematch(context, tenantId, begun.job);
  return {
    operationId: publicId('operation', begun.operationId),
    messages: begun.messages,
    addedAddress: begun.addedAddress,
    rematchOperationId: rematch === null ? null : publicId('operation', rematch),
  };
}

async function messagesOf(
  sql: Sql,
  { limits }: ApiContext,
  { viewer, wish }: { viewer: Viewer; wish: AssignWish },
): Promise<string[]> {
  const { messageIds, filter } = wish;
  if (messageIds !== undefined) {
    const ids = [...new Set(messageIds)];
    const readable = await readableAmong(sql, viewer, ids);
    for (const [n, messageId] of messageIds.entries()) {
      if (!readable.has(messageId)) {
        throw await unknownMessage(sql, viewer, { messageId, field: `messageIds[${String(n)}]` });
      }
    }
    return ids;
  }
  const wanted = filterOf(filter ?? {});
  if (Object.values(wanted).every((value) => value === null)) {
    throw invalidField('filter', 'is empty.', 'Say at least one of sender, domain, threadId, since and until.');
  }
  const threadId = wanted.threadId === null ? null : await threadOf(sql, viewer.tenantId, wanted.threadId);
  if (wanted.threadId !== null && threadId === null) throw nothingFits();
  const limit = limits.assignedAtOnce;
  const { slots } = await unassignedPage(sql, viewer, {
    filter: { ...wanted, threadId },
    order: 'newest',
    after: null,
    limit,
    window: limits.unassignedGrouped,
  });
  if (slots.length === 0) throw nothingFits();
  return slots.map((slot) => slot.messageId);
}

/** Makes the sender's address one of the record. Null where it was. */
async function addSender(
  sql: Sql,
  viewer: Viewer,
  { recordId, messageIds }: { recordId: string; messageIds: string[] },
): Promise<{ address: string; job: QueuedRematch | null } | null> {
  const { tenantId } = viewer;
  const senders = await sendersAmong(sql, tenantId, messageIds);
  const [address] = senders;
  if (address === undefined || senders.length > 1) {
    throw conflict(
      'several-senders',
      'The messages come from several senders, or from none. Assign those of one sender at a time to add an address.',
    );
  }
  const stored = await readRecord(sql, tenantId, { ...recordReaderOf(viewer), recordId });
  if (stored === null) throw unknownRecord();
  if (stored.addresses.some(({ key }) => key === address)) return null;
  const addresses = [...stored.addresses, { key: address, address, kind: 'business' as const }];
  const written = await replaceRecord(sql, tenantId, { stored, values: { ...stored, addresses } });
  if (written.kind === 'refused') throw refusedRecord(viewer, written.refusals);
  return { address, job: await queueRematch(sql, tenantId, written.changedKeys) };
}

async function start({ temporal, log }: ApiContext, tenantId: string, operationId: string): Promise<void> {
  try {
    await temporal.startLinks({ tenantId, operationId, kind: 'link-messages', threadId: null });
  } catch (error) {
    if (!(error instanceof EngineUnavailable)) throw error;
    log.warn({ operationId: publicId('operation', operationId) }, 'engine not told, left to the reconciler');
  }
}

function unknownRecord() {
  return invalidField('recordId', 'names a record that does not exist.', 'GET /v1/records lists them.');
}

function nothingFits() {
  return conflict(
    'nothing-to-assign',
    'No unassigned mail fits this filter. Look at GET /v1/messages?unassigned=true first.',
  );
}

import type { BatchItem } from '../db/ingest/batch';
import { messageIdHash } from '../db/ingest/message-write';
import { BlobDamaged, BlobNotFound } from '../db/blobs/blob-store';
import { joinHeaderOnly } from '../db/header-only/join-messages';
import { possibleWholes, type AskedHeaders, type PossibleWhole } from '../db/header-only/whole-of-headers';
import { headerKeyOf } from '../mail/parse/header-key';
import type { ActivityContext } from './context';

/** Who looks for the whole of what. */
interface Look {
  tenantId: string;
  runId: string | null;
  signal?: AbortSignal;
}

/** Messages that one statement takes up. */
const headersAtOnce = 500;
const beforeAll = '00000000-0000-0000-0000-000000000000';

/** Smaller mail is not looked for among what was too large, until the housekeeping does: no policy that makes sense has less than this. */
const leastOfLarge = 1_048_576;

/**
 * After a batch was recorded: what it brought by its header alone is joined with the message that has it whole, and the other way round.
 * Asks nothing where the batch has no such mail.
 */
export async function joinRecorded(context: ActivityContext, look: Look, items: readonly BatchItem[]): Promise<void> {
  const ids = items.flatMap((item) => {
    const isOne = item.kind === 'headers-only' || (item.kind === 'recorded' && item.size >= leastOfLarge);
    return isOne && item.message.messageIdHeader !== null ? [item.message.messageIdHeader] : [];
  });
  if (ids.length === 0) return;
  const messageIdHashes = [...new Set(ids)].map(messageIdHash);
  await joinAsked(context, look, { kind: 'of', messageIdHashes });
}

/**
 * Joins all messages of a tenant that are known by their header alone with those that have them whole. Second run: no change. Returns how
 * many were joined.
 */
export async function joinAllHeaderOnly(context: ActivityContext, look: Look): Promise<number> {
  let joined = 0;
  for (let after: string | null = beforeAll; after !== null;) {
    const done = await joinAsked(context, look, { kind: 'after', messageId: after });
    joined += done.joined;
    after = done.last;
  }
  return joined;
}

async function joinAsked(
  context: ActivityContext,
  { tenantId, runId, signal }: Look,
  asked: AskedHeaders,
): Promise<{ joined: number; last: string | null }> {
  const { found, last } = await context.db.inTenant(tenantId, (sql) =>
    possibleWholes(sql, tenantId, { asked, limit: headersAtOnce }),
  );
  let joined = 0;
  for (const messageId of new Set(found.map((one) => one.messageId))) {
    signal?.throwIfAborted();
    const wholes = new Set<string>();
    for (const possible of found.filter((one) => one.messageId === messageId && !wholes.has(one.wholeId))) {
      if (await hasHeader(context, tenantId, possible)) wholes.add(possible.wholeId);
    }
    const [to, another] = wholes;
    // Two with one header: which of them it is shows when it is fetched whole.
    if (to === undefined || another !== undefined) continue;
    if (await joinHeaderOnly(context.db, tenantId, { from: messageId, to, runId })) joined += 1;
  }
  return { joined, last };
}

async function hasHeader(
  { blobs, limits }: ActivityContext,
  tenantId: string,
  { blobId, messageKey }: PossibleWhole,
): Promise<boolean> {
  try {
    const head = await blobs.readRange(tenantId, blobId, { offset: 0, length: limits.maxHeaderBytes });
    return headerKeyOf(head, limits.maxHeaderBytes) === messageKey;
  } catch (error) {
    if (error instanceof BlobNotFound || error instanceof BlobDamaged) return false;
    throw error;
  }
}

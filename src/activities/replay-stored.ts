import { BlobDamaged, BlobNotFound, type BlobStore } from '../db/blobs/blob-store';
import type { BatchItem } from '../db/ingest/batch';
import { recordBatch } from '../db/ingest/record-batch';
import { noteShare, type ReplayItem } from '../db/replay/replay-share';
import type { ItemNote } from '../db/replay/replay-items';
import type { FetchedMessage, MessageEnvelope } from '../domain/folder';
import type { ReplayOutcome } from '../domain/replay';
import { isFromDomain } from '../mail/parse/sender-domain';
import { joinRecorded } from './join-header-only';
import type { Replaying } from './replaying';
import { readStored } from './read-messages';

/** A message whose bytes are kept. */
export interface StoredItem extends ReplayItem {
  blobId: string;
}

/** A message with its stored bytes. */
interface ReadItem extends StoredItem {
  raw: Buffer;
}

/**
 * Reads messages anew from their stored bytes and records them, or says what would become of them. No server is asked. The bytes stay
 * where they are. Second run: what is recorded is parked no more, and is left alone.
 */
export async function replayStored(replaying: Replaying, items: StoredItem[]): Promise<void> {
  const { context, run, ref, share } = replaying;
  const bytes = items.reduce((sum, { size }) => sum + size, 0);
  if (items.length === 0) return;
  await context.budget.take(bytes, run.signal);
  try {
    const { read, damaged } = await readBytes(replaying, items);
    await noteShare(context.db, ref, { items: damaged, next: 'as-planned' });
    const { senderDomain } = share.task;
    const wanted = read.filter(({ raw }) => senderDomain === null || isFromDomain(raw, senderDomain));
    await noteShare(context.db, ref, {
      items: read.filter((item) => !wanted.includes(item)).map((item) => noteOf(item, 'left-out', 'other-sender')),
      next: 'as-planned',
    });
    await readAnew(replaying, wanted);
  } finally {
    context.budget.give(bytes);
  }
}

async function readBytes(
  { context, ref }: Replaying,
  items: StoredItem[],
): Promise<{ read: ReadItem[]; damaged: ItemNote[] }> {
  const read: ReadItem[] = [];
  const damaged: ItemNote[] = [];
  for (const item of items) {
    try {
      read.push({ ...item, raw: await context.blobs.read(ref.tenantId, item.blobId) });
    } catch (error) {
      if (!(error instanceof BlobNotFound) && !(error instanceof BlobDamaged)) throw error;
      damaged.push(noteOf(item, 'parked', 'bytes-damaged'));
    }
  }
  return { read, damaged };
}

async function readAnew(replaying: Replaying, items: ReadItem[]): Promise<void> {
  const { context, ref, share, mailbox } = replaying;
  const isDry = share.task.mode === 'dry-run';
  for (const genId of new Set(items.map((item) => item.genId))) {
    const ofFolder = items.filter((item) => item.genId === genId);
    const blobs = isDry ? storingNothing(context.blobs) : keepingStored(context.blobs, ofFolder);
    const batch = await readStored({ ...context, blobs }, mailbox, ofFolder.map(messageOf));
    if (isDry) {
      await noteShare(context.db, ref, { items: batch.map((item) => wouldBe(genId, item)), next: 'as-planned' });
    } else {
      await recordReplayed(replaying, genId, batch);
    }
  }
}

/** Records messages of a folder in place of their parked rows. Rows that are parked no more are noted as healed. */
export async function recordReplayed(
  { context, ref, mailbox }: Replaying,
  genId: number,
  items: BatchItem[],
): Promise<void> {
  await recordBatch(context.db, mailbox, {
    genId,
    items,
    cursor: null,
    part: 'replay',
    operationId: ref.operationId,
    versions: { parser: context.parserVersion, code: context.codeVersion },
    fingerprintsOf: (text) => context.secretBox.fingerprintsOf(text),
  });
  await joinRecorded(context, { tenantId: mailbox.tenantId, runId: mailbox.runId ?? null }, items);
}

function messageOf(item: ReadItem): FetchedMessage {
  return { ...envelopeOf(item), size: item.raw.length, raw: item.raw };
}

/** What the ledger knows of a message, in the form in which a server tells it. */
export function envelopeOf(item: ReplayItem): MessageEnvelope {
  const { uid, size, internalDate, flags, modseq, providerId, providerThreadId } = item;
  return { uid, size, internalDate, flags, modseq, providerId, providerThreadId };
}

function wouldBe(genId: number, item: BatchItem): ItemNote {
  switch (item.kind) {
    case 'known':
      return { genId, uid: item.uid, outcome: 'recorded', reason: 'same-bytes' };
    case 'parked':
      return { genId, uid: item.uid, outcome: 'parked', reason: item.failure.code };
    case 'filtered':
      return { genId, uid: item.uid, outcome: 'filtered', reason: item.reason };
    case 'recorded':
    case 'headers-only':
      return { genId, uid: item.uid, outcome: item.kind, reason: null };
  }
}

/** What became of an item, or would. */
export function noteOf({ genId, uid }: ReplayItem, outcome: ReplayOutcome, reason: string | null): ItemNote {
  return { genId, uid, outcome, reason };
}

/** Bytes that are stored already are not stored twice: the copy takes over the blob of the parked row. */
function keepingStored(blobs: BlobStore, items: ReadItem[]): BlobStore {
  const blobOf = new Map(items.map(({ raw, blobId }) => [raw, blobId]));
  return {
    ...blobs,
    putBatch: async (owner, wanted) => {
      const fresh = wanted.filter(({ bytes }) => !blobOf.has(bytes));
      const stored = fresh.length === 0 ? [] : await blobs.putBatch(owner, fresh);
      const freshIds = new Map(fresh.map(({ bytes }, at) => [bytes, stored[at]?.blobId]));
      return wanted.map(({ bytes }) => {
        const blobId = blobOf.get(bytes) ?? freshIds.get(bytes);
        if (blobId === undefined) throw new Error('stored bytes have no id');
        return { blobId };
      });
    },
  };
}

/** For a dry run. */
function storingNothing(blobs: BlobStore): BlobStore {
  return { ...blobs, putBatch: (_, wanted) => Promise.resolve(wanted.map(() => ({ blobId: 'not-stored' }))) };
}

import { planFetch } from '../domain/batches';
import type { FetchedMessage, FolderSnapshot, MessageEnvelope } from '../domain/folder';
import { MailFailure } from '../domain/failure';
import type { BatchResult, ParkedItem } from '../db/ingest/batch';
import { recordBatch } from '../db/ingest/record-batch';
import type { MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { OpenFolder } from '../mail/mailbox';
import type { ActivityContext, ActivityRun } from './context';
import { readHeaderOnly, readStreamed } from './read-big-message';
import { placedOf, readMessages } from './read-messages';
import { createRecorder } from './recorder';

/** What to ingest: UIDs of the open folder that have no ledger row. */
export interface Ingest {
  mailbox: MailboxForSync;
  open: OpenFolder;
  genId: number;
  uids: number[];
  part: 'live' | 'history';
  /** Moves with the last rows, if every UID has got its row; null leaves the cursor alone. */
  cursor: FolderSnapshot | null;
}

const batchesUnderWay = 3;

/**
 * From server to row: fetches the messages newest first, stores their bytes, reads and records them. While one batch is read and written
 * the next is fetched. Every UID that the server still has when it returns has its ledger row: a message that the server lists but will
 * not deliver is parked, and so is one that cannot be read.
 * Second run: goes on with what has no row.
 * @throws MailFailure where the connection or the folder fails; StaleFence after a newer wish
 */
export async function ingestMessages(context: ActivityContext, run: ActivityRun, ingest: Ingest): Promise<BatchResult> {
  const { mailbox, open, genId, part } = ingest;
  const versions = { parser: context.parserVersion };
  const recorder = createRecorder(
    (items, cursor) => recordBatch(context.db, mailbox, { genId, items, cursor, part, versions }),
    batchesUnderWay,
  );
  try {
    const envelopes = await open.fetchEnvelopes(ingest.uids);
    const limits = context.limits;
    const plan = planFetch(envelopes, {
      messages: limits.fetchBatchMessages,
      bytes: limits.fetchBatchBytes,
      streamAboveBytes: limits.streamAboveBytes,
      maxMessageBytes: mailbox.policy.maxMessageBytes,
    });
    const owed: MessageEnvelope[] = [];
    for (const batch of plan.batches) {
      stopIfTold(run);
      const bytes = batch.reduce((sum, envelope) => sum + envelope.size, 0);
      await context.budget.take(bytes);
      const give = once(() => {
        context.budget.give(bytes);
      });
      const fetched = await fetchBatch(open, batch).catch((error: unknown) => {
        give();
        throw error;
      });
      owed.push(...fetched.owed);
      await recorder.add(readMessages(context, mailbox, fetched.messages), give);
      run.heartbeat();
    }
    for (const envelope of plan.streamed) {
      stopIfTold(run);
      const item = await readStreamed(context, { mailbox, open, envelope });
      if (item === null) owed.push(envelope);
      else await recorder.add(Promise.resolve([item]), () => undefined);
      run.heartbeat();
    }
    for (const envelope of plan.tooLarge) {
      const item = await readHeaderOnly(context, { mailbox, open, envelope });
      if (item === null) owed.push(envelope);
      else await recorder.add(Promise.resolve([item]), () => undefined);
      run.heartbeat();
    }
    const parked = await parkUndelivered(open, owed);
    return await recorder.finish({ items: parked, cursor: ingest.cursor });
  } catch (error) {
    await recorder.abandon();
    throw error;
  }
}

/** Fetches a batch, and one by one what was owed or what a refusal hit, so that one bad message holds up no other. */
async function fetchBatch(
  open: OpenFolder,
  batch: MessageEnvelope[],
): Promise<{ messages: FetchedMessage[]; owed: MessageEnvelope[] }> {
  const messages = new Map<number, FetchedMessage>();
  const take = (message: FetchedMessage) => {
    messages.set(message.uid, message);
    return Promise.resolve();
  };
  await open.fetchRaw(uidsOf(batch), take).catch(rethrowUnlessRefused);
  for (const { uid } of batch) {
    if (!messages.has(uid)) await open.fetchRaw([uid], take).catch(rethrowUnlessRefused);
  }
  return { messages: [...messages.values()], owed: batch.filter(({ uid }) => !messages.has(uid)) };
}

/** A refusal concerns the messages that were asked for; everything else concerns the connection. */
function rethrowUnlessRefused(error: unknown): void {
  if (error instanceof MailFailure && (error.kind === 'refused' || error.kind === 'unreadable')) return;
  throw error;
}

/** Of the messages that were not delivered, those that the folder still shows get a ledger row: parked, without bytes. */
async function parkUndelivered(open: OpenFolder, owed: MessageEnvelope[]): Promise<ParkedItem[]> {
  if (owed.length === 0) return [];
  const still = await open.fetchEnvelopes(uidsOf(owed).sort((one, other) => one - other));
  return still.map((envelope) => ({
    kind: 'parked',
    ...placedOf(envelope),
    rawSha: null,
    blobId: null,
    failure: { kind: 'unreadable', code: 'not-delivered', detail: { size: envelope.size }, messageIdHeader: null },
  }));
}

function uidsOf(envelopes: MessageEnvelope[]): number[] {
  return envelopes.map((envelope) => envelope.uid).sort((one, other) => one - other);
}

function stopIfTold(run: ActivityRun): void {
  run.signal.throwIfAborted();
}

function once(work: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    work();
  };
}

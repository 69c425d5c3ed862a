import { planFetch, type BatchLimits } from '../domain/batches';
import { MailFailure } from '../domain/failure';
import type { FetchedMessage, FolderSnapshot, MessageEnvelope } from '../domain/folder';
import type { BatchResult } from '../db/ingest/batch';
import { recordBatch } from '../db/ingest/record-batch';
import type { MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { OpenFolder } from '../mail/mailbox';
import type { ActivityContext, ActivityRun } from './context';
import { readHeaderOnly, readStreamed } from './read-big-message';
import { readMessages } from './read-messages';
import { createRecorder, type Recorder } from './recorder';
import { decideUndelivered } from './undelivered';

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

const underWay = { ahead: 6, itemsPerWrite: 300 };

/**
 * From server to row: fetches the messages newest first, stores their bytes, reads and records them. While one batch is read and written
 * the next is fetched. A FETCH that ends normally proves nothing: what it did not bring is looked for again, and the cursor waits.
 * Second run: goes on with what has no row.
 * @throws MailFailure where the connection or the folder fails; StaleFence after a newer wish
 */
export async function ingestMessages(context: ActivityContext, run: ActivityRun, ingest: Ingest): Promise<BatchResult> {
  const { mailbox, open, genId, part } = ingest;
  const versions = { parser: context.parserVersion };
  const recorder = createRecorder(
    (items, cursor) => recordBatch(context.db, mailbox, { genId, items, cursor, part, versions }),
    underWay,
  );
  const work: Work = { context, run, ingest, recorder, delivered: new Set() };
  try {
    const envelopes = await open.fetchEnvelopes(ingest.uids);
    const plan = planFetch(envelopes, limitsOf(work));
    // The big ones first: the last batch waits for the decision about what was not delivered, and nothing may be fetched meanwhile.
    for (const envelope of plan.streamed) await ingestOne(work, readStreamed, envelope);
    for (const envelope of plan.tooLarge) await ingestOne(work, readHeaderOnly, envelope);
    for (const batch of plan.batches) await ingestBatch(work, batch, batch === plan.batches.at(-1) ? 'last' : 'more');
    const undelivered = ingest.uids.filter((uid) => !work.delivered.has(uid));
    const { parked, owed } = await decideUndelivered(context, { ...ingest, undelivered, envelopes });
    return await recorder.finish({ items: parked, cursor: owed === 0 ? ingest.cursor : null });
  } catch (error) {
    await recorder.abandon();
    throw error;
  }
}

interface Work {
  context: ActivityContext;
  run: ActivityRun;
  ingest: Ingest;
  recorder: Recorder;
  delivered: Set<number>;
}

function limitsOf({ context: { limits }, ingest }: Work): BatchLimits {
  return {
    messages: limits.fetchBatchMessages,
    bytes: limits.fetchBatchBytes,
    streamAboveBytes: limits.streamAboveBytes,
    maxMessageBytes: ingest.mailbox.policy.maxMessageBytes,
  };
}

async function ingestBatch(work: Work, batch: MessageEnvelope[], place: 'more' | 'last'): Promise<void> {
  const { context, run, ingest, recorder, delivered } = work;
  run.signal.throwIfAborted();
  const bytes = batch.reduce((sum, envelope) => sum + envelope.size, 0);
  await context.budget.take(bytes, run.signal);
  const give = once(() => {
    context.budget.give(bytes);
  });
  try {
    const messages = await fetchBatch(ingest.open, batch);
    for (const { uid } of messages) delivered.add(uid);
    const reading = { items: readMessages(context, ingest.mailbox, messages), done: give };
    if (place === 'last') recorder.addLast(reading);
    else await recorder.add(reading);
  } catch (error) {
    give();
    throw error;
  }
  run.heartbeat();
}

async function ingestOne(work: Work, read: typeof readStreamed, envelope: MessageEnvelope): Promise<void> {
  const { context, run, ingest, recorder, delivered } = work;
  run.signal.throwIfAborted();
  const item = await read(context, { mailbox: ingest.mailbox, open: ingest.open, envelope });
  run.heartbeat();
  if (item === null) return;
  delivered.add(envelope.uid);
  await recorder.add({ items: Promise.resolve([item]), done: () => undefined });
}

/** Fetches a batch, and one by one what was owed or what a refusal hit, so that one bad message holds up no other. */
async function fetchBatch(open: OpenFolder, batch: MessageEnvelope[]): Promise<FetchedMessage[]> {
  const messages = new Map<number, FetchedMessage>();
  const take = (message: FetchedMessage) => {
    messages.set(message.uid, message);
    return Promise.resolve();
  };
  await open.fetchRaw(uidsOf(batch), take).catch(rethrowUnlessRefused);
  for (const { uid } of batch) {
    if (!messages.has(uid)) await open.fetchRaw([uid], take).catch(rethrowUnlessRefused);
  }
  return [...messages.values()];
}

/** A refusal concerns the messages that were asked for; everything else concerns the connection. */
function rethrowUnlessRefused(error: unknown): void {
  if (error instanceof MailFailure && (error.kind === 'refused' || error.kind === 'unreadable')) return;
  throw error;
}

function uidsOf(envelopes: MessageEnvelope[]): number[] {
  return envelopes.map((envelope) => envelope.uid).sort((one, other) => one - other);
}

function once(work: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    work();
  };
}

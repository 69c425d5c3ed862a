import { planFetch, type BatchLimits } from '../domain/batches';
import { asksForRest, MailFailure } from '../domain/failure';
import type { FetchedMessage, MessageEnvelope } from '../domain/folder';
import { strangers } from '../domain/strange-bytes';
import type { BatchItem, BatchResult } from '../db/ingest/batch';
import type { NextCursor } from '../db/ingest/cursor';
import { copiesByProviderId } from '../db/ingest/known-copies';
import { recordBatch } from '../db/ingest/record-batch';
import type { MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { Mailbox, OpenFolder } from '../mail/mailbox';
import type { ActivityContext, ActivityRun } from './context';
import { envelopesOf } from './envelopes-of';
import { joinRecorded } from './join-header-only';
import { readHeaderOnly, readStreamed } from './read-big-message';
import { placedOf, readMessages } from './read-messages';
import { createRecorder, type Recorder } from './recorder';
import { decideUndelivered, parkedItem, unknownEnvelope } from './undelivered';

/** What to ingest: UIDs of the open folder that have no ledger row. */
export interface Ingest {
  mailbox: MailboxForSync;
  /** The one that `open` is open on. */
  connection: Mailbox;
  open: OpenFolder;
  genId: number;
  uids: number[];
  part: 'live' | 'history';
  /** Moves with the last rows, if every UID has got its row; null leaves the cursor alone. */
  cursor: NextCursor | null;
}

/** `owed`: messages that the server lists and has not delivered, and that have no row so far. */
export type Ingested = BatchResult & { owed: number };

/** Whoever else of the tenant writes mail waits for a write that is under way: new mail of a mailbox, beside the import of another. */
const underWay = { ahead: 6, itemsPerWrite: 100 };

/**
 * From server to row: fetches the messages newest first, stores their bytes, reads and records them. While one batch is read and written
 * the next is fetched. A FETCH that ends normally proves nothing: what it did not bring is looked for again, and the cursor waits.
 * Second run: goes on with what has no row.
 * @throws MailFailure where the connection or the folder fails; StaleFence after a newer wish
 */
export async function ingestMessages(given: ActivityContext, run: ActivityRun, ingest: Ingest): Promise<Ingested> {
  const context = ingest.part === 'live' ? goingFirst(given) : given;
  const { mailbox, genId, part } = ingest;
  const versions = { parser: context.parserVersion, code: context.codeVersion };
  const { fingerprintsOf } = context.secretBox;
  const { tenantId, runId = null } = mailbox;
  const recorder = createRecorder(async (items, cursor) => {
    const batch = { genId, items, cursor, part, versions, fingerprintsOf };
    const written = await recordBatch(context.db, mailbox, batch);
    await joinRecorded(context, { tenantId, runId }, items);
    return written;
  }, underWay);
  const work: Work = { context, run, ingest, recorder, delivered: new Set(), unasked: new Set() };
  try {
    const envelopes = await envelopesOf(context, run, ingest);
    await placeKnown(work, envelopes);
    const { plain, suspects } = sortOut(work, envelopes);
    const plan = planFetch(plain, limitsOf(work));
    // One by one first: the last batch waits for the decision about what was not delivered, and nothing may be fetched meanwhile.
    for (const envelope of plan.streamed) await ingestOne(work, readStreamed, envelope);
    for (const envelope of plan.tooLarge) await ingestOne(work, readHeaderOnly, envelope);
    const last = suspects.length === 0 ? plan.batches.at(-1) : undefined;
    for (const batch of plan.batches) await ingestBatch(work, batch, batch === last ? 'last' : 'more');
    // What may end the connection comes last, and holds up nobody.
    for (const envelope of suspects) await ingestSuspect(work, envelope);
    const undelivered = ingest.uids.filter((uid) => !work.delivered.has(uid) && !work.unasked.has(uid));
    const decided = await decideUndelivered(context, { ...ingest, undelivered, envelopes });
    const owed = decided.owed + work.unasked.size;
    const written = await recorder.finish({ items: decided.parked, cursor: owed === 0 ? ingest.cursor : null });
    return { ...written, owed };
  } catch (error) {
    await recorder.abandon();
    throw error;
  }
}

/** New mail waits for no import: neither for room in memory nor for a thread that reads. */
function goingFirst(context: ActivityContext): ActivityContext {
  const { budget, parsePool } = context;
  return {
    ...context,
    budget: {
      take: (bytes, signal) => budget.take(bytes, signal, 'first'),
      give: (bytes) => {
        budget.give(bytes);
      },
      get inUse() {
        return budget.inUse;
      },
    },
    parsePool: { ...parsePool, parse: (job) => parsePool.parse(job, 'first') },
  };
}

interface Work {
  context: ActivityContext;
  run: ActivityRun;
  ingest: Ingest;
  recorder: Recorder;
  delivered: Set<number>;
  /** Left for a later round: nothing can be said of them. */
  unasked: Set<number>;
}

function limitsOf({ context: { limits }, ingest }: Work): BatchLimits {
  return {
    messages: limits.fetchBatchMessages,
    bytes: limits.fetchBatchBytes,
    streamAboveBytes: limits.streamAboveBytes,
    maxMessageBytes: ingest.mailbox.policy.maxMessageBytes,
  };
}

/** Messages that the server tells apart by an id, and whose bytes are held: they get their rows and are not fetched. */
async function placeKnown(work: Work, envelopes: MessageEnvelope[]): Promise<void> {
  const { context, ingest, recorder, delivered } = work;
  const ids = [...new Set(envelopes.flatMap(({ providerId }) => (providerId === null ? [] : [providerId])))];
  const known = await copiesByProviderId(context.db, ingest.mailbox, ids);
  const items = envelopes.flatMap((envelope): BatchItem[] => {
    const copy = known.get(envelope.providerId ?? '');
    return copy === undefined ? [] : [{ kind: 'known', ...placedOf(envelope), ...copy }];
  });
  for (const { uid } of items) delivered.add(uid);
  for (let at = 0; at < items.length; at += underWay.itemsPerWrite) {
    const share = items.slice(at, at + underWay.itemsPerWrite);
    await recorder.add({ items: Promise.resolve(share), done: () => undefined });
  }
}

/** Asked for one by one in a round; the others wait for the next. */
const mostSuspects = 100;

/**
 * What is fetched in batches, and what is asked for alone, least tried first: messages that a connection has broken with, and those that
 * the server said nothing of, whose size is not known.
 */
function sortOut(work: Work, envelopes: MessageEnvelope[]): { plain: MessageEnvelope[]; suspects: MessageEnvelope[] } {
  const { context, ingest, delivered, unasked } = work;
  const described = new Set(envelopes.map(({ uid }) => uid));
  const silent = ingest.uids.filter((uid) => !described.has(uid)).map(unknownEnvelope);
  const triesOf = ({ uid }: MessageEnvelope) => context.undelivered.suspicion({ genId: ingest.genId, uid });
  const wanted = envelopes.filter(({ uid }) => !delivered.has(uid));
  const suspects = [...wanted.filter((envelope) => triesOf(envelope) !== null), ...silent];
  suspects.sort((one, other) => (triesOf(one) ?? 0) - (triesOf(other) ?? 0));
  for (const { uid } of suspects.slice(mostSuspects)) unasked.add(uid);
  return { plain: wanted.filter((envelope) => triesOf(envelope) === null), suspects: suspects.slice(0, mostSuspects) };
}

/** A message that may break the connection: each try counts before it is made, and when they are over it is parked unasked. */
async function ingestSuspect(work: Work, envelope: MessageEnvelope): Promise<void> {
  const { context, ingest, recorder, delivered } = work;
  const message = { genId: ingest.genId, uid: envelope.uid };
  const breaks = context.undelivered.suspicion(message) !== null;
  if (!breaks || !context.undelivered.isHopeless(message, context.now())) {
    await ingestOne(work, isBreakingAsked(work, envelope) ? readBytesAlone : readStreamed, envelope);
    return;
  }
  delivered.add(envelope.uid);
  await recorder.add({ items: Promise.resolve([parkedItem(envelope)]), done: () => undefined });
}

function isBreakingAsked({ context, ingest }: Work, { uid }: MessageEnvelope): boolean {
  return context.undelivered.breaking.isBreaking(ingest.genId, uid);
}

const readBytesAlone: typeof readStreamed = (context, big) => readStreamed(context, { ...big, items: 'bytes-alone' });

async function ingestBatch(work: Work, batch: MessageEnvelope[], place: 'more' | 'last'): Promise<void> {
  const { context, run, ingest, recorder, delivered } = work;
  run.signal.throwIfAborted();
  const bytes = batch.reduce((sum, envelope) => sum + envelope.size, 0);
  await context.budget.take(bytes, run.signal);
  const give = once(() => {
    context.budget.give(bytes);
  });
  try {
    const messages = await fetchBatch(ingest.open, batch).catch((error: unknown) => {
      if (mayBeOfMessages(error)) context.undelivered.lostWith({ genId: ingest.genId, uids: uidsOf(batch) });
      throw error;
    });
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
  const { uid } = envelope;
  const item = await read(context, { mailbox: ingest.mailbox, open: ingest.open, envelope }).catch((error: unknown) => {
    rethrowUnlessRefused(error, () => {
      context.undelivered.lostWith({ genId: ingest.genId, uids: [uid] });
    });
    return null;
  });
  run.heartbeat();
  if (item === null) return;
  delivered.add(envelope.uid);
  await recorder.add({ items: Promise.resolve([item]), done: () => undefined });
}

/**
 * Fetches a batch, and one by one what was owed, what a refusal hit, and what may be another message's, so that one bad message holds up no
 * other. What comes differently each time is owed.
 */
async function fetchBatch(open: OpenFolder, batch: MessageEnvelope[]): Promise<FetchedMessage[]> {
  const came = await fetchEach(open, uidsOf(batch));
  const doubtful = strangers(batch, came);
  const messages = new Map([...came].filter(([uid]) => !doubtful.has(uid)));
  for (const envelope of batch) {
    const { uid } = envelope;
    if (messages.has(uid)) continue;
    const again = (await fetchEach(open, [uid])).get(uid);
    const first = came.get(uid);
    const isInsisted = first === undefined || first.raw.equals(again?.raw ?? Buffer.alloc(0));
    if (again !== undefined && (isInsisted || again.raw.length === envelope.size)) messages.set(uid, again);
  }
  return [...messages.values()];
}

async function fetchEach(open: OpenFolder, uids: number[]): Promise<Map<number, FetchedMessage>> {
  const messages = new Map<number, FetchedMessage>();
  const take = (message: FetchedMessage) => {
    messages.set(message.uid, message);
    return Promise.resolve();
  };
  await open.fetchRaw(uids, take).catch((error: unknown) => {
    rethrowUnlessRefused(error);
  });
  return messages;
}

/** A refusal concerns the messages that were asked for; everything else concerns the connection. */
function rethrowUnlessRefused(error: unknown, whenLost?: () => void): void {
  if (error instanceof MailFailure && (error.kind === 'refused' || error.kind === 'unreadable')) return;
  if (error instanceof MailFailure && error.kind === 'unreachable') whenLost?.();
  throw error;
}

/** A server that asks to be left alone blames none. */
function mayBeOfMessages(error: unknown): boolean {
  return error instanceof MailFailure && !asksForRest(error);
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

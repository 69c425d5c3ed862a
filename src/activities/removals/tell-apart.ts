import type { MessageEnvelope } from '../../domain/folder';
import type { BatchItem, RecordedItem } from '../../db/ingest/batch';
import { messageIdHash } from '../../db/ingest/message-write';
import type { BlobStore } from '../../db/blobs/blob-store';
import { recordBatch } from '../../db/ingest/record-batch';
import type { WaitingCopy } from '../../db/removals/pending';
import type { MailboxForSync } from '../../db/sync/mailbox-for-sync';
import type { Mailbox, OpenFolder } from '../../mail/mailbox';
import type { ActivityContext, ActivityRun } from '../context';
import { envelopesOf } from '../envelopes-of';
import { readHeaderOnly } from '../read-big-message';
import { readStored } from '../read-messages';

interface LeftOutAt {
  mailbox: MailboxForSync;
  connection: Mailbox;
  open: OpenFolder;
  genId: number;
  uids: number[];
  candidates: readonly WaitingCopy[];
}

/** Each costs a fetch of its bytes; those of a later look come later. */
const mostToldApart = 100;

/**
 * Fetches left-out messages that might be copies that go. One that is such a message keeps it: it is recorded as a placement of the copy, or
 * as a copy of its message. Of the others nothing is kept. Returns the UIDs of which is known now what they are.
 * Second run: what was recorded is left out no more.
 * @throws MailFailure
 */
export async function tellApart(context: ActivityContext, run: ActivityRun, at: LeftOutAt): Promise<Set<number>> {
  const told = new Set<number>();
  const uids = at.uids.slice(-mostToldApart);
  const kept: BatchItem[] = [];
  for (const envelope of uids.length === 0 ? [] : await envelopesOf(context, run, { ...at, uids })) {
    run.signal.throwIfAborted();
    const item = await readOne(context, run, { ...at, envelope });
    run.heartbeat();
    if (item === 'not-known') continue;
    told.add(envelope.uid);
    if (item !== 'another') kept.push(item);
  }
  if (kept.length > 0) {
    await recordBatch(context.db, at.mailbox, {
      genId: at.genId,
      items: kept,
      cursor: null,
      part: 'left-out',
      versions: { parser: context.parserVersion, code: context.codeVersion },
      fingerprintsOf: (text) => context.secretBox.fingerprintsOf(text),
    });
  }
  return told;
}

async function readOne(
  context: ActivityContext,
  run: ActivityRun,
  of: LeftOutAt & { envelope: MessageEnvelope },
): Promise<Answer> {
  const { mailbox, open, envelope, candidates } = of;
  if (envelope.size > mailbox.policy.maxMessageBytes) {
    const item = await readHeaderOnly(context, { mailbox, open, envelope });
    return item === null ? 'not-known' : whichOf(item, candidates);
  }
  await context.budget.take(envelope.size, run.signal);
  try {
    const read = { answer: 'not-known' as Answer };
    await open.fetchRaw([envelope.uid], async (message) => {
      const keepingNothing = { ...context, blobs: storingNothing(context.blobs) };
      const [item] = await readStored(keepingNothing, mailbox, [message]);
      if (item === undefined) return;
      read.answer = whichOf(item, candidates);
      const [stored] = read.answer === item ? await readStored(context, mailbox, [message]) : [];
      if (stored !== undefined) read.answer = stored;
    });
    return read.answer;
  } finally {
    context.budget.give(envelope.size);
  }
}

type Answer = BatchItem | 'another' | 'not-known';

/** Same bytes, or the same message by its content (domain/identity.ts). What cannot be read may be any. */
function whichOf(item: BatchItem, candidates: readonly WaitingCopy[]): Answer {
  switch (item.kind) {
    case 'known':
      return candidates.some(({ copyId }) => copyId === item.copyId) ? item : 'another';
    case 'recorded':
    case 'headers-only':
      return byContent(item, candidates);
    case 'filtered':
      return 'another';
    case 'parked':
      return 'not-known';
  }
}

/** Of a message of which one has the whole and the other the header alone, as after a change of the policy, nothing can be said. */
function byContent(item: RecordedItem, candidates: readonly WaitingCopy[]): Answer {
  const { messageKey, messageIdHeader } = item.message;
  if (candidates.some((candidate) => candidate.messageKey === messageKey)) return item;
  const hash = messageIdHeader === null ? null : messageIdHash(messageIdHeader).toString('hex');
  const isWhole = item.kind === 'recorded';
  const isDoubtful = candidates.some((other) => other.isWhole !== isWhole && other.messageIdHash === hash);
  return isDoubtful ? 'not-known' : 'another';
}

function storingNothing(blobs: BlobStore): BlobStore {
  return { ...blobs, putBatch: (_, wanted) => Promise.resolve(wanted.map(() => ({ blobId: 'not-stored' }))) };
}

import type { MessageEnvelope } from '../../domain/folder';
import type { BatchItem } from '../../db/ingest/batch';
import { messageIdHash } from '../../db/ingest/message-write';
import type { BlobStore } from '../../db/blobs/blob-store';
import { recordBatch } from '../../db/ingest/record-batch';
import type { LeftOut } from '../../db/removals/left-out';
import type { WaitingCopy } from '../../db/removals/pending';
import { forgetToldApart, noteToldApart, noteTry, type ToldApart } from '../../db/removals/told-apart';
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
  /** Those to be fetched: the least tried first, then the newest. */
  likely: readonly LeftOut[];
  candidates: readonly WaitingCopy[];
  /** Milliseconds since the epoch. */
  endAt: number;
}

/** What has been told: UIDs that are none of the candidates, or have a copy now; how many were found out, and how many are left for later. */
export interface Told {
  uids: Set<number>;
  learnt: number;
  left: number;
}

/** Each costs a fetch of its bytes; those of a later look come later. */
const mostToldApart = 100;
/** What was fetched so often in vain may be what ends the connection: one of them in a look, and last. */
const triesOfSuspects = 3;

/**
 * Fetches left-out messages that might be copies that go. One that is such a message keeps it: it is recorded as a placement of the copy, or
 * as a copy of its message. Of the others what tells them apart is noted, so that the next look goes on with the next ones.
 * Second run: what was recorded is left out no more, and what was noted is not fetched.
 * @throws MailFailure
 */
export async function tellApart(context: ActivityContext, run: ActivityRun, at: LeftOutAt): Promise<Told> {
  const { genId, mailbox } = at;
  const told: Told = { uids: new Set(), learnt: 0, left: at.likely.length };
  const uids = inTurn(at.likely);
  const kept: BatchItem[] = [];
  const envelopes = uids.length === 0 ? [] : await envelopesOf(context, run, { ...at, uids });
  const envelopeOf = new Map(envelopes.map((envelope) => [envelope.uid, envelope]));
  for (const envelope of uids.flatMap((uid) => envelopeOf.get(uid) ?? [])) {
    run.signal.throwIfAborted();
    if (told.learnt > 0 && context.now() > at.endAt) break;
    const answer = await readOne(context, run, { ...at, envelope });
    run.heartbeat();
    if (answer.kind === 'not-had') continue;
    told.learnt += 1;
    told.left -= 1;
    if (answer.kind === 'another' || answer.kind === 'one') told.uids.add(envelope.uid);
    if (answer.kind === 'one') kept.push(answer.item);
  }
  if (kept.length > 0) {
    await recordBatch(context.db, mailbox, {
      genId,
      items: kept,
      cursor: null,
      part: 'left-out',
      versions: { parser: context.parserVersion, code: context.codeVersion },
      fingerprintsOf: (text) => context.secretBox.fingerprintsOf(text),
    });
    await forgetToldApart(context.db, mailbox.tenantId, { genId, uids: kept.map(({ uid }) => uid) });
  }
  return told;
}

function inTurn(likely: readonly LeftOut[]): number[] {
  const isSuspect = ({ tries }: LeftOut) => tries >= triesOfSuspects;
  const others = likely.filter((one) => !isSuspect(one)).slice(0, mostToldApart);
  return [...others, ...likely.filter(isSuspect).slice(0, 1)].map(({ uid }) => uid);
}

/** `unclear`: it was read, and may be one of the candidates for all that can be said. `not-had`: the server did not deliver it. */
type Answer = { kind: 'one'; item: BatchItem } | { kind: 'another' | 'unclear' | 'not-had' };

async function readOne(
  context: ActivityContext,
  run: ActivityRun,
  of: LeftOutAt & { envelope: MessageEnvelope },
): Promise<Answer> {
  const { mailbox, genId, envelope, candidates } = of;
  const place = { genId, uid: envelope.uid };
  await noteTry(context.db, mailbox, place);
  const { item, toKeep } = await fetchOne(context, run, of);
  if (item === null) return { kind: 'not-had' };
  const kind = whichOf(item, candidates);
  if (kind === 'one') return { kind, item: toKeep ?? item };
  const { parserVersion } = context;
  await noteToldApart(context.db, mailbox, { ...place, parserVersion, ...factsOf(item) });
  return { kind };
}

/** `toKeep`: the same, its bytes stored, where it is one of the candidates. */
interface Fetched {
  item: BatchItem | null;
  toKeep?: BatchItem;
}

async function fetchOne(
  context: ActivityContext,
  run: ActivityRun,
  { mailbox, open, envelope, candidates }: LeftOutAt & { envelope: MessageEnvelope },
): Promise<Fetched> {
  if (envelope.size > mailbox.policy.maxMessageBytes) {
    return { item: await readHeaderOnly(context, { mailbox, open, envelope }) };
  }
  // What it is does not depend on whom it matches or who takes part, and what was recorded once stays.
  const whole = { ...mailbox, policy: { ...mailbox.policy, unmatched: 'keep' as const, activity: null } };
  const keepingNothing = { ...context, blobs: storingNothing(context.blobs) };
  const fetched: Fetched = { item: null };
  await context.budget.take(envelope.size, run.signal);
  try {
    await open.fetchRaw([envelope.uid], async (message) => {
      const [item] = await readStored(keepingNothing, whole, [message]);
      if (item === undefined) return;
      fetched.item = item;
      const [stored] = whichOf(item, candidates) === 'one' ? await readStored(context, whole, [message]) : [];
      if (stored !== undefined) fetched.toKeep = stored;
    });
    return fetched;
  } finally {
    context.budget.give(envelope.size);
  }
}

function factsOf(item: BatchItem): Pick<ToldApart, 'isWhole' | 'rawSha' | 'message'> {
  switch (item.kind) {
    case 'known':
      return { isWhole: true, rawSha: item.rawSha, message: { copyId: item.copyId } };
    case 'recorded':
    case 'headers-only':
      return { isWhole: item.kind === 'recorded', rawSha: item.rawSha, message: item.message };
    case 'parked':
      return { isWhole: true, rawSha: item.rawSha, message: null };
    case 'filtered':
      return { isWhole: true, rawSha: null, message: null };
  }
}

/** Same bytes, or the same message by its content (domain/identity.ts). What cannot be read may be any. */
function whichOf(item: BatchItem, candidates: readonly WaitingCopy[]): 'one' | 'another' | 'unclear' {
  const { isWhole, rawSha, message } = factsOf(item);
  const sha = rawSha?.toString('hex');
  if (candidates.some((candidate) => candidate.rawSha === sha)) return 'one';
  if (message === null) return 'unclear';
  if ('copyId' in message) return 'another';
  if (candidates.some((candidate) => candidate.messageKey === message.messageKey)) return 'one';
  const { messageIdHeader } = message;
  const hash = messageIdHeader === null ? null : messageIdHash(messageIdHeader).toString('hex');
  const isDoubtful = candidates.some((other) => other.isWhole !== isWhole && other.messageIdHash === hash);
  return isDoubtful ? 'unclear' : 'another';
}

function storingNothing(blobs: BlobStore): BlobStore {
  return { ...blobs, putBatch: (_, wanted) => Promise.resolve(wanted.map(() => ({ blobId: 'not-stored' }))) };
}

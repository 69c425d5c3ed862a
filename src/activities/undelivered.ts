import type { MessageEnvelope } from '../domain/folder';
import { MailFailure } from '../domain/failure';
import { outside } from '../domain/uid-set';
import type { ParkedItem } from '../db/ingest/batch';
import type { NextCursor } from '../db/ingest/cursor';
import { ledgerRanges } from '../db/ingest/ledger-ranges';
import type { MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { OpenFolder } from '../mail/mailbox';
import { createBreakingMessages, type BreakingMessages } from './breaking-messages';
import type { ActivityContext } from './context';
import { placedOf } from './read-messages';

const triesBeforeParking = 3;
const parkedAfterMs = 600_000;
const remembered = 10_000;
const lossesBeforeSuspicion = 2;

/** One message of a folder. */
interface MessageRef {
  genId: number;
  uid: number;
}

/** How often each message that a server lists but does not deliver has been asked for, since the worker started. */
export interface UndeliveredTries {
  /** Counts a try. True when it has been asked for often and long enough. */
  isHopeless(message: MessageRef, now: number): boolean;
  /** The connection broke while these were asked for together: one of them may be what broke it. */
  lostWith(messages: { genId: number; uids: number[] }): void;
  /** How often a message that the connection broke with has been tried since; null for one that is above suspicion. */
  suspicion(message: MessageRef): number | null;
  /** Counts a first listing that contradicted itself. How many of this generation have, with this one. */
  disagreed(genId: number): number;
  readonly breaking: BreakingMessages;
}

interface Tries {
  number: number;
  /** When it was first tried; null before. */
  since: number | null;
  losses: number;
}

/** Remembers the last 10,000 such messages; one that is forgotten is merely asked for a few times more. */
export function createUndeliveredTries(): UndeliveredTries {
  const breaking = createBreakingMessages();
  const tries = new Map<string, Tries>();
  const disagreements = new Map<number, number>();
  const keyOf = ({ genId, uid }: MessageRef) => `${String(genId)} ${String(uid)}`;
  const note = (message: MessageRef, change: (before: Tries) => Tries): Tries => {
    const key = keyOf(message);
    const after = change(tries.get(key) ?? { number: 0, since: null, losses: 0 });
    tries.delete(key);
    tries.set(key, after);
    const [oldest] = tries.keys();
    if (tries.size > remembered && oldest !== undefined) tries.delete(oldest);
    return after;
  };
  return {
    breaking,
    disagreed: (genId) => {
      const number = (disagreements.get(genId) ?? 0) + 1;
      disagreements.delete(genId);
      disagreements.set(genId, number);
      const [oldest] = disagreements.keys();
      if (disagreements.size > remembered && oldest !== undefined) disagreements.delete(oldest);
      return number;
    },
    isHopeless: (message, now) => {
      const { number, since } = note(message, (before) => ({
        ...before,
        number: before.number + 1,
        since: before.since ?? now,
      }));
      return number >= triesBeforeParking && now - (since ?? now) >= parkedAfterMs;
    },
    lostWith: ({ genId, uids }) => {
      for (const uid of uids) note({ genId, uid }, (before) => ({ ...before, losses: before.losses + 1 }));
    },
    suspicion: (message) => {
      const found = tries.get(keyOf(message));
      if (breaking.isBreaking(message.genId, message.uid)) return found?.number ?? 0;
      return found === undefined || found.losses < lossesBeforeSuspicion ? null : found.number;
    },
  };
}

interface Undelivered {
  mailbox: Pick<MailboxForSync, 'tenantId'>;
  open: OpenFolder;
  genId: number;
  uids: number[];
  /** Those of `uids` that the server has not delivered. */
  undelivered: number[];
  envelopes: MessageEnvelope[];
  /** The one that waits for them; null where none does. */
  cursor: NextCursor | null;
}

/**
 * What becomes of messages that were asked for and did not come. Gone is what the folder no longer lists, unless another without a row is
 * shown instead: the listing had a wrong number then, and the cursor waits for the next. The rest is owed: the cursor waits for it too, and
 * after three tries over ten minutes it is parked without bytes, so that it has its row and a person sees it.
 * @throws MailFailure `busy` where nothing at all was delivered, until the tries are over: then the server may be at fault
 */
export async function decideUndelivered(
  context: ActivityContext,
  asked: Undelivered,
): Promise<{ parked: ParkedItem[]; owed: number }> {
  const [first, last] = [asked.undelivered[0], asked.undelivered.at(-1)];
  if (first === undefined || last === undefined) return { parked: [], owed: 0 };
  const { uids: again } = await asked.open.listUids({
    from: first,
    to: Math.max(last, asked.open.snapshot.uidNext - 1),
  });
  const listed = new Set(again);
  const still = asked.undelivered.filter((uid) => listed.has(uid));
  const now = context.now();
  const tried = new Set(still.filter((uid) => context.undelivered.isHopeless({ genId: asked.genId, uid }, now)));
  if (still.length > 1 && still.length === asked.uids.length && tried.size < still.length) {
    throw new MailFailure('busy', 'UID FETCH', { code: 'nothing-delivered' });
  }
  const envelopeOf = new Map(asked.envelopes.map((envelope) => [envelope.uid, envelope]));
  const parked = [...tried].map((uid) => parkedItem(envelopeOf.get(uid) ?? unknownEnvelope(uid)));
  const others = still.length < asked.undelivered.length ? await withoutRow(context, asked, again) : [];
  return { parked, owed: still.length - tried.size + others.length };
}

/** What a cursor would pass although nobody asked for it. */
async function withoutRow(context: ActivityContext, asked: Undelivered, shown: number[]): Promise<number[]> {
  if (asked.cursor === null) return [];
  const { mailbox, open, genId, uids } = asked;
  const known = await ledgerRanges(context.db, mailbox.tenantId, { genId, scope: 'fetch' });
  const sought = new Set(uids);
  return outside(shown, known).filter((uid) => uid < open.snapshot.uidNext && !sought.has(uid));
}

/** A message without bytes, for a person to see. */
export function parkedItem(envelope: MessageEnvelope): ParkedItem {
  const failure = { code: 'not-delivered', detail: { size: envelope.size }, messageIdHeader: null };
  return {
    kind: 'parked',
    ...placedOf(envelope),
    rawSha: null,
    blobId: null,
    provider: { id: envelope.providerId, threadId: envelope.providerThreadId },
    failure: { kind: 'unreadable', ...failure },
  };
}

/** What is known of a message that the server lists and says nothing of. */
export function unknownEnvelope(uid: number): MessageEnvelope {
  return { uid, size: 0, internalDate: null, flags: 0, modseq: null, providerId: null, providerThreadId: null };
}

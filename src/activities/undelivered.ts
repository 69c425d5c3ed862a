import type { MessageEnvelope } from '../domain/folder';
import { MailFailure } from '../domain/failure';
import type { ParkedItem } from '../db/ingest/batch';
import type { OpenFolder } from '../mail/mailbox';
import type { ActivityContext } from './context';
import { placedOf } from './read-messages';

const triesBeforeParking = 3;
const parkedAfterMs = 600_000;
const remembered = 10_000;

/** How often each message that a server lists but does not deliver has been asked for, since the worker started. */
export interface UndeliveredTries {
  /** Counts a try. True when it has been asked for often and long enough. */
  isHopeless(message: { genId: number; uid: number }, now: number): boolean;
}

/** Remembers the last 10,000 such messages; one that is forgotten is merely asked for a few times more. */
export function createUndeliveredTries(): UndeliveredTries {
  const tries = new Map<string, { number: number; since: number }>();
  return {
    isHopeless: ({ genId, uid }, now) => {
      const key = `${String(genId)} ${String(uid)}`;
      const before = tries.get(key) ?? { number: 0, since: now };
      tries.delete(key);
      tries.set(key, { ...before, number: before.number + 1 });
      const [oldest] = tries.keys();
      if (tries.size > remembered && oldest !== undefined) tries.delete(oldest);
      return before.number + 1 >= triesBeforeParking && now - before.since >= parkedAfterMs;
    },
  };
}

interface Undelivered {
  open: OpenFolder;
  genId: number;
  uids: number[];
  /** Those of `uids` that the server has not delivered. */
  undelivered: number[];
  envelopes: MessageEnvelope[];
}

/**
 * What becomes of messages that were asked for and did not come. Gone is what the folder no longer lists. The rest is owed: the cursor
 * waits for it, and after three tries over ten minutes it is parked without bytes, so that it has its row and a person sees it.
 * @throws MailFailure `busy` where nothing at all was delivered, until the tries are over: then the server may be at fault
 */
export async function decideUndelivered(
  context: ActivityContext,
  asked: Undelivered,
): Promise<{ parked: ParkedItem[]; owed: number }> {
  const [first, last] = [asked.undelivered[0], asked.undelivered.at(-1)];
  if (first === undefined || last === undefined) return { parked: [], owed: 0 };
  const listed = new Set((await asked.open.listUids({ from: first, to: last })).uids);
  const still = asked.undelivered.filter((uid) => listed.has(uid));
  const now = context.now();
  const tried = new Set(still.filter((uid) => context.undelivered.isHopeless({ genId: asked.genId, uid }, now)));
  if (still.length > 1 && still.length === asked.uids.length && tried.size < still.length) {
    throw new MailFailure('busy', 'UID FETCH', { code: 'nothing-delivered' });
  }
  const envelopeOf = new Map(asked.envelopes.map((envelope) => [envelope.uid, envelope]));
  const parked = [...tried].map((uid) => parkedItem(envelopeOf.get(uid) ?? unknownEnvelope(uid)));
  return { parked, owed: still.length - tried.size };
}

function parkedItem(envelope: MessageEnvelope): ParkedItem {
  const failure = { code: 'not-delivered', detail: { size: envelope.size }, messageIdHeader: null };
  return {
    kind: 'parked',
    ...placedOf(envelope),
    rawSha: null,
    blobId: null,
    failure: { kind: 'unreadable', ...failure },
  };
}

function unknownEnvelope(uid: number): MessageEnvelope {
  return { uid, size: 0, internalDate: null, flags: 0, modseq: null, providerId: null, providerThreadId: null };
}

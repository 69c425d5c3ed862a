import type { MessageEnvelope } from '../domain/folder';
import { MailFailure } from '../domain/failure';
import type { ParkedItem } from '../db/ingest/batch';
import type { OpenFolder } from '../mail/mailbox';
import type { ActivityContext } from './context';
import { placedOf } from './read-messages';

const triesBeforeParking = 3;
const remembered = 10_000;

/** How often each message that a server lists but does not deliver has been asked for, since the worker started. */
export interface UndeliveredTries {
  /** Counts a try; the number of tries with this one. */
  count(genId: number, uid: number): number;
}

/** Remembers the last 10,000 such messages; one that is forgotten is merely asked for a few times more. */
export function createUndeliveredTries(): UndeliveredTries {
  const tries = new Map<string, number>();
  return {
    count: (genId, uid) => {
      const key = `${String(genId)} ${String(uid)}`;
      const number = (tries.get(key) ?? 0) + 1;
      tries.delete(key);
      tries.set(key, number);
      const [oldest] = tries.keys();
      if (tries.size > remembered && oldest !== undefined) tries.delete(oldest);
      return number;
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
 * waits for it, and after three rounds it is parked without bytes, so that it has its row and a person sees it.
 * @throws MailFailure `busy` where nothing at all was delivered: then the server is at fault, not the messages
 */
export async function decideUndelivered(
  context: ActivityContext,
  asked: Undelivered,
): Promise<{ parked: ParkedItem[]; owed: number }> {
  const [first, last] = [asked.undelivered[0], asked.undelivered.at(-1)];
  if (first === undefined || last === undefined) return { parked: [], owed: 0 };
  const listed = new Set((await asked.open.listUids({ from: first, to: last })).uids);
  const still = asked.undelivered.filter((uid) => listed.has(uid));
  if (still.length > 1 && still.length === asked.uids.length) {
    throw new MailFailure('busy', 'UID FETCH', { code: 'nothing-delivered' });
  }
  const tried = new Set(still.filter((uid) => context.undelivered.count(asked.genId, uid) >= triesBeforeParking));
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

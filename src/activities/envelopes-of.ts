import { asksForRest, MailFailure } from '../domain/failure';
import type { MessageEnvelope } from '../domain/folder';
import type { MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { Mailbox, OpenFolder } from '../mail/mailbox';
import type { BreakingMessages } from './breaking-messages';
import type { ActivityContext, ActivityRun } from './context';

interface Asked {
  mailbox: MailboxForSync;
  /** The one that `open` is open on. */
  connection: Mailbox;
  open: OpenFolder;
  genId: number;
  uids: number[];
}

/**
 * Envelopes of these UIDs, without those of messages that are known to end every connection that asks for them. Where the connection is
 * lost over it a second time in a row, such a message is looked for by halves on fresh connections, so that one message does not hold up
 * its folder: the round fails all the same, and the next one leaves that message out.
 * @throws MailFailure
 */
export async function envelopesOf(
  context: ActivityContext,
  run: ActivityRun,
  asked: Asked,
): Promise<MessageEnvelope[]> {
  return envelopesInPortions(context, run, { ...asked, most: asked.uids.length, keep: (envelope) => [envelope] });
}

/**
 * The same, asked for `most` at once, of each of which only what `keep` makes of it stays in memory.
 * @throws MailFailure
 */
export async function envelopesInPortions<Kept>(
  context: ActivityContext,
  run: ActivityRun,
  asked: Asked & { most: number; keep: (envelope: MessageEnvelope) => Kept[] },
): Promise<Kept[]> {
  const { breaking } = context.undelivered;
  const { genId, keep, most } = asked;
  const uids = asked.uids.filter((uid) => !breaking.isBreaking(genId, uid));
  const kept: Kept[] = [];
  for (let from = 0; from < uids.length; from += most) {
    run.signal.throwIfAborted();
    const portion = uids.slice(from, from + most);
    try {
      for (const envelope of await asked.open.fetchEnvelopes(portion)) kept.push(...keep(envelope));
    } catch (error) {
      if (tellsOfLoss(error) && breaking.lost(genId)) await lookForBreaking(context, run, { ...asked, uids: portion });
      throw error;
    }
    run.heartbeat();
  }
  // Only now: a portion that comes each time says nothing for the one that ends the connection each time.
  if (uids.length > 0) breaking.came(genId);
  return kept;
}

const busyWithOne: ReadonlySet<string> = new Set(['unavailable', 'limit', 'in-use', 'over-quota']);

/** A server may say goodbye, or refuse, in words that mean "not now". One that throttles means what it says. */
function tellsOfLoss(error: unknown): boolean {
  if (!(error instanceof MailFailure) || asksForRest(error)) return false;
  return error.kind === 'unreachable' || (error.kind === 'busy' && busyWithOne.has(error.code));
}

/** A server that answers by silence costs its time-out for each question: the search goes on where the next round fails. */
const searchMs = 300_000;
const mostFound = 10;

/** Ends where what is left does not end a connection, or when the server cannot be asked any more. */
async function lookForBreaking(context: ActivityContext, run: ActivityRun, asked: Asked): Promise<void> {
  const { breaking } = context.undelivered;
  const endsAt = context.now() + searchMs;
  const mayGoOn = () => {
    run.signal.throwIfAborted();
    run.heartbeat();
    return context.now() < endsAt;
  };
  // A lost one still has its slot, which a fresh one needs where the provider allows few.
  if (!asked.connection.usable) await asked.connection.close();
  const prober = createProber(context, run, asked);
  try {
    for (let number = 0; number < mostFound; number += 1) {
      const uid = await findOne(breaking, { ...asked, breaksWith: prober.breaksWith, mayGoOn });
      if (uid === null) return;
      breaking.found(asked.genId, uid);
    }
  } catch (error) {
    // The server is not to be reached now: what has been found out so far is kept.
    if (!(error instanceof MailFailure)) throw error;
  } finally {
    await prober.close();
  }
}

type Search = Asked & { breaksWith: Prober['breaksWith']; mayGoOn: () => boolean };

/** One that ends the connection also when it is asked for alone; null where none does, or the time is up. */
async function findOne(breaking: BreakingMessages, search: Search): Promise<number | null> {
  const { genId, breaksWith, mayGoOn } = search;
  const left = search.uids.filter((uid) => !breaking.isBreaking(genId, uid));
  const before = breaking.among(genId);
  if (before === null && !(await breaksWith(left))) return null;
  let among = (before ?? left).filter((uid) => left.includes(uid));
  while (among.length > 1) {
    if (!mayGoOn()) return null;
    const half = among.slice(0, Math.ceil(among.length / 2));
    among = (await breaksWith(half)) ? half : among.slice(half.length);
    breaking.narrow(genId, among);
  }
  breaking.narrow(genId, null);
  const [uid] = among;
  // Once more: what happened to end a connection by chance is not it.
  if (uid === undefined || !(await breaksWith([uid]))) return null;
  return (await anyOtherComes(left, { uid, breaksWith })) ? uid : null;
}

/** A server that answers nobody blames no message. */
async function anyOtherComes(
  uids: readonly number[],
  { uid, breaksWith }: { uid: number; breaksWith: Prober['breaksWith'] },
): Promise<boolean> {
  const others = uids.filter((other) => other !== uid);
  const controls = new Set([others[0], others.at(-1)].flatMap((other) => other ?? []));
  for (const control of controls) if (!(await breaksWith([control]))) return true;
  return controls.size === 0;
}

interface Prober {
  /**
   * Whether a connection ends when these are asked for.
   * @throws MailFailure where no connection is to be had, or the folder is another one
   */
  breaksWith: (uids: readonly number[]) => Promise<boolean>;
  close: () => Promise<void>;
}

function createProber(context: ActivityContext, { signal }: ActivityRun, { mailbox, open }: Asked): Prober {
  let connection: Mailbox | null = null;
  let folder: OpenFolder | null = null;
  const close = async (): Promise<void> => {
    await connection?.close();
  };
  const opened = async (): Promise<OpenFolder> => {
    if (connection?.usable === true && folder !== null) return folder;
    await close();
    connection = await context.connect(mailbox, signal);
    folder = await connection.examine(open.path);
    if (folder.snapshot.uidValidity === open.snapshot.uidValidity) return folder;
    throw new MailFailure('cursor-lost', 'EXAMINE', { code: 'uidvalidity-changed' });
  };
  return {
    breaksWith: async (uids) => {
      const asked = await opened();
      try {
        await asked.fetchEnvelopes([...uids]);
        return false;
      } catch (error) {
        // That it broke is our own doing then, and blames no message.
        signal.throwIfAborted();
        if (!tellsOfLoss(error)) throw error;
        await close();
        return true;
      }
    },
    close,
  };
}

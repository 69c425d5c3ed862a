import type { MailboxObject } from 'imapflow';

import { flagsOf } from '../domain/flags';
import type { FolderSnapshot } from '../domain/folder';
import { MailFailure } from '../domain/failure';
import { fetchEnvelopes, fetchHeader, fetchMessageIds, fetchRaw, labelsOf } from './fetching';
import { modseqOf } from './listing';
import type { MailboxAbilities, OpenFolder } from './mailbox';
import { openByName, statusByName } from './open-by-name';
import { listByOtherRoutes } from './other-routes';
import { cleanText } from './parse/clean-text';
import type { Session } from './session';
import { streamRaw } from './streaming';
import { listAllUids, listUidRange, searchUids } from './uid-listing';

export interface FolderContext {
  session: Session;
  abilities: MailboxAbilities;
  streamChunkBytes: number | undefined;
  /** Throws where another folder has been opened since. */
  stillOpen: () => void;
}

/** What EXAMINE says of a folder. */
interface Examined {
  snapshot: FolderSnapshot;
  toldUidNext: boolean;
  mailboxId: string | null;
}

/**
 * EXAMINE (RFC 9051 6.3.3), so that nothing in the folder can be changed, and a copy of its state: imapflow moves uidNext and
 * highestModseq of its own object with every row it sees, and a cursor stored from there skips what was not fetched.
 * @throws MailFailure `gone` where there is no such folder
 */
export async function examine(session: Session, path: string): Promise<Examined> {
  const state = await opened('EXAMINE', session, { path, readOnly: true });
  const uidValidity = state.uidValidity?.toString();
  const messages = state.exists;
  const highestModseq = state.noModseq === true ? null : modseqOf(state.highestModseq);
  if (uidValidity === undefined) throw new MailFailure('refused', 'EXAMINE', { code: 'no-uidvalidity' });
  if (messages === undefined) throw new MailFailure('unreachable', 'EXAMINE', { code: 'garbled-answer' });
  const told = state.uidNext ?? (await statedUidNext(session, path));
  const uidNext = told ?? ((await searchUids(session, { all: true })).at(-1) ?? 0) + 1;
  const snapshot = { uidValidity, uidNext, messages, highestModseq };
  const mailboxId = cleanText(state.mailboxId ?? '');
  return { snapshot, toldUidNext: told !== null, mailboxId: mailboxId === '' ? null : mailboxId };
}

/** What the answer said of the folder. imapflow answers with nothing where the connection ended, or the answer was to another question. */
async function opened(
  operation: 'EXAMINE' | 'SELECT',
  session: Session,
  folder: { path: string; readOnly: boolean },
): Promise<Partial<MailboxObject>> {
  const { path, readOnly } = folder;
  const answer: unknown = await session.run(operation, () => openByName(session.client, { path, readOnly }));
  if (typeof answer !== 'object' || answer === null) {
    throw new MailFailure('unreachable', operation, { code: 'garbled-answer' });
  }
  return answer;
}

/** UIDNEXT may be left out of the answer to EXAMINE (RFC 3501 6.3.1); null where STATUS does not tell it either. */
async function statedUidNext(session: Session, path: string): Promise<number | null> {
  const asked = { path, query: { uidNext: true } };
  const status: unknown = await session.run('STATUS', () => statusByName(session.client, asked));
  if (typeof status === 'object' && status !== null && 'uidNext' in status && typeof status.uidNext === 'number') {
    return status.uidNext;
  }
  return null;
}

/** The calls on a folder that is open. Each refuses to run once another folder is. */
export function openFolder(path: string, examined: Examined, context: FolderContext): OpenFolder {
  const { session, abilities, stillOpen } = context;
  const { snapshot, toldUidNext, mailboxId } = examined;
  const whileOpen = async <T>(action: () => Promise<T>): Promise<T> => {
    stillOpen();
    return action();
  };
  return {
    path,
    snapshot: { ...snapshot },
    toldUidNext,
    mailboxId,
    listUids: (range) =>
      whileOpen(() =>
        range === undefined ? listAllUids(session, abilities, snapshot.uidValidity) : listUidRange(session, range),
      ),
    listByOtherRoutes: (wish) => whileOpen(() => listByOtherRoutes(session, wish)),
    listUidsSince: (day) => whileOpen(() => searchUids(session, { since: day })),
    // imapflow takes an instant within a day for the end of that day.
    listUidsBefore: (day) => whileOpen(() => searchUids(session, { before: startOfDay(day) })),
    listUnseenUids: () => whileOpen(() => searchUids(session, { seen: false })),
    listSeenUids: () => whileOpen(() => searchUids(session, { seen: true })),
    fetchEnvelopes: (uids) => whileOpen(() => fetchEnvelopes(session, uids)),
    fetchRaw: (uids, onMessage) => whileOpen(() => fetchRaw(session, { uids, onMessage })),
    streamRaw: (uid, items) =>
      whileOpen(() => streamRaw(session, { uid, items, chunkBytes: context.streamChunkBytes })),
    fetchMessageIds: (uids) => whileOpen(() => fetchMessageIds(session, uids)),
    fetchHeader: (uid) => whileOpen(() => fetchHeader(session, uid)),
    flagsSince: (modseq) => whileOpen(() => flagsSince(session, modseq)),
  };
}

function startOfDay(instant: Date): Date {
  return new Date(Date.UTC(instant.getUTCFullYear(), instant.getUTCMonth(), instant.getUTCDate()));
}

type FlagState = Awaited<ReturnType<OpenFolder['flagsSince']>>[number];

/** Where the server has no CONDSTORE, imapflow leaves CHANGEDSINCE away and all flags come, which is more than was asked and right. */
async function flagsSince(session: Session, modseq: string | null): Promise<FlagState[]> {
  const { mailbox } = session.client;
  // Some servers answer BAD to 1:* in an empty folder.
  if (mailbox !== false && mailbox.exists === 0) return [];
  return session.run('UID FETCH', async () => {
    const states = new Map<number, FlagState>();
    const options = modseq === null ? { uid: true } : { uid: true, changedSince: BigInt(modseq) };
    for await (const row of session.client.fetch('1:*', { uid: true, flags: true, labels: true }, options)) {
      const uid: unknown = row.uid;
      if (typeof uid !== 'number' || row.flags === undefined) continue;
      states.set(uid, { uid, flags: flagsOf(row.flags), modseq: modseqOf(row.modseq), ...labelsOf(row.labels) });
    }
    return [...states.values()].sort((a, b) => a.uid - b.uid);
  });
}

/**
 * SELECT, then `UID STORE +FLAGS.SILENT (\Seen)`. Second run: no change.
 * @throws MailFailure `cursor-lost` where the UIDs are of another generation, `refused` where the server does not let flags be set
 */
export async function markSeen(
  session: Session,
  target: { path: string; uidValidity: string; sets: readonly string[] },
): Promise<void> {
  const state = await opened('SELECT', session, { path: target.path, readOnly: false });
  if (state.uidValidity?.toString() !== target.uidValidity) {
    throw new MailFailure('cursor-lost', 'UID STORE', { code: 'uidvalidity-changed' });
  }
  if (state.readOnly === true) throw new MailFailure('refused', 'UID STORE', { code: 'read-only' });
  for (const set of target.sets) {
    const stored = await session.run('UID STORE', () =>
      session.client.messageFlagsAdd(set, ['\\Seen'], { uid: true, silent: true }),
    );
    if (!stored) throw new MailFailure('refused', 'UID STORE', { code: 'store-refused' });
  }
}

import { MailFailure } from '../domain/failure';
import { flagsOf } from '../domain/flags';
import type { MessageEnvelope } from '../domain/folder';
import type { Amount, InsideLook } from '../domain/preview';
import { isOddName } from './folder-names';
import type { Mailbox, OpenFolder } from './mailbox';
import type { Session } from './session';

export interface LookWish {
  /** Whether unread mail, and mail since a date, is counted. */
  counts: boolean;
  since: Date | null;
  sampleMessages: number;
}

interface Connection {
  session: Session;
  mailbox: Mailbox;
}

const hourMs = 3_600_000;

/** Of so many messages at most flags and date are asked; of more the number is not told, rather than a wrong one. */
const mostAskedAlone = 5_000;

/**
 * What is in a folder: how much the server shows, its bytes, its dates, how much of it is unread or since a date. Nothing is changed.
 * @throws MailFailure
 */
export async function lookInto(
  { session, mailbox }: Connection,
  { path, messages }: { path: string; messages: number },
  wish: LookWish,
): Promise<InsideLook> {
  if (messages === 0) return emptyFolder(wish);
  const exactBytes = await sizeByStatus(session, path);
  const open = await mailbox.examine(path);
  const { uids } = await open.listUids();
  const sample = await open.fetchEnvelopes(spreadOver(uids, wish.sampleMessages));
  const dates = sample.flatMap(({ internalDate }) => (internalDate === null ? [] : [internalDate.getTime()]));
  return {
    shown: uids.length,
    capped: uids.length < messages && (await stillCountsMore(session, path, uids.length)),
    bytes: bytesOf(exactBytes, sample, uids.length),
    firstDate: dates.length === 0 ? null : new Date(dates.reduce((a, b) => Math.min(a, b))),
    lastDate: dates.length === 0 ? null : new Date(dates.reduce((a, b) => Math.max(a, b))),
    unread: wish.counts ? await countUnread({ open, uids, sample }) : null,
    sinceDate: wish.since === null ? null : await countSince({ open, uids, sample }, wish.since),
  };
}

interface Looked {
  open: OpenFolder;
  /** All that the folder shows. */
  uids: readonly number[];
  sample: readonly MessageEnvelope[];
}

function emptyFolder(wish: LookWish): InsideLook {
  return {
    shown: 0,
    capped: false,
    bytes: { value: 0, estimated: false },
    firstDate: null,
    lastDate: null,
    unread: wish.counts ? 0 : null,
    sinceDate: wish.since === null ? null : 0,
  };
}

/** STATUS SIZE (RFC 8438); null where the server has it not, or says nothing of use. Asked before the folder is opened (RFC 9051 6.3.11). */
async function sizeByStatus(session: Session, path: string): Promise<number | null> {
  const { client } = session;
  if (!client.capabilities.has('STATUS=SIZE') || isOddName(path)) return null;
  const status: unknown = await session.run('STATUS', () => client.status(path, { size: true }));
  return numberIn(status, 'size');
}

/** A message that went in between is no cap: the server is asked again how many it counts. */
async function stillCountsMore(session: Session, path: string, shown: number): Promise<boolean> {
  if (isOddName(path)) return false;
  const status: unknown = await session.run('STATUS', () => session.client.status(path, { messages: true }));
  return (numberIn(status, 'messages') ?? 0) > shown;
}

/** imapflow answers `false` for a refusal. */
function numberIn(status: unknown, name: 'size' | 'messages'): number | null {
  if (typeof status !== 'object' || status === null) return null;
  const value: unknown = Reflect.get(status, name);
  return typeof value === 'number' ? value : null;
}

/** The first, the last, and others at even distances, at most `count`. */
function spreadOver(uids: readonly number[], count: number): number[] {
  if (uids.length <= count) return [...uids];
  const step = (uids.length - 1) / Math.max(1, count - 1);
  const places = Array.from({ length: count }, (_, index) => Math.round(index * step));
  return [...new Set(places)].flatMap((place) => uids[place] ?? []);
}

function bytesOf(exact: number | null, sample: readonly MessageEnvelope[], shown: number): Amount {
  if (exact !== null) return { value: exact, estimated: false };
  const sum = sample.reduce((total, { size }) => total + size, 0);
  if (sample.length === 0) return { value: 0, estimated: shown > 0 };
  return { value: Math.round((sum / sample.length) * shown), estimated: sample.length < shown };
}

async function countUnread(looked: Looked): Promise<number | null> {
  const isUnread = ({ flags }: MessageEnvelope): boolean => (flags & seenFlag) === 0;
  const found = await searched(looked, () => looked.open.listUnseenUids());
  if (found === null || !looked.sample.every((one) => found.has(one.uid) === isUnread(one))) {
    return countOneByOne(looked, isUnread);
  }
  return found.size;
}

/**
 * Messages whose INTERNALDATE is not before `since`. SEARCH SINCE knows days, in a time zone of the server's (RFC 9051 6.4.4), so only
 * of those within a day and a half of it the exact time is asked. A message that shows no date counts, as the first import takes it.
 */
async function countSince(looked: Looked, since: Date): Promise<number | null> {
  const { open, sample } = looked;
  const isSince = ({ internalDate }: MessageEnvelope): boolean => internalDate === null || internalDate >= since;
  const candidates = await searched(looked, () => open.listUidsSince(new Date(since.getTime() - 24 * hourMs)));
  const certain = await searched(looked, () => open.listUidsSince(new Date(since.getTime() + 48 * hourMs)));
  const agrees = (one: MessageEnvelope): boolean =>
    isSince(one) ? candidates?.has(one.uid) === true : certain?.has(one.uid) !== true;
  if (candidates === null || certain === null || !sample.every(agrees)) return countOneByOne(looked, isSince);
  const doubtful = [...candidates].filter((uid) => !certain.has(uid));
  if (doubtful.length > mostAskedAlone) return null;
  const before = (await open.fetchEnvelopes(doubtful)).filter((one) => !isSince(one));
  return candidates.size - before.length;
}

/** What a SEARCH finds of what the folder shows; null where the server refuses to search. */
async function searched({ uids }: Looked, search: () => Promise<number[]>): Promise<ReadonlySet<number> | null> {
  try {
    const found = new Set(await search());
    return new Set(uids.filter((uid) => found.has(uid)));
  } catch (error) {
    if (error instanceof MailFailure && error.kind === 'refused') return null;
    throw error;
  }
}

/** Where the sample shows that the SEARCH is not right; null where there are too many to ask for. */
async function countOneByOne(
  { open, uids }: Looked,
  isWanted: (envelope: MessageEnvelope) => boolean,
): Promise<number | null> {
  if (uids.length > mostAskedAlone) return null;
  const envelopes = new Map((await open.fetchEnvelopes([...uids])).map((envelope) => [envelope.uid, envelope]));
  return uids.filter((uid) => {
    const envelope = envelopes.get(uid);
    return envelope === undefined || isWanted(envelope);
  }).length;
}

const seenFlag = flagsOf(['\\Seen']);

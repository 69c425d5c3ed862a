import type { MessageEnvelope } from '../domain/folder';
import type { Amount, InsideLook } from '../domain/preview';
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

/** Of how many messages whose day may be either side of the date the exact time is asked. */
const mostAtTheDate = 5_000;

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
    unread: wish.counts ? (await open.listUnseenUids()).length : null,
    sinceDate: wish.since === null ? null : await countSince(open, wish.since),
  };
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
  if (!client.capabilities.has('STATUS=SIZE')) return null;
  const status: unknown = await session.run('STATUS', () => client.status(path, { size: true }));
  return numberIn(status, 'size');
}

/** A message that went in between is no cap: the server is asked again how many it counts. */
async function stillCountsMore(session: Session, path: string, shown: number): Promise<boolean> {
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

/**
 * Messages whose INTERNALDATE is not before `since`. SEARCH SINCE knows days, in a time zone of the server's (RFC 9051 6.4.4), so only
 * of those within a day and a half of it the exact time is asked.
 */
async function countSince(open: OpenFolder, since: Date): Promise<number> {
  const candidates = await open.listUidsSince(new Date(since.getTime() - 24 * hourMs));
  const certain = new Set(await open.listUidsSince(new Date(since.getTime() + 48 * hourMs)));
  const doubtful = candidates.filter((uid) => !certain.has(uid));
  const asked = doubtful.slice(0, mostAtTheDate);
  const before = (await open.fetchEnvelopes(asked)).filter(
    ({ internalDate }) => internalDate !== null && internalDate < since,
  );
  return candidates.length - before.length;
}

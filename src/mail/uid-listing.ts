import { setImmediate as setImmediately } from 'node:timers/promises';

import type { UidListing } from '../domain/folder';
import { MailFailure } from '../domain/failure';
import type { MailboxAbilities } from './mailbox';
import type { Session } from './session';
import { ascending } from './uid-sets';

type SearchQuery = Parameters<Session['client']['search']>[0];

/**
 * All UIDs of the open folder, proven where their number is EXISTS. A SEARCH that was refused or has another number is not believed
 * (Strato answered "nothing" for 4,028 messages): the UIDs are asked for once more by FETCH, then by sequence numbers, window by window,
 * where there are any.
 * Where all ways show the same part of the folder, the server shows no more of it to anybody (Yahoo: 10,000 messages).
 * @throws MailFailure
 */
export async function listAllUids(
  session: Session,
  abilities: MailboxAbilities,
  uidValidity: string,
): Promise<UidListing> {
  const existed = existsOf(session);
  const searched = await searchUids(session, { all: true }).catch(refusalAsNull);
  const first = searched === null ? null : judge(session, { uids: searched, uidValidity });
  if (first?.proven === true) return limited(first, abilities);
  const fetched = await fetchUids(session);
  const second = judge(session, { uids: fetched, uidValidity });
  if (second.proven) return limited(second, abilities);
  const numbered = session.uidOnly ? fetched : await fetchBySequence(session).catch(refusalAsNull);
  const third = judge(session, { uids: numbered ?? [], uidValidity });
  if (third.proven) return limited(third, abilities);
  const part = inPart([searched, fetched, numbered], third.reason);
  // Mail that came or went meanwhile makes the number differ as well.
  return part.reason === 'message-limit' && existsOf(session) !== existed ? { ...part, reason: 'count-differs' } : part;
}

type Unproven = Extract<UidListing, { proven: false }>;

/** What several ways to list a folder showed of it; null is a way that was refused. The first is the SEARCH. */
function inPart(ways: (number[] | null)[], reason: Unproven['reason']): Unproven {
  const uids = ascending(ways.flatMap((way) => way ?? []));
  if (ways[0] === null) return { proven: false, uids, reason: 'search-refused' };
  const agreed = uids.length > 0 && ways.every((way) => way?.length === uids.length);
  return { proven: false, uids, reason: agreed && reason === 'count-differs' ? 'message-limit' : reason };
}

/** UIDs in a range, `to` Infinity: to the last; a part of a folder cannot be counted against anything. */
export async function listUidRange(session: Session, range: { from: number; to: number }): Promise<UidListing> {
  if (range.to < range.from || range.to < 1) return { proven: false, uids: [], reason: 'range' };
  const within = { from: Math.max(1, range.from), to: range.to };
  const uids = await (fitsOneAnswer(session, within)
    ? searchOnce(session, { uid: setOf(within) })
    : searchByRanges(session, {}, within));
  // One past the end is answered with the last message (RFC 9051 6.4.9: `*` is that also below the other end).
  const inside = uids.filter((uid) => uid >= within.from && uid <= within.to);
  return { proven: false, uids: inside, reason: 'range' };
}

/** Both ends belong to it; `to` is Infinity for the last message. */
interface UidRange {
  from: number;
  to: number;
}

function setOf({ from, to }: UidRange): string {
  return `${String(from)}:${to === Infinity ? '*' : String(to)}`;
}

/** Below UIDNEXT there are no more messages than UIDs; what came since the folder was opened is few. */
function fitsOneAnswer(session: Session, { from, to }: UidRange): boolean {
  const { mailbox } = session.client;
  const uidNext: unknown = mailbox === false ? null : mailbox.uidNext;
  const last = typeof uidNext === 'number' && uidNext > 0 ? Math.min(to, uidNext - 1) : to;
  return last - from < searchedAtOnce;
}

/**
 * UID SEARCH, ascending, each once. imapflow answers `false` for a refusal and `undefined` without a folder; neither is an empty result.
 * A big folder is asked for by ranges of UIDs, because an answer is one line, and nothing else is done while it is read.
 * @throws MailFailure
 */
export async function searchUids(session: Session, query: Exclude<SearchQuery, string>): Promise<number[]> {
  return searchByRanges(session, query, { from: 1, to: Infinity });
}

async function searchByRanges(
  session: Session,
  query: Exclude<SearchQuery, string>,
  within: UidRange,
): Promise<number[]> {
  const starts = await startsOfRanges(session);
  const inside = starts.filter((start) => start > within.from && start <= within.to);
  const isAll = within.from === 1 && within.to === Infinity;
  if (inside.length === 0) return searchOnce(session, isAll ? query : { ...query, uid: setOf(within) });
  const found: number[][] = [];
  for (const [index, from] of [within.from, ...inside].entries()) {
    const next = inside[index];
    const range = { from, to: next === undefined ? within.to : next - 1 };
    const uids = await searchOnce(session, { ...query, uid: setOf(range) });
    // So that no two have the same: a sort of all would be one long turn.
    found.push(uids.filter((uid) => uid >= range.from && uid <= range.to));
  }
  // What is done with all of them is not to come in one turn with the last answer.
  await setImmediately();
  return found.flat();
}

/**
 * The same with one command, whatever the size of the folder.
 * @throws MailFailure
 */
export async function searchOnce(session: Session, query: SearchQuery): Promise<number[]> {
  return session.run('UID SEARCH', async () => {
    const found: unknown = await session.client.search(query, { uid: true });
    if (found === false) throw new MailFailure('refused', 'UID SEARCH', { code: 'search-refused' });
    if (!Array.isArray(found)) throw new MailFailure('unreachable', 'UID SEARCH', { code: 'connection-lost' });
    return ascending(found.filter((uid): uid is number => typeof uid === 'number'));
  });
}

/** Messages of one answer; some 25 ms of reading. */
const searchedAtOnce = 25_000;
const mostBelieved = 5_000_000;

/** The UIDs where the ranges of a big folder begin after the first; none for a folder that is not big, or a server that does not tell. */
async function startsOfRanges(session: Session): Promise<number[]> {
  const { mailbox } = session.client;
  const exists = mailbox === false ? 0 : mailbox.exists;
  if (session.uidOnly) return evenStarts(session);
  const numbers: string[] = [];
  // A server that counts more than any folder has is asked at once: its number would be as many ranges.
  const believed = exists <= mostBelieved ? exists : 0;
  for (let number = searchedAtOnce + 1; number <= believed; number += searchedAtOnce) numbers.push(String(number));
  if (numbers.length === 0) return [];
  return session
    .run('FETCH', async () => {
      const starts: number[] = [];
      // Rows that nobody asked for, which a server may send at any time, begin no ranges.
      const asked = new Set(numbers);
      for await (const row of session.client.fetch(numbers.join(','), { uid: true })) {
        const uid: unknown = row.uid;
        if (asked.delete(String(row.seq)) && typeof uid === 'number' && uid > 1) starts.push(uid);
      }
      return ascending(starts);
    })
    .catch((error: unknown): number[] => {
      refusalAsNull(error);
      return [];
    });
}

/** Without sequence numbers it is not known how many messages a range has: it is taken for even. */
function evenStarts({ client: { mailbox } }: Session): number[] {
  if (mailbox === false || mailbox.exists > mostBelieved) return [];
  const ranges = Math.ceil(mailbox.exists / searchedAtOnce);
  const step = Math.ceil(mailbox.uidNext / ranges);
  return Array.from({ length: Math.max(0, ranges - 1) }, (_, at) => (at + 1) * step).filter((start) => start > 1);
}

async function fetchUids(session: Session): Promise<number[]> {
  return session.run('UID FETCH', async () => {
    const uids: number[] = [];
    if (existsOf(session) === 0) return uids;
    for await (const row of session.client.fetch('1:*', { uid: true }, { uid: true })) {
      const uid: unknown = row.uid;
      if (typeof uid === 'number') uids.push(uid);
    }
    return ascending(uids);
  });
}

const sequenceWindow = 1_000;

/** RFC 9051 6.4.5: FETCH by sequence numbers, which run from 1 to EXISTS without a gap. */
async function fetchBySequence(session: Session): Promise<number[]> {
  const uids: number[] = [];
  // Where a window is empty there are none behind it, whatever EXISTS says.
  let before = -1;
  for (let from = 1; from <= existsOf(session) && uids.length > before; from += sequenceWindow) {
    before = uids.length;
    const to = Math.min(existsOf(session), from + sequenceWindow - 1);
    await session.run('FETCH', async () => {
      for await (const row of session.client.fetch(`${String(from)}:${String(to)}`, { uid: true })) {
        const uid: unknown = row.uid;
        if (typeof uid === 'number') uids.push(uid);
      }
    });
  }
  return ascending(uids);
}

function judge(session: Session, { uids, uidValidity }: { uids: number[]; uidValidity: string }): UidListing {
  const { mailbox } = session.client;
  if (mailbox !== false && mailbox.uidValidity.toString() !== uidValidity) {
    return { proven: false, uids, reason: 'uidvalidity-changed' };
  }
  // EXISTS as it is now: imapflow follows the server's EXISTS and EXPUNGE, which came with the answer or before it.
  return uids.length === existsOf(session) ? { proven: true, uids } : { proven: false, uids, reason: 'count-differs' };
}

function existsOf(session: Session): number {
  const { mailbox } = session.client;
  if (mailbox === false) throw new MailFailure('unreachable', 'UID SEARCH', { code: 'connection-lost' });
  return mailbox.exists;
}

/** RFC 9738 and Yahoo: EXISTS is then itself what the server cares to show. */
function limited(listing: UidListing, abilities: MailboxAbilities): UidListing {
  return abilities.messageLimit ? { proven: false, uids: listing.uids, reason: 'message-limit' } : listing;
}

function refusalAsNull(error: unknown): null {
  if (error instanceof MailFailure && waysRefused.has(error.code)) return null;
  throw error;
}

const waysRefused = new Set(['search-refused', 'garbled-answer', 'command-refused', 'command-not-understood']);

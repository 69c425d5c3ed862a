import type { OtherRoutes } from '../domain/folder';
import { MailFailure } from '../domain/failure';
import type { Session } from './session';
import { ascending } from './uid-sets';
import { searchOnce } from './uid-listing';

/** What is known of a folder before other ways are tried. */
export interface RoutesWish {
  /** UIDs that the listing showed. */
  shown: readonly number[];
  /** How many messages the server counts, by EXISTS or by STATUS: the ways end early when they have shown as many. */
  counted: number;
  uidNext: number;
  /** Commands that may be sent, over all ways. */
  mostCommands: number;
}

/** The highest UID there can be (RFC 9051 9, nz-number). */
const highestUid = 4_294_967_295;

const sequenceWindow = 1_000;
const unknownWindow = 1_000;
const dayMs = 86_400_000;

/** Between these two mail is looked for by halves; what is older or newer is asked for at once. */
const firstDay = Date.UTC(1995, 0, 1);
const daysAhead = 2;

/**
 * Looks for the messages of a folder whose listing showed a part only (RFC 9738, capped SEARCH): by sequence numbers window by window, by
 * UID ranges and by dates, each halved for as long as its answer may have been cut. Newest first, since the number of commands is limited.
 * A way that the server refuses has shown what it has.
 * @throws MailFailure
 */
export async function listByOtherRoutes(session: Session, wish: RoutesWish): Promise<OtherRoutes> {
  const search = new RouteSearch(session, wish);
  // Each gets what is left by those before it, and no way uses up all.
  const ways = session.uidOnly ? [byUids, byDates] : [bySequence, byUids, byDates];
  for (const [place, way] of ways.entries()) await search.go(way, ways.length - place);
  return { uids: search.uids(), commands: search.commands, ended: search.ended };
}

type Way = (search: RouteSearch) => AsyncGenerator<void>;

class RouteSearch {
  commands = 0;
  /** No way was broken off for want of commands. */
  ended = true;
  private readonly found: Set<number>;

  constructor(
    readonly session: Session,
    readonly wish: RoutesWish,
  ) {
    this.found = new Set(wish.shown);
  }

  /** As many as a server shows at once: an answer that is as long may have been cut. */
  get window(): number {
    return announcedLimit(this.session) ?? (this.wish.shown.length > 0 ? this.wish.shown.length : unknownWindow);
  }

  get exists(): number {
    const { mailbox } = this.session.client;
    if (mailbox === false) throw new MailFailure('unreachable', 'UID FETCH', { code: 'connection-lost' });
    return mailbox.exists;
  }

  uids(): number[] {
    return ascending(this.found);
  }

  /** One way, with the share that is left for it, until it ends, is refused, or nothing is missing any more. */
  async go(way: Way, waysLeft: number): Promise<void> {
    const most = this.commands + Math.floor((this.wish.mostCommands - this.commands) / waysLeft);
    const steps = way(this);
    try {
      let isEnd = false;
      while (!isEnd && this.commands < most && this.found.size < this.wish.counted) {
        isEnd = (await this.counted(steps.next())).done === true;
      }
      if (!isEnd && this.mayShowMore(way)) this.ended = false;
    } catch (error) {
      if (!(error instanceof MailFailure) || !refusals.has(error.code)) throw error;
    } finally {
      await steps.return(undefined);
    }
  }

  /** By sequence numbers no more can show than EXISTS, which the listing may have shown already. */
  private mayShowMore(way: Way): boolean {
    if (this.found.size >= this.wish.counted) return false;
    return way !== bySequence || this.wish.shown.length < this.exists;
  }

  /** Each step but the last is one command, and so is one that is refused. */
  private async counted(step: Promise<IteratorResult<void>>): Promise<IteratorResult<void>> {
    this.commands += 1;
    const result = await step;
    if (result.done === true) this.commands -= 1;
    return result;
  }

  note(uids: readonly number[]): void {
    for (const uid of uids) this.found.add(uid);
  }
}

/** FETCH by sequence numbers, which run from 1 to EXISTS (RFC 9051 2.3.1.2). */
async function* bySequence(search: RouteSearch): AsyncGenerator<void> {
  const step = Math.max(1, Math.min(sequenceWindow, Math.floor(search.window / 2)));
  for (let to = search.exists; to >= 1; to -= step) {
    const from = Math.max(1, to - step + 1);
    search.note(await fetchUids(search.session, { set: setOf(from, to), by: 'number' }));
    yield;
  }
}

/** UID FETCH of ranges. */
async function* byUids(search: RouteSearch): AsyncGenerator<void> {
  const newest = search.wish.shown.at(-1) ?? 0;
  const last = Math.min(highestUid, Math.max(newest, search.wish.uidNext - 1));
  const waiting = last < 1 ? [] : [{ from: 1, to: last }];
  for (let range = waiting.pop(); range !== undefined; range = waiting.pop()) {
    const { from, to } = range;
    const uids = await fetchUids(search.session, { set: setOf(from, to), by: 'uid' });
    // A server that reads the set loosely answers with the last message for a range past the end.
    const inside = uids.filter((uid) => uid >= from && uid <= to);
    search.note(inside);
    const middle = Math.floor((from + to) / 2);
    if (inside.length >= search.window && to > from) waiting.push({ from, to: middle }, { from: middle + 1, to });
    yield;
  }
}

/** UID SEARCH by days (SINCE and BEFORE, RFC 9051 6.4.4). */
async function* byDates(search: RouteSearch): AsyncGenerator<void> {
  const end = Math.floor(Date.now() / dayMs) * dayMs + daysAhead * dayMs;
  const waiting: { since?: number; before?: number }[] = [
    { before: firstDay },
    { since: end },
    { since: firstDay, before: end },
  ];
  for (let span = waiting.pop(); span !== undefined; span = waiting.pop()) {
    const { since, before } = span;
    const uids = await searchOnce(search.session, {
      ...(since === undefined ? {} : { since: new Date(since) }),
      ...(before === undefined ? {} : { before: new Date(before) }),
    }).catch(tooLongAsNull);
    search.note(uids ?? []);
    const isOneDay = since === undefined || before === undefined || before - since <= dayMs;
    if (!isOneDay && (uids === null || uids.length >= search.window)) {
      const middle = since + Math.floor((before - since) / (2 * dayMs)) * dayMs;
      waiting.push({ since, before: middle }, { since: middle, before });
    }
    yield;
  }
}

/** An answer of more numbers than are taken from one is asked for in parts, as one that was cut. */
function tooLongAsNull(error: unknown): null {
  if (error instanceof MailFailure && error.code === 'garbled-answer') return null;
  throw error;
}

async function fetchUids(session: Session, { set, by }: { set: string; by: 'uid' | 'number' }): Promise<number[]> {
  return session.run(by === 'uid' ? 'UID FETCH' : 'FETCH', async () => {
    const uids: number[] = [];
    for await (const row of session.client.fetch(set, { uid: true }, { uid: by === 'uid' })) {
      const uid: unknown = row.uid;
      if (typeof uid === 'number') uids.push(uid);
    }
    return uids;
  });
}

function setOf(from: number, to: number): string {
  return from === to ? String(from) : `${String(from)}:${String(to)}`;
}

/** The N of `MESSAGELIMIT=N` (RFC 9738 3.1); null where the server announces none. */
function announcedLimit({ client }: Session): number | null {
  for (const name of client.capabilities.keys()) {
    const [, limit] = /^MESSAGELIMIT=(\d{1,9})$/i.exec(name) ?? [];
    if (limit !== undefined && Number(limit) > 0) return Number(limit);
  }
  return null;
}

/** The way ends there; the others go on. */
const refusals = new Set(['search-refused', 'command-refused', 'command-not-understood', 'limit']);

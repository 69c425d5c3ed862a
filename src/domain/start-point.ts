import type { Policy } from './policy';

/** What is asked of a folder at its first listing, to tell history that is wanted from mail before the start point. */
export type StartQuestion =
  | { ask: 'nothing' }
  /** By INTERNALDATE: SEARCH SINCE finds the day, `notBefore` is then compared exactly. */
  | { ask: 'since'; notBefore: Date }
  | { ask: 'unseen-or-since'; notBefore: Date };

/**
 * How a folder's first listing is divided; `nothing` wants all of it. `now` means the moment the mailbox was connected, however late the
 * first listing comes: what arrived since is wanted. `firstRound` is true until the mailbox has had its first successful round.
 */
export function startQuestion(
  start: Policy['start'],
  mailbox: { startedAt: Date; firstRound: boolean },
): StartQuestion {
  // INTERNALDATE counts seconds (RFC 9051 2.3.3).
  const startedAt = new Date(Math.floor(mailbox.startedAt.getTime() / 1_000) * 1_000);
  switch (start.from) {
    case 'everything':
      return { ask: 'nothing' };
    case 'date':
      return { ask: 'since', notBefore: new Date(start.date) };
    case 'unread':
      return { ask: mailbox.firstRound ? 'unseen-or-since' : 'since', notBefore: startedAt };
    case 'now':
      return { ask: 'since', notBefore: startedAt };
  }
}

const dayLength = 'YYYY-MM-DD'.length;
const farthestAheadMs = 14 * 3_600_000;

/** Whether no mail can have arrived at `date` (a day or an instant, ISO 8601) yet. A day has begun when it has at UTC+14, where days begin first. */
export function liesInFuture(date: string, now: Date): boolean {
  const begun = now.getTime() + (date.length === dayLength ? farthestAheadMs : 0);
  return new Date(date).getTime() > begun;
}

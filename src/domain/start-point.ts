import type { Policy } from './policy';

/** What is asked of a folder at its first listing, to tell history that is wanted from mail before the start point. */
export type StartQuestion =
  | { ask: 'nothing'; wanted: 'all' | 'none' }
  | { ask: 'unseen' }
  /** By INTERNALDATE: SEARCH SINCE finds the day, `notBefore` is then compared exactly. */
  | { ask: 'since'; notBefore: Date };

/**
 * How a folder's first listing is divided. `firstRound` is true until the mailbox has had its first successful round: a folder that
 * appears later brings mail that is wanted where it arrived after the start.
 */
export function startQuestion(
  start: Policy['start'],
  mailbox: { startedAt: Date; firstRound: boolean },
): StartQuestion {
  switch (start.from) {
    case 'everything':
      return { ask: 'nothing', wanted: 'all' };
    case 'date':
      return { ask: 'since', notBefore: new Date(start.date) };
    case 'unread':
      return mailbox.firstRound ? { ask: 'unseen' } : { ask: 'since', notBefore: mailbox.startedAt };
    case 'now':
      return mailbox.firstRound ? { ask: 'nothing', wanted: 'none' } : { ask: 'since', notBefore: mailbox.startedAt };
  }
}

const dayLength = 'YYYY-MM-DD'.length;
const farthestAheadMs = 14 * 3_600_000;

/** Whether no mail can have arrived at `date` (a day or an instant, ISO 8601) yet. A day has begun when it has at UTC+14, where days begin first. */
export function liesInFuture(date: string, now: Date): boolean {
  const begun = now.getTime() + (date.length === dayLength ? farthestAheadMs : 0);
  return new Date(date).getTime() > begun;
}

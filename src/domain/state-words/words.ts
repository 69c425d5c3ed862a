import { connectCodes } from '../failure';
import type { MailboxState } from '../mailbox-state';
import type { NoticeEnd, NoticeKind } from '../notice';

/** The closed list of reasons for a state: those of a connection, and those of a round. Each has its words in every language. */
export const reasonCodes = [
  ...connectCodes,
  'aborted',
  'command-not-understood',
  'command-refused',
  'connection-lost',
  'contact-admin',
  'disk-low',
  'empty-listing',
  'flooded',
  'folder-corrupt',
  'folder-gone',
  'folder-not-open',
  'garbled-answer',
  'in-use',
  'internal',
  'limit',
  'listing-not-proven',
  'no-permission',
  'no-uidvalidity',
  'not-connected',
  'not-delivered',
  'nothing-delivered',
  'over-quota',
  'password-unreadable',
  'read-only',
  'search-refused',
  'store-refused',
  'stream-cut',
  'throttled',
  'too-large',
  'too-many-folders',
  'uidvalidity-changed',
  'unavailable',
] as const;

export type ReasonCode = (typeof reasonCodes)[number];

/** What is so, and what a person can do about it; null where it needs nobody. */
export interface Words {
  sentence: string;
  remedy: string | null;
}

/** All that is said about the state of a mailbox in one language. A text that is missing does not compile. */
export interface StateTexts {
  states: Readonly<Record<MailboxState, Words>>;
  reasons: Readonly<Record<ReasonCode, Words>>;
  /** For a reason that is none of ours; `{code}` stands for it. */
  unknownReason: string;
  /** What a person can do about removals that wait for an answer. */
  answerRemovals: string;
  notices: Readonly<Record<NoticeKind, Readonly<Record<'raised' | NoticeEnd, string>>>>;
}

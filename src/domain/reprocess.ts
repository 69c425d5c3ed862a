/** What of a copy, or of the message that is told from it, a newer parser can read otherwise. */
export const reprocessFields = [
  'subject',
  'text', // also its first words, for lists
  'dates', // the Date header, and where the message stands in a timeline
  'participants', // the people that are shown
  'addresses', // those that are matched with records, Bcc and delivery headers
  'direction',
  'parts', // attachments, and where each part lies in the bytes
  'marks',
  'message-id',
  'thread', // a reference that leads to another thread, or to none yet
  'identity', // what it is the same as
] as const;

export type ReprocessField = (typeof reprocessFields)[number];

/** What became of a message that is read otherwise. */
export const reprocessOutcomes = [
  'differs', // of a dry run, or its turn has not come: it is as it was
  'changed',
  'unchanged', // when its turn came, nothing differed any more
  'kept', // it stays as it is: `reason` says why
  'gone', // it was deleted meanwhile; `erased`: now, because a person who was erased came to light in it
  'refused', // its mailbox is being deleted
] as const;

export type ReprocessOutcome = (typeof reprocessOutcomes)[number];

/** Why a message stays as it is, beside the codes of the parser. */
export type KeptReason = 'bytes-damaged' | 'ended-its-worker';

/** Which copies are read again; null asks for nothing. */
export interface ReprocessScope {
  mailboxId: string | null;
  /** By the message's place in timelines: from, inclusive, to, exclusive. */
  from: Date | null;
  to: Date | null;
  /** Copies read by an older parser. */
  parserVersionBelow: number | null;
}

/** What ended so many workers is left alone. */
export const mostReprocessTries = 3;

import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';

import { sortAt } from '../../domain/dates';
import { directionOf, type Direction } from '../../domain/direction';
import type { MailAddress, ParsedMessage, PartDescriptor } from '../../domain/message';
import type { ReprocessField } from '../../domain/reprocess';
import { addressRolesOf, hasAttachments, participantsOf, previewOf } from '../ingest/message-write';
import { referenceHashes } from '../ingest/thread-write';
import type { StoredContent, StoredCopy, Surroundings } from './stored-copies';

/** What a copy is read as now, as ingest would write it. */
export interface ReadCopy {
  stored: StoredCopy;
  message: ParsedMessage;
  /** What differs from what is stored; nothing else of it needs to be written. */
  fields: ReprocessField[];
  direction: Direction;
  bcc: { name: string; address: string }[];
  deliveredTo: string[];
  parts: PartDescriptor[];
  /** `role key`, each once. */
  addresses: string[];
  /** Hashes of what joins it with others. */
  refs: string[];
  /** What its message says then; as it is stored where the message is told from another copy. */
  content: StoredContent;
  sortAt: Date;
  messageKey: string;
  /** It is a message of its own, and not the one that it was taken for. */
  isApart: boolean;
}

/**
 * Compares what is stored of a copy with what its bytes say by the parser of today. `message` has the parts as they lie in the kept bytes.
 * The identity is that of the whole bytes: reduced ones do not tell it. Where another message has it already the two stay side by side
 * (`keyBeside`), because showing a message twice is a nuisance, and hiding one a loss.
 */
export function readAnew(stored: StoredCopy, message: ParsedMessage, around: Surroundings): ReadCopy {
  const addresses = addressRolesOf(message).map(({ role, key }) => `${role} ${key}`);
  const now = {
    stored,
    message,
    bcc: message.bcc.map(nameAndAddress),
    deliveredTo: message.deliveredTo.map(({ address }) => address),
    parts: message.parts,
    addresses,
    refs: referenceHashes(message),
  };
  // Who "we" are changes with the users of a company: only other people in the message make its direction another.
  const direction = isSameSet(addresses, stored.addresses) ? stored.direction : directionOf(message, around.own);
  const told = stored.isTeller ? toldBy(stored, message, around) : beside(stored, message, around);
  const read = { ...now, ...told, direction, fields: [] };
  return { ...read, fields: fieldsOf(read, around) };
}

function nameAndAddress({ name, address }: MailAddress) {
  return { name, address };
}

function toldBy(stored: StoredCopy, message: ParsedMessage, { keys }: Surroundings) {
  const content: StoredContent = {
    subject: message.subject,
    preview: previewOf(message.text),
    text: message.text,
    textTruncated: message.textTruncated,
    participants: participantsOf(message),
    marks: message.marks,
    hasAttachments: stored.filesElsewhere || hasAttachments(message),
    sentAt: message.sentAt,
    messageIdHeader: message.messageIdHeader,
  };
  return {
    content,
    sortAt: sortAtOf(stored, message.sentAt),
    messageKey: toldKey(stored, message, keys),
    isApart: false,
  };
}

function toldKey(
  { rawState, messageId, messageKey: before }: StoredCopy,
  message: ParsedMessage,
  keys: Surroundings['keys'],
) {
  const { messageKey } = message;
  if (rawState !== 'full') return before;
  const owner = keys.get(messageKey) ?? messageId;
  return owner === messageId ? messageKey : keyBeside(messageId, messageKey);
}

/**
 * The key of a message whose own (hex) another message has: one that no mail is read to. Under the key that it was misread to, the mail that
 * is really meant by that would be taken for it, and be hidden.
 */
export function keyBeside(messageId: string, messageKey: string): string {
  return createHash('sha256')
    .update(JSON.stringify(['beside', messageId, messageKey]))
    .digest('hex');
}

/**
 * A copy beside the one that its message is told from. Where the two are different messages after all, read now, it has its own key: one that
 * lies hidden under another is a loss.
 */
function beside(stored: StoredCopy, { messageKey }: ParsedMessage, { tellers }: Surroundings) {
  const told = tellers.get(stored.tellerId);
  const isApart = stored.rawState === 'full' && told !== undefined && told !== messageKey;
  return { content: stored, sortAt: stored.sortAt, messageKey: isApart ? messageKey : stored.messageKey, isApart };
}

/** Which of its placements gave a message its date is not written down: a date that one of them explains is right. */
function sortAtOf({ internalDates, sortAt: shown }: StoredCopy, sentAt: Date | null): Date {
  const dates = internalDates.length === 0 ? [null] : internalDates;
  const explained = dates.map((internalDate) => sortAt(sentAt, internalDate));
  if (explained.some((at) => at?.getTime() === shown.getTime())) return shown;
  return explained[0] ?? shown;
}

function fieldsOf(read: ReadCopy, around: Surroundings): ReprocessField[] {
  const { stored, content, refs } = read;
  const differs: Record<ReprocessField, boolean> = {
    subject: content.subject !== stored.subject,
    text: !isSame(textOf(content), textOf(stored)),
    dates: !isSame([content.sentAt, read.sortAt], [stored.sentAt, stored.sortAt]),
    participants: !isSame(content.participants, stored.participants),
    addresses:
      !isSameSet(read.addresses, stored.addresses) ||
      !isSame([read.bcc, read.deliveredTo], [stored.bcc, stored.deliveredTo]),
    direction: read.direction !== stored.direction,
    parts: !isSame(read.parts, stored.parts) || content.hasAttachments !== stored.hasAttachments,
    marks: !isSame(content.marks, stored.marks),
    'message-id': content.messageIdHeader !== stored.messageIdHeader,
    thread: refs.some((ref) => around.threads.get(ref) !== stored.threadId),
    // The message may have the key of what lies under it, where it was told from a copy that was misread.
    identity: read.isApart || read.messageKey !== stored.messageKey,
  };
  return (Object.keys(differs) as ReprocessField[]).filter((field) => differs[field]);
}

function textOf({ preview, text, textTruncated }: StoredContent) {
  return { preview, text, textTruncated };
}

/** As JSON that the database gives back: keys in any order, times as times. */
function isSame(one: unknown, other: unknown): boolean {
  return isDeepStrictEqual(asJson(one), asJson(other));
}

function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify([value]));
}

function isSameSet(one: string[], other: string[]): boolean {
  return isDeepStrictEqual(new Set(one), new Set(other));
}

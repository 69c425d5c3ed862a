import type { z } from 'zod';

import type { MessageDetail } from '../../db/messages';
import type { MessageCopy } from '../../db/messages-copies';
import type { MessageLink } from '../../db/messages-links';
import { participantRoles, type Participants } from '../../db/messages-participants';
import type { MessageSummary } from '../../db/messages-summary';
import type { Level } from '../../db/timeline-read';
import { flagNames } from '../../domain/flags';
import { publicId } from '../../domain/ids';
import type { Language } from '../../domain/languages';
import { outcomeName, presenceName } from '../../domain/ledger';
import { linkReasonSentence } from '../../domain/link-words';
import type { PartDescriptor } from '../../domain/message';
import { timeOrNull } from '../fields';
import type { copySchema, linkSchema, messageItemSchema, messageSchema, participantsSchema } from './schemas';

const levelNames = { 1: 'metadata', 2: 'subject', 3: 'full' } as const satisfies Record<Level, string>;
/** By the numbers of `copy.visibility`. */
export const visibilityNames = ['private', 'metadata', 'subject', 'full'] as const;

/** A message for a list. */
export function presentItem(message: MessageSummary): z.output<typeof messageItemSchema> {
  const { subject, preview, hasAttachments, unread, marks, status, direction } = message;
  const threadId = publicId('thread', message.threadId);
  return {
    id: publicId('message', message.id),
    messageId: publicId('message', message.id),
    threadId,
    thread: { id: threadId, messages: message.threadMessages },
    sortAt: message.sortAt.toISOString(),
    sentAt: timeOrNull(message.sentAt),
    direction,
    participants: presentParticipants(message.participants),
    subject,
    preview,
    hasAttachments,
    unread,
    marks,
    status,
    level: levelNames[message.level],
    links: message.links.map(({ id, recordId, type, name }) => ({
      linkId: publicId('link', id),
      recordId: publicId('record', recordId),
      type,
      name,
    })),
  };
}

function presentParticipants(participants: Participants): z.output<typeof participantsSchema> {
  const presented = participantRoles.map((role) => [
    role,
    participants[role].map((one) => ({ ...one, recordIds: one.recordIds.map((id) => publicId('record', id)) })),
  ]);
  return { ...(Object.fromEntries(presented) as Omit<Participants, 'omitted'>), omitted: participants.omitted };
}

/** One message for an answer, with what was read from its bytes. */
export function presentMessage(
  message: MessageDetail,
  read: { parts: PartDescriptor[] | null; html: z.output<typeof messageSchema>['html']; language: Language },
): z.output<typeof messageSchema> {
  const { messageIdHeader, direction, subject, text, textTruncated, hasAttachments, marks, status } = message;
  return {
    id: publicId('message', message.id),
    threadId: publicId('thread', message.threadId),
    messageIdHeader,
    sortAt: message.sortAt.toISOString(),
    sentAt: timeOrNull(message.sentAt),
    direction,
    participants: presentParticipants(message.participants),
    subject,
    text,
    textTruncated,
    html: read.html,
    hasAttachments,
    attachments: read.parts === null ? null : presentAttachments(read.parts),
    marks,
    status,
    level: levelNames[message.level],
    copies: message.copies.map(presentCopy),
    links: message.links.map((link) => presentLink(link, read.language)),
    createdAt: message.createdAt.toISOString(),
  };
}

function presentAttachments(parts: PartDescriptor[]) {
  return parts
    .filter((part) => part.role === 'attachment')
    .map(({ n, filename, contentType, contentId, disposition, length, kept }) => {
      return { n, filename, contentType, contentId, disposition, encodedSize: length, kept };
    });
}

/** A copy with its placements for an answer. */
export function presentCopy(copy: MessageCopy): z.output<typeof copySchema> {
  const { direction, rawState, sha256, bcc, deliveredTo } = copy;
  return {
    id: publicId('copy', copy.id),
    sourceId: publicId('mailbox', copy.sourceId),
    direction,
    visibility: visibilityNames[copy.visibility] ?? 'private',
    rawState,
    size: copy.rawSize,
    sha256,
    bcc,
    deliveredTo,
    recordedAt: copy.recordedAt.toISOString(),
    placements: copy.placements.map((placement) => ({
      ...placement,
      outcome: outcomeName(placement.outcome),
      presence: presenceName(placement.presence),
      flags: flagNames(placement.flags),
    })),
  };
}

/** A link with its reasons, in the words of a language. */
export function presentLink(link: MessageLink, language: Language): z.output<typeof linkSchema> {
  return {
    linkId: publicId('link', link.id),
    recordId: publicId('record', link.recordId),
    type: link.type,
    name: link.name,
    state: link.state,
    createdAt: link.createdAt.toISOString(),
    reasons: link.reasons.map((reason) => ({
      kind: reason.kind,
      key: reason.key,
      words: linkReasonSentence({ ...reason, recordType: link.type }, language),
      actor: reason.actor,
      recordVersion: reason.recordVersion,
      createdAt: reason.createdAt.toISOString(),
    })),
  };
}

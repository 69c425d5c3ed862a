import { z } from 'zod';

import { workingStatuses } from '../../db/message-status';
import { time } from '../fields';
import { cursorOfShortPages } from '../paging';

const participant = z.object({
  name: z.string(),
  address: z.string(),
  recordIds: z.array(z.string()).describe('Records that have this address'),
});

export const participantsSchema = z.object({
  from: z.array(participant),
  sender: z.array(participant),
  replyTo: z.array(participant),
  to: z.array(participant),
  cc: z.array(participant),
  omitted: z.int().describe('How many were left out of a list'),
});

const level = z
  .enum(['metadata', 'subject', 'full'])
  .describe('What this key may see: people and dates; the subject too; everything. What is beyond it is null');

const direction = z.enum(['incoming', 'outgoing', 'internal']).nullable();

/** A message in a list. */
export const messageItemSchema = z.object({
  id: z.string().describe('msg_...'),
  messageId: z.string().describe('The same'),
  threadId: z.string(),
  thread: z.object({
    id: z.string(),
    messages: z
      .int()
      .describe('How many of it are in this list; of a long thread those among its newest messages, at most 500'),
  }),
  sortAt: time.describe('The date that it is sorted by'),
  sentAt: time.nullable().describe('The Date header, where it can be read'),
  direction,
  participants: participantsSchema,
  subject: z.string().nullable(),
  preview: z.string().nullable(),
  hasAttachments: z.boolean().nullable(),
  unread: z.boolean().nullable().describe('In the mailboxes of this key; null where it is in none'),
  marks: z.array(z.string()),
  status: z.enum(workingStatuses).describe('Whether somebody still has to do with it'),
  level,
  links: z.array(z.object({ linkId: z.string(), recordId: z.string(), type: z.string(), name: z.string() })),
});

const total = z
  .object({ value: z.int(), relation: z.enum(['eq', 'gte']) })
  .nullable()
  .describe('How many were found; `gte`: at least. Only for searches');

/** A page of messages. */
export const messagePageSchema = z.object({
  items: z.array(messageItemSchema),
  nextCursor: cursorOfShortPages,
  total,
});

/** One UID that a copy has or had. */
const placement = z.object({
  folder: z.string(),
  uidValidity: z.string(),
  uid: z.int(),
  outcome: z.string(),
  reason: z.string().nullable(),
  presence: z.string(),
  presenceAt: time.nullable(),
  flags: z.array(z.string()),
  labels: z.array(z.string()).describe('Labels at Gmail; none at other servers'),
  internalDate: time.nullable(),
  recordedAt: time,
});

/** A copy as those see it who hold it. */
export const copySchema = z.object({
  id: z.string().describe('cpy_...'),
  sourceId: z.string().describe('The mailbox'),
  direction,
  visibility: z.enum(['private', 'metadata', 'subject', 'full']),
  rawState: z.enum(['full', 'reduced', 'none']),
  size: z.int().describe('Bytes as fetched'),
  sha256: z.string().describe('Of the bytes as fetched'),
  bcc: z.array(z.object({ name: z.string(), address: z.string() })),
  deliveredTo: z.array(z.string()),
  recordedAt: time,
  placements: z.array(placement),
});

/** Why a message belongs to a record. */
export const linkSchema = z.object({
  linkId: z.string(),
  recordId: z.string(),
  type: z.string(),
  name: z.string(),
  state: z.enum(['active', 'suppressed']),
  createdAt: time,
  reasons: z.array(
    z.object({
      kind: z.string(),
      key: z.string(),
      words: z.string().describe('The reason for a person'),
      actor: z.string(),
      recordVersion: z.int(),
      createdAt: time,
    }),
  ),
});

const attachment = z.object({
  n: z.int().describe('For /attachments/{n}'),
  filename: z.string().nullable(),
  contentType: z.string(),
  contentId: z.string().nullable(),
  disposition: z.enum(['attachment', 'inline']).nullable(),
  encodedSize: z.int().describe('Bytes in the message; decoded it is about three quarters of it, if base64'),
  kept: z.boolean().describe('false where the policy kept no bytes'),
});

/** One message. */
export const messageSchema = messageItemSchema
  .omit({ preview: true, thread: true, messageId: true, unread: true, links: true })
  .extend({
    messageIdHeader: z.string().nullable(),
    text: z.string().nullable(),
    textTruncated: z.boolean().nullable(),
    html: z
      .object({
        html: z.string().describe('Safe to be shown in a sandboxed frame'),
        truncated: z.boolean().describe('The HTML is cut; or took too long, and this is the text of the message'),
        blockedRemote: z.int().describe('Pictures and styles from elsewhere that were left out'),
      })
      .nullable()
      .describe('With ?html=true; null where the message has none'),
    attachments: z.array(attachment).nullable(),
    copies: z.array(copySchema).describe('Those that this key holds'),
    links: z.array(linkSchema),
    createdAt: time,
  });

/** What happened to a message, oldest first. */
export const trailSchema = z.object({
  items: z.array(
    z.object({
      at: time,
      event: z.enum([
        'sent',
        'received',
        'seen',
        'fetched',
        'stored',
        'parsed',
        'parked',
        'replayed',
        'recorded',
        'updated',
        'completed',
        'joined',
        'moved',
        'left',
        'matched',
        'linked',
        'removed',
      ]),
      words: z.string(),
      sourceId: z.string().nullable(),
      copyId: z.string().nullable(),
      folder: z.string().nullable(),
      uidValidity: z.string().nullable(),
      uid: z.int().nullable(),
      recordId: z.string().nullable(),
      operationId: z.string().nullable().describe('The replay that did it'),
      runId: z
        .string()
        .nullable()
        .describe('The Temporal run that did it; null where none of ours did, or none is known'),
    }),
  ),
});

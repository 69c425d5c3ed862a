import { z } from 'zod';

import { workingStatuses } from '../../db/message-status';
import { idField, time } from '../fields';

/** Where somebody stands in a message. */
export const headerSchema = z.enum(['from', 'sender', 'to', 'cc']);
const header = headerSchema;
const address = z.string().describe('In its normal form');
const recordId = z.string().nullable().describe('Null where no record has the address, or none that this key may see');

/** An activity in an answer. */
export const activitySchema = z.object({
  id: z.string().describe('act_...'),
  messageId: z.string(),
  threadId: z.string(),
  type: z.string(),
  status: z.string(),
  calendarSync: z.boolean().describe('false: a CRM keeps it out of calendars'),
  ownerUserId: z.string().nullable(),
  companyId: z.string().nullable().describe('Where it belongs to one company'),
  companyIds: z.array(z.string()),
  projectIds: z.array(z.string()).describe('Projects and opportunities that it is filed at'),
  participants: z.array(
    z.object({
      kind: z.enum(['user', 'contact']),
      header,
      address,
      name: z.string(),
      userId: z.string().nullable(),
      recordId: z.string().nullable(),
    }),
  ),
  externalParticipants: z.array(z.object({ header, address, name: z.string(), recordId })),
  sortAt: time.describe('The date of the message'),
  subject: z.string().nullable().describe('null where this key may not see it'),
  hasAttachments: z.boolean().nullable(),
  level: z.enum(['metadata', 'subject', 'full']).describe('How far this key may see the message'),
  changedByPerson: z
    .array(z.string())
    .describe('`owner`, `status`, `type`: what a person has changed, and no rule changes any more'),
  createdAt: time,
  updatedAt: time,
});

const name = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[^\p{C}]*$/u, { error: 'has characters that cannot be shown.' });

/** A note in an answer. */
export const activityNoteSchema = z.object({
  id: z.string().describe('act_...: the id that the activity had'),
  type: z.string(),
  status: z.string(),
  ownerUserId: z.string().nullable(),
  direction: z.enum(['incoming', 'outgoing', 'internal']),
  sortAt: time.describe('The date of the message'),
  recordIds: z.array(z.string()).describe('Its records that this key may see'),
  createdAt: time.describe('When the message went'),
});

/** PATCH /v1/activities/{id} */
export const activityChangeSchema = z.strictObject({
  status: name.exactOptional(),
  ownerUserId: idField('user', 'usr_0192f0c1...').nullable().exactOptional(),
  type: name.exactOptional(),
});

/** A file of a record. */
export const recordFileSchema = z.object({
  messageId: z.string(),
  n: z.int(),
  filename: z.string().nullable(),
  contentType: z.string(),
  encodedSize: z.int().describe('Bytes in the message; decoded it is about three quarters of it, if base64'),
  kept: z.boolean().describe('false where the policy kept no bytes'),
  url: z.string().describe('Where it is downloaded'),
  sortAt: time.describe('The date of its message'),
});

/** PATCH /v1/messages/{id} */
export const messageChangeSchema = z.strictObject({ status: z.enum(workingStatuses) });
export const messageStatusSchema = z.object({ id: z.string(), status: z.enum(workingStatuses) });

const typeName = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, {
  error: 'is not the name of a type: up to 40 small letters, digits and hyphens, beginning with a letter.',
});
const typeFields = {
  name,
  statuses: z
    .array(name)
    .min(1)
    .max(100)
    .refine((statuses) => new Set(statuses).size === statuses.length, { error: 'has one of them twice.' }),
  calendarSync: z.boolean(),
};

/** POST /v1/activity-types */
export const activityTypeBodySchema = z.strictObject({
  type: typeName,
  name: typeFields.name,
  statuses: typeFields.statuses,
  calendarSync: typeFields.calendarSync.default(false).describe('false: a CRM keeps such activities out of calendars'),
});

/** PATCH /v1/activity-types/{type} */
export const activityTypeChangeSchema = z.strictObject({
  name: typeFields.name.exactOptional(),
  statuses: typeFields.statuses.exactOptional(),
  calendarSync: typeFields.calendarSync.exactOptional(),
});

/** A type in an answer. */
export const activityTypeSchema = z.object({
  type: z.string(),
  ...typeFields,
  createdAt: time,
  updatedAt: time,
});

export const typeInPath = z.strictObject({ type: z.string().max(100) });

import { z } from 'zod';

import type { AddressKind, MatchHeader, Policy, PresetName } from '../domain/policy';
import type { PolicyChange } from '../domain/policy-merge';

const addressKinds = ['business', 'private', 'other'] as const satisfies readonly AddressKind[];
const matchHeaders = [
  'From',
  'Sender',
  'Reply-To',
  'To',
  'Cc',
  'Bcc',
  'Delivered-To',
] as const satisfies readonly MatchHeader[];
const presetNames = [
  'register',
  'mirror',
  'unread-inbox',
  'activities',
  'lead-history',
] as const satisfies readonly PresetName[];

const folderPatterns = z
  .array(z.string().min(1).max(1_000))
  .max(1_000)
  .describe('Names of folders; `*` stands for any run of characters');

const calendarDay = z.union([z.iso.date(), z.iso.datetime({ offset: true })], {
  error: 'is not a date.',
});

const startPoint = z.discriminatedUnion('from', [
  z.strictObject({ from: z.literal('now') }),
  z.strictObject({ from: z.literal('everything') }),
  z.strictObject({ from: z.literal('unread') }),
  z.strictObject({ from: z.literal('date'), date: calendarDay }),
]);

const typesInOrder = z
  .array(z.string().regex(/^[a-z][a-z0-9-]{1,39}$/, { error: 'is not a type of record.' }))
  .min(1)
  .max(50)
  .describe('Types of records; of those that an address belongs to, only records of the first type that has any count');

const values = {
  start: startPoint,
  refreshSeconds: z.int().min(5).max(86_400),
  removals: z.enum(['keep', 'mirror']),
  removalGraceSeconds: z.int().min(0).max(2_592_000),
  flags: z.enum(['follow', 'ignore']),
  markSeen: z.boolean(),
  attachments: z.enum(['store', 'metadata', 'drop']),
  maxMessageBytes: z.int().min(1).max(1_073_741_824),
  unmatched: z.enum(['keep', 'drop']),
  matchKinds: z.array(z.enum(addressKinds)).max(addressKinds.length),
  matchHeaders: z.array(z.enum(matchHeaders)).max(matchHeaders.length),
  matchTypes: z.union([z.literal('all'), typesInOrder]),
  gmailAddresses: z.enum(['exact', 'fold-dots-and-tags']),
  companyDomains: z.enum(['off', 'link']),
  severalCompanies: z.enum(['link-all', 'link-none']),
  visibility: z.enum(['private', 'metadata', 'subject', 'full']),
  activityOnDelete: z
    .enum(['remove', 'note'])
    .describe('What becomes of the activities of messages that go: nothing, or a note without content'),
  onStop: z.enum(['keep', 'delete']),
  deletionUndoSeconds: z.int().min(0).max(2_592_000),
};

const activityName = z.string().min(1).max(100);

/** What a caller may say of a policy. */
export const policyChangeSchema: z.ZodType<PolicyChange> = z.strictObject({
  preset: z.enum(presetNames).exactOptional(),
  folders: z
    .strictObject({
      mode: z.enum(['all', 'selected']).exactOptional(),
      include: folderPatterns.exactOptional(),
      exclude: folderPatterns.exactOptional(),
    })
    .exactOptional(),
  start: values.start.exactOptional(),
  refreshSeconds: values.refreshSeconds.exactOptional(),
  removals: values.removals.exactOptional(),
  removalGraceSeconds: values.removalGraceSeconds.exactOptional(),
  flags: values.flags.exactOptional(),
  markSeen: values.markSeen.exactOptional(),
  attachments: values.attachments.exactOptional(),
  maxMessageBytes: values.maxMessageBytes.exactOptional(),
  unmatched: values.unmatched.exactOptional(),
  matchKinds: values.matchKinds.exactOptional(),
  matchHeaders: values.matchHeaders.exactOptional(),
  matchTypes: values.matchTypes.exactOptional(),
  gmailAddresses: values.gmailAddresses.exactOptional(),
  companyDomains: values.companyDomains.exactOptional(),
  severalCompanies: values.severalCompanies.exactOptional(),
  visibility: values.visibility.exactOptional(),
  activity: z
    .strictObject({
      type: activityName,
      status: activityName,
      requireUser: z.boolean().exactOptional(),
      requireSubject: z.boolean().exactOptional(),
    })
    .nullable()
    .exactOptional(),
  activityOnDelete: values.activityOnDelete.exactOptional(),
  onStop: values.onStop.exactOptional(),
  deletionUndoSeconds: values.deletionUndoSeconds.exactOptional(),
});

/** A whole policy, as it is shown. */
export const policySchema: z.ZodType<Policy> = z.object({
  folders: z.object({ mode: z.enum(['all', 'selected']), include: folderPatterns, exclude: folderPatterns }),
  ...values,
  activity: z
    .object({ type: z.string(), status: z.string(), requireUser: z.boolean(), requireSubject: z.boolean() })
    .nullable(),
});

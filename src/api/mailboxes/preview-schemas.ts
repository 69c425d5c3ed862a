import { z } from 'zod';

import { time } from '../fields';

const amounts = {
  messages: z.int(),
  bytes: z.int(),
  estimated: z.boolean().describe('Worked out from a sample, or of folders that were not all looked into'),
};

const plan = z.object({
  ...amounts,
  seconds: z.int().describe('How long the import may take'),
  limitedBy: z
    .enum(['rate', 'daily-download'])
    .describe('Whether it takes so long at our rate, or because the provider lets only so much through in a day'),
});

const folder = z.object({
  path: z.string(),
  role: z.enum(['inbox', 'sent', 'drafts', 'junk', 'trash', 'archive', 'all', 'flagged']).nullable(),
  scope: z
    .enum(['fetch', 'ledger-only', 'ignore'])
    .describe('`fetch`: its mail is imported; `ledger-only`: accounted for, not fetched; `ignore`: left alone'),
  messages: z.int().nullable().describe('As the server counts them; null where it does not say'),
  shown: z
    .int()
    .nullable()
    .describe('As it shows them; null where the folder was not looked into, as all that follows'),
  bytes: z.int().nullable(),
  bytesEstimated: z.boolean().nullable(),
  firstDate: time.nullable().describe('When the first of those that were looked at arrived'),
  lastDate: time.nullable(),
  unread: z.int().nullable(),
  sinceDate: z.int().nullable().describe('Messages that arrived at or after the date of the policy'),
});

/** The answer to POST /v1/mailboxes/preview. */
export const previewSchema = z.object({
  provider: z.string(),
  imap: z.object({ host: z.string(), port: z.int(), security: z.enum(['tls', 'starttls', 'none']) }),
  folders: z.array(folder),
  totals: z.object({ folders: z.int(), foldersInScope: z.int(), ...amounts }).describe('Over the folders in scope'),
  import: plan
    .extend({ start: z.enum(['now', 'date', 'unread', 'everything']) })
    .describe('What this policy would import'),
  startPoints: z
    .object({ now: plan, unread: plan, everything: plan, date: plan.nullable() })
    .describe('What each start point would import; `date` where the policy names one'),
  rate: z.object({
    messagesPerSecond: z.number(),
    basis: z
      .enum(['own-imports', 'benchmark'])
      .describe('The imports of this tenant in the last thirty days, or the published benchmark'),
  }),
  quota: z.object({ usedBytes: z.int(), limitBytes: z.int() }).nullable(),
  warnings: z.array(
    z.object({
      code: z.string(),
      sentence: z.string(),
      folders: z.array(z.string()).describe('The first twenty'),
      folderCount: z.int(),
    }),
  ),
});

export type PreviewBody = z.output<typeof previewSchema>;

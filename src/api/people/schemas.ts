import { z } from 'zod';

import type { ErasurePreview } from '../../db/people/preview-erasure';
import { publicId } from '../../domain/ids';
import { addressField, refuseTwice } from '../records/text-fields';

/** The addresses of one person, at most so many. */
export function addressesField(most: number) {
  return z
    .array(addressField)
    .min(1)
    .max(most)
    .superRefine(refuseTwice(({ key }) => key, []))
    .describe('All addresses of one person, however they are written');
}

/** What a dry run answers. */
export const erasurePreviewSchema = z.object({
  messages: z.int().describe('In which the person is sender or recipient: they go, with all copies in all mailboxes'),
  messagesWithOthers: z.int().describe('Of them those in which others than your own people took part'),
  copies: z.int(),
  ledgerRows: z.int().describe('Stay, and say `filtered: erased`: so nothing is fetched again'),
  links: z.int(),
  timelineEntries: z.int(),
  activities: z.int(),
  activityNotes: z.int().describe('That are left of activities of mail that is gone: they go too'),
  attachments: z.int(),
  recordIds: z.array(z.string()).describe('Records that lose the address, and stay; 100 at most'),
  parkedToLookThrough: z.int().describe('Mail that could not be read, and is looked through for the addresses'),
  bytes: z.int().describe('As they came'),
  storedBytes: z.int().describe('As they are stored'),
  stays: z.object({
    mentions: z.int().describe('Mail between others that holds the address in subject or text'),
    messageIds: z.array(z.string()).describe('The newest of them, 100 at most'),
  }),
});

/** A preview for an answer. */
export function presentPreview({
  recordIds,
  mentions,
  ...counts
}: ErasurePreview): z.output<typeof erasurePreviewSchema> {
  return {
    ...counts,
    recordIds: recordIds.map((id) => publicId('record', id)),
    stays: { mentions: mentions.messages, messageIds: mentions.messageIds },
  };
}

import { z } from 'zod';

import type { Deletion } from '../../db/deletion/deletions';
import { publicId } from '../../domain/ids';
import { time, timeOrNull } from '../fields';

const counts = z.record(z.string(), z.int());

/** A deletion as every answer shows it. */
export const deletionSchema = z.object({
  id: z.string().describe('del_...'),
  kind: z.enum(['mailbox', 'record', 'user', 'person', 'tenant']),
  targetId: z.string().nullable().describe('What is deleted; null for a person, who has no id'),
  mailboxId: z.string().nullable().describe('The mailbox, where it is one'),
  state: z
    .enum(['waiting', 'stopping', 'deleting', 'verifying', 'done', 'cancelled'])
    .describe('`waiting`: it can still be taken back'),
  beginsAt: time.describe('The end of the time in which it can be taken back'),
  counts: counts.describe('Rows deleted so far, by table'),
  done: z.int().describe('Ledger rows deleted so far; of a record its links, of a user also messages they could read'),
  total: z.int().nullable().describe('Of how many'),
  messagesKept: z.int().describe('Messages that stay so far, because another mailbox holds a copy'),
  activityNotes: z.int().describe('Activities so far of which a note without content stays'),
  bytesFreed: z.int(),
  rate: z.number().nullable().describe('Of `done`, a second'),
  etaSeconds: z.int().nullable(),
  error: z.object({ code: z.string(), tables: counts }).nullable().describe('Why it stands still'),
  report: z
    .object({
      tables: counts,
      messagesKept: z.int(),
      activityNotes: z.int().optional().describe('Of a mailbox: activities of which a note without content stays'),
      bytesFreed: z.int(),
      mailboxes: z.int().optional().describe('Deleted with it, where it was not one'),
      seconds: z.number(),
      verifiedTables: z.array(z.string()),
      verifiedAt: time,
      mentions: z
        .object({ messages: z.int(), messageIds: z.array(z.string()) })
        .optional()
        .describe('Of a person: mail between others that holds the address in subject or text. It stays'),
    })
    .nullable()
    .describe('What was deleted, when nothing of it is left; without anything that says whose it was'),
  createdAt: time,
  startedAt: time.nullable(),
  finishedAt: time.nullable(),
});

/** What a dry run answers. */
export const deletionPreviewSchema = z.object({
  ledgerRows: z.int(),
  copies: z.int(),
  messages: z.int().describe('That no other mailbox holds'),
  messagesKept: z.int().describe('That stay, because another mailbox holds a copy'),
  links: z.int(),
  timelineEntries: z.int(),
  activities: z.int().describe('That go'),
  activityNotes: z.int().describe('Of these activities, those of which a note without content stays'),
  attachments: z.int(),
  failures: z.int(),
  folders: z.int(),
  events: z.int(),
  operations: z.int(),
  bytes: z.int().describe('As they came'),
  storedBytes: z.int().describe('As they are stored'),
});

/** A deletion for an answer. */
export function presentDeletion(deletion: Deletion, now: Date): z.output<typeof deletionSchema> {
  return {
    id: publicId('deletion', deletion.id),
    kind: deletion.kind,
    targetId: deletion.kind === 'person' ? null : publicId(deletion.kind, deletion.targetId),
    mailboxId: deletion.kind === 'mailbox' ? publicId('mailbox', deletion.targetId) : null,
    state: deletion.state,
    beginsAt: deletion.beginsAt.toISOString(),
    counts: deletion.counts,
    done: deletion.done,
    total: deletion.total,
    messagesKept: deletion.kept,
    activityNotes: deletion.notes,
    bytesFreed: deletion.bytes,
    ...speedOf(deletion, now),
    error: deletion.error,
    report: deletion.report,
    createdAt: deletion.createdAt.toISOString(),
    startedAt: timeOrNull(deletion.startedAt),
    finishedAt: timeOrNull(deletion.finishedAt),
  };
}

function speedOf({ state, done, total, startedAt }: Deletion, now: Date) {
  const seconds = startedAt === null ? 0 : (now.getTime() - startedAt.getTime()) / 1000;
  if (state !== 'deleting' || done === 0 || seconds <= 0) return { rate: null, etaSeconds: null };
  const rate = done / seconds;
  return {
    rate: Math.round(rate * 10) / 10,
    etaSeconds: total === null ? null : Math.ceil(Math.max(0, total - done) / rate),
  };
}

import { z } from 'zod';

import { ledgerOfFolders, removedOnServer, scopedFolders } from '../../db/change-facts';
import type { Sql } from '../../db/database';
import type { MailboxChange } from '../../db/mailbox-write';
import type { Mailbox } from '../../db/mailboxes';
import { previewRematch } from '../../db/rematch-preview';
import { effectSentence } from '../../domain/effect-words';
import type { Language } from '../../domain/languages';
import {
  effectCodes,
  messagesToFetch,
  policyEffects,
  scopeChanges,
  type EffectCode,
} from '../../domain/policy-effects';
import { policySchema } from '../policy-schema';

const scope = z.enum(['fetch', 'ledger-only', 'ignore']);

/** The answer to PATCH with dryRun: what the change will do. */
export const changePreviewSchema = z.object({
  dryRun: z.literal(true),
  policy: policySchema.describe('The whole policy after the change'),
  folders: z
    .array(
      z.object({
        folder: z.string(),
        from: scope,
        to: scope,
        ledgerRows: z.int(),
        recorded: z.int().describe('Of these rows; they stay, whatever the scope'),
        toFetch: z.int().nullable().describe('null: unknown until the next listing'),
      }),
    )
    .describe('Those with which something else will be done'),
  messages: z.object({
    toFetch: z.int().nullable().describe('Of all these folders; null: unknown until the next listing'),
    toFetchKnown: z.int().describe('Of the folders where it is known'),
    staysRecorded: z.int(),
  }),
  removalsWaiting: z
    .int()
    .nullable()
    .describe('Messages that `mirror` would have to remove; null where it is not begun'),
  rematch: z
    .object({
      messages: z.int().describe('Copies of messages that are looked at'),
      linksAdded: z.int().nullable(),
      linksRemoved: z.int().nullable(),
    })
    .nullable()
    .describe(
      'Stored mail that is matched again, and links that addresses make or that go (replies follow what they answer); null where matching stays as it is. ' +
        'The counts of links are null where there is too much mail to be looked at in a call',
    ),
  effects: z.array(z.object({ code: z.enum(effectCodes), sentence: z.string() })),
  warnings: z.array(z.string()),
});

/** What a change will do, for an answer. */
export type ChangePreview = z.output<typeof changePreviewSchema>;

/** Says what a change that was checked will do to a mailbox, from what is known of it. Reads only. */
export async function previewOfChange(
  sql: Sql,
  tenantId: string,
  wanted: {
    mailbox: Mailbox;
    change: MailboxChange;
    warnings: string[];
    language: Language;
    /** So many messages are matched to say which links come and go. */
    rematchedAtMost: number;
  },
): Promise<ChangePreview> {
  const { mailbox, change, warnings, language } = wanted;
  const ref = { tenantId, mailboxId: mailbox.id };
  const policy = change.policy ?? mailbox.policy;
  const folders = await changedFolders(sql, ref, { before: mailbox.policy, after: policy });
  const effects: EffectCode[] = [
    ...(change.access === undefined ? [] : (['reconnects'] as const)),
    ...(folders.some(({ to }) => to === 'fetch') ? (['folders-enter'] as const) : []),
    ...(folders.some(({ from }) => from === 'fetch') ? (['folders-leave'] as const) : []),
    ...policyEffects(mailbox.policy, policy),
  ];
  const known = folders.flatMap(({ toFetch }) => (toFetch === null ? [] : [toFetch]));
  const toFetchKnown = sum(known);
  return {
    dryRun: true,
    policy,
    folders,
    messages: {
      toFetch: known.length === folders.length ? toFetchKnown : null,
      toFetchKnown,
      staysRecorded: sum(folders.filter(({ from }) => from === 'fetch').map(({ recorded }) => recorded)),
    },
    removalsWaiting: effects.includes('removals-mirrored') ? await removedOnServer(sql, ref) : null,
    rematch: effects.includes('mail-matched-again')
      ? await rematchOf(sql, tenantId, { sourceId: mailbox.id, policy, limit: wanted.rematchedAtMost })
      : null,
    effects: effects.map((code) => ({ code, sentence: effectSentence(code, language) })),
    warnings,
  };
}

async function rematchOf(
  sql: Sql,
  tenantId: string,
  wanted: Parameters<typeof previewRematch>[2],
): Promise<ChangePreview['rematch']> {
  const { messages, links } = await previewRematch(sql, tenantId, wanted);
  return { messages, linksAdded: links?.added ?? null, linksRemoved: links?.removed ?? null };
}

async function changedFolders(
  sql: Sql,
  ref: { tenantId: string; mailboxId: string },
  { before, after }: { before: Mailbox['policy']; after: Mailbox['policy'] },
): Promise<ChangePreview['folders']> {
  const changes = scopeChanges(await scopedFolders(sql, ref), before, after);
  const genIds = changes.flatMap(({ folder }) => folder.genId ?? []);
  const ledgers = await ledgerOfFolders(sql, ref.tenantId, genIds);
  return changes.map((change) => {
    const { folder, from, to } = change;
    const ledger = ledgers.get(folder.genId ?? 0) ?? { rows: 0, recorded: 0, leftOut: 0 };
    const toFetch = folder.genId === null && to === 'fetch' ? null : messagesToFetch(change, ledger, after.start);
    return { folder: folder.path, from, to, ledgerRows: ledger.rows, recorded: ledger.recorded, toFetch };
  });
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

import {
  condition,
  continueAsNew,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';

import type { Activities } from '../activities';
import type { DeletionShare } from '../activities/delete-mailbox';
import { publicId } from '../domain/ids';
import { importOptions, rowOptions } from './activity-options';
import type { MailboxRef } from './contract';
import { firstPauseMs, pauseAfter, speedOf, standsStill } from './deletion-pace';
import { wishSignal } from './mailbox-messages';
import { stopForCertain } from './stop-for-certain';

const { deletionTurn } = proxyActivities<Pick<Activities, 'deletionTurn'>>({
  ...rowOptions,
  summary: 'may the deletion begin?',
});

/**
 * Deletes a mailbox: waits for the end of its undo window, stops it for certain, deletes what it holds in short transactions, verifies that
 * nothing is left and ends with the report. Which deletion it is stands in Postgres, so that it can be started again at any moment.
 */
export async function deleteMailbox(input: MailboxRef & { pauseMs?: number }): Promise<string> {
  const deletionId = await turnOf(input);
  if (deletionId === null) return tell('there is nothing to delete');
  await stopForCertain({ tenantId: input.tenantId, mailboxId: input.mailboxId }, tell);
  const { deleteMailboxRows } = proxyActivities<Pick<Activities, 'deleteMailboxRows'>>({
    ...importOptions,
    summary: `delete the next rows of ${publicId('mailbox', input.mailboxId)}`,
  });
  tell('has stopped for certain; deletes the first rows');
  let pauseMs = input.pauseMs ?? firstPauseMs;
  for (;;) {
    const share = await deleteMailboxRows({ tenantId: input.tenantId, mailboxId: input.mailboxId, deletionId });
    const sentence = tell(sentenceOf(share));
    if (share.kind === 'done') return sentence;
    if (share.kind === 'rows-left') {
      await sleep(pauseMs, { summary: 'until the rows that are left are looked at again' });
      pauseMs = pauseAfter(pauseMs);
    }
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof deleteMailbox>({ ...input, pauseMs });
  }
}

/** Waits until the deletion may begin; null where it has been taken back, or has ended. */
async function turnOf(input: MailboxRef): Promise<string | null> {
  const wished = { again: false };
  setHandler(
    wishSignal,
    () => {
      wished.again = true;
    },
    { description: 'The deletion was taken back, or asked for again' },
  );
  for (;;) {
    wished.again = false;
    const turn = await deletionTurn({ tenantId: input.tenantId, mailboxId: input.mailboxId });
    if (turn.kind === 'none') return null;
    if (turn.kind === 'begun') return turn.deletionId;
    tell(`waits ${String(Math.ceil(turn.waitMs / 1_000))} s, in which the deletion can be taken back`);
    await condition(() => wished.again, turn.waitMs);
  }
}

function tell(doing: string): string {
  setCurrentDetails(`**${doing}**`);
  return doing;
}

function sentenceOf(share: DeletionShare): string {
  if (share.kind === 'rows-left') return standsStill(share);
  if (share.kind === 'done') {
    const { messages, kept, notes, bytes, seconds } = share;
    const noted = notes > 0 ? `; ${String(notes)} activities stay as notes` : '';
    return `deleted and verified: ${String(messages)} messages and ${String(bytes)} bytes in ${String(seconds)} s; ${String(kept)} messages stay, other mailboxes hold them${noted}`;
  }
  const { done, total } = share.progress;
  return `deletes: ${String(done)} of ${String(total ?? 0)} ledger rows${speedOf(share.progress)}`;
}

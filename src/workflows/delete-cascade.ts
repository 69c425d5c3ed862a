import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  continueAsNew,
  executeChild,
  getExternalWorkflowHandle,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';

import type { Activities } from '../activities';
import type { CascadeShare } from '../activities/delete-cascade';
import { publicId } from '../domain/ids';
import { importOptions } from './activity-options';
import { signals, taskQueues, workflowIds, type CascadeInput } from './contract';
import { foundBy } from './contract-search-attributes';
import { deleteMailbox } from './delete-mailbox';
import { firstPauseMs, pauseAfter, speedOf, standsStill } from './deletion-pace';

/** Mailboxes that are deleted at the same time. One that stands still holds up one of these. */
const lanes = 4;

type Again = (input: CascadeInput) => Promise<never>;

/**
 * Deletes a record: its links, its place in timelines, its addresses; verifies that nothing is left and ends with the report. Like the
 * other two it can be started again at any moment: which deletion it is, and how far, stands in Postgres.
 */
export function deleteRecord(input: CascadeInput): Promise<string> {
  return carryOut(input, continueAsNew<typeof deleteRecord>);
}

/** Deletes a user: first the mailboxes that go with them, each by its own workflow, then all that is theirs. */
export function deleteUser(input: CascadeInput): Promise<string> {
  return carryOut(input, continueAsNew<typeof deleteUser>);
}

/** Deletes a tenant: stops and deletes all its mailboxes, each by its own workflow, then every row that is its own. */
export function deleteTenant(input: CascadeInput): Promise<string> {
  return carryOut(input, continueAsNew<typeof deleteTenant>);
}

async function carryOut(input: CascadeInput, again: Again): Promise<string> {
  const { tenantId, deletionId } = input;
  const { deleteCascade } = proxyActivities<Pick<Activities, 'deleteCascade'>>({
    ...importOptions,
    summary: `delete the next rows, as ${publicId('deletion', deletionId)} says`,
  });
  setCurrentDetails('**closes what is open of it, and counts what is to be deleted**');
  let pauseMs = input.pauseMs ?? firstPauseMs;
  for (;;) {
    const share = await deleteCascade({ tenantId, deletionId });
    const sentence = sentenceOf(share);
    setCurrentDetails(`**${sentence}**`);
    switch (share.kind) {
      case 'none':
      case 'done':
        return sentence;
      case 'mailboxes':
        await deleteMailboxes(input, share.mailboxIds);
        break;
      case 'rows-left':
        await sleep(pauseMs, { summary: 'until the rows that are left are looked at again' });
        pauseMs = pauseAfter(pauseMs);
        break;
      case 'more':
    }
    if (workflowInfo().continueAsNewSuggested) await again({ ...input, pauseMs });
  }
}

async function deleteMailboxes(input: CascadeInput, mailboxIds: string[]): Promise<void> {
  const waiting = [...mailboxIds];
  const lane = async () => {
    for (let mailboxId = waiting.shift(); mailboxId !== undefined; mailboxId = waiting.shift()) {
      await deleteOne(input, mailboxId);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** The workflow that deletes a mailbox, as a child. One that somebody started before is told to begin, and looked at again by the next share. */
async function deleteOne({ tenantId, pauseMs = firstPauseMs }: CascadeInput, mailboxId: string): Promise<void> {
  const workflowId = workflowIds.deleteMailbox(mailboxId);
  try {
    await executeChild(deleteMailbox, {
      args: [{ tenantId, mailboxId }],
      workflowId,
      taskQueue: taskQueues.sync,
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      // It stands on its own: whoever ends this one does not leave a mailbox half deleted.
      parentClosePolicy: 'ABANDON',
      cancellationType: 'ABANDON',
      typedSearchAttributes: foundBy({ tenantId, mailboxId }),
      staticSummary: `Deletes the mailbox ${publicId('mailbox', mailboxId)}`,
    });
  } catch (error) {
    if (isCancellation(error)) throw error;
    if (error instanceof WorkflowExecutionAlreadyStartedError) await tellToBegin(workflowId);
    await sleep(pauseMs, { summary: 'until the mailbox is looked at again' });
  }
}

async function tellToBegin(workflowId: string): Promise<void> {
  try {
    await getExternalWorkflowHandle(workflowId).signal(signals.wish);
  } catch (error) {
    // It has ended meanwhile.
    if (isCancellation(error)) throw error;
  }
}

function sentenceOf(share: CascadeShare): string {
  switch (share.kind) {
    case 'none':
      return 'there is nothing to delete';
    case 'mailboxes':
      return `deletes mailboxes: ${String(share.left)} left${progressOf(share.progress)}`;
    case 'more':
      return `deletes${progressOf(share.progress)}`;
    case 'rows-left':
      return standsStill(share);
    case 'done': {
      const { rows, mailboxes, kept, bytes, seconds } = share;
      return `deleted and verified: ${String(rows)} rows, ${String(mailboxes)} mailboxes and ${String(bytes)} bytes in ${String(seconds)} s; ${String(kept)} messages stay`;
    }
  }
}

function progressOf(progress: Extract<CascadeShare, { kind: 'more' }>['progress'] | null): string {
  if (progress === null) return '';
  const { done, total } = progress;
  return `: ${String(done)} of ${String(total ?? 0)}${speedOf(progress)}`;
}

import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ParentClosePolicy, startChild } from '@temporalio/workflow';

import { publicId } from '../domain/ids';
import { taskQueues, workflowIds, workflowNames } from './contract';
import { foundBy } from './contract-search-attributes';
import type { MailboxRun } from './mailbox-run';

/** Starts the import of a mailbox's history beside its rounds. Where one runs already, nothing happens. */
export async function startImport(run: MailboxRun): Promise<void> {
  if (run.importIsRunning) return;
  run.importIsRunning = true;
  try {
    const handle = await startChild(workflowNames.importHistory, {
      args: [run.mailbox],
      workflowId: workflowIds.importHistory(run.mailbox.mailboxId),
      taskQueue: taskQueues.bulk,
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      typedSearchAttributes: foundBy(run.mailbox),
      staticSummary: `Imports the history of ${publicId('mailbox', run.mailbox.mailboxId)}, newest first, behind live mail`,
    });
    const ended = () => {
      run.importIsRunning = false;
    };
    handle.result().then(ended, ended);
  } catch (error) {
    // One that an earlier run of this workflow has started goes on; the next round asks again.
    run.importIsRunning = false;
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

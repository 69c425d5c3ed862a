import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ParentClosePolicy, startChild } from '@temporalio/workflow';

import { taskQueues, workflowIds, workflowNames } from './contract';
import type { MailboxRun } from './mailbox-run';

const askAgainMs = 5_000;

/** Starts the import of a mailbox's history beside its rounds. Where one runs already, nothing happens. */
export async function startImport(run: MailboxRun): Promise<void> {
  if (run.importIsRunning) return;
  run.importIsRunning = true;
  try {
    const handle = await startChild(workflowNames.importHistory, {
      args: [{ ...run.mailbox, fence: run.fence }],
      workflowId: workflowIds.importHistory(run.mailbox.mailboxId),
      taskQueue: taskQueues.bulk,
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      staticSummary: 'Imports the history of a mailbox, newest first, behind live mail',
    });
    const ended = () => {
      run.importIsRunning = false;
      run.isDue = true;
    };
    handle.result().then(ended, ended);
  } catch (error) {
    run.importIsRunning = false;
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    // One begun before this run, or before the newest wish, is still there; whether it goes on is asked again soon.
    run.timer.restart(askAgainMs);
  }
}

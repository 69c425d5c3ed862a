import { WorkflowNotFoundError, type Client, type WorkflowExecutionDescription } from '@temporalio/client';

import type { Engine, OpenWork } from '../activities/context';
import { signals, workflowIds, type Wish } from '../workflows/contract';

type Kind = OpenWork['kind'];

const idsOfWork: Record<Kind, (mailboxId: string) => string> = {
  rounds: workflowIds.mailboxSync,
  imports: workflowIds.importHistory,
  audits: workflowIds.auditMailbox,
};

/** What does the work; other activities of these workflows read or write a row. */
const working = new Set(['runRound', 'importBatch', 'auditFolders']);

/** Looks at the work that is open of a mailbox, and brings it to its end. */
export function createWorkEngine(client: Client): Pick<Engine, 'openWork' | 'tell' | 'cancel' | 'terminate'> {
  const handleOf = ({ workflowId, runId }: OpenWork) => client.workflow.getHandle(workflowId, runId);
  return {
    openWork: (mailboxId) => openWork(client, mailboxId),
    // By the id alone: a run that was continued meanwhile hears it too.
    tell: (work, wish: Wish) =>
      unlessEnded(client.workflow.getHandle(work.workflowId).signal<[Wish]>(signals.wish, wish)),
    cancel: (work) => unlessEnded(handleOf(work).cancel()),
    terminate: (work, reason) => unlessEnded(handleOf(work).terminate(reason)),
  };
}

async function openWork(client: Client, mailboxId: string): Promise<OpenWork[]> {
  const kinds = Object.keys(idsOfWork) as Kind[];
  const found = await Promise.all(kinds.map((kind) => workOf(client, kind, idsOfWork[kind](mailboxId))));
  return found.filter((work) => work !== null);
}

async function workOf(client: Client, kind: Kind, workflowId: string): Promise<OpenWork | null> {
  const description = await describe(client, workflowId);
  if (description?.status.name !== 'RUNNING') return null;
  const pending = description.raw.pendingActivities ?? [];
  const isBusy = pending.some(({ activityType }) => working.has(activityType?.name ?? ''));
  return { kind, workflowId, runId: description.runId, isBusy };
}

async function describe(client: Client, workflowId: string): Promise<WorkflowExecutionDescription | null> {
  try {
    return await client.workflow.getHandle(workflowId).describe();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

async function unlessEnded(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}

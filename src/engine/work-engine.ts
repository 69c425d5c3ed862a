import { WorkflowNotFoundError, type Client, type WorkflowExecutionDescription } from '@temporalio/client';

import type { Engine, JobRef, OpenRun, OpenWork } from '../activities/context';
import { publicId } from '../domain/ids';
import { signals, workflowIds, type Wish } from '../workflows/contract';

type Kind = OpenWork['kind'];

const idsOfWork: Record<Kind, (mailboxId: string) => string> = {
  rounds: workflowIds.mailboxSync,
  imports: workflowIds.importHistory,
  audits: workflowIds.auditMailbox,
};

const idsOfJobs: Record<JobRef['kind'], (id: string) => string> = {
  stop: workflowIds.stopMailbox,
  import: workflowIds.importHistory,
  audit: workflowIds.auditMailbox,
  deletion: workflowIds.deleteMailbox,
  record: (id) => workflowIds.deleteCascade(publicId('record', id)),
  user: (id) => workflowIds.deleteCascade(publicId('user', id)),
  tenant: (id) => workflowIds.deleteCascade(publicId('tenant', id)),
  erasure: workflowIds.erasePerson,
  rematch: workflowIds.rematch,
  merge: workflowIds.mergeRecords,
  thread: workflowIds.linkThread,
  links: workflowIds.linkMessages,
  replay: workflowIds.replayFailures,
  reprocess: workflowIds.reprocess,
  connector: workflowIds.crmConnector,
};

/** The workflow of a mailbox is there for as long as the mailbox; imports and audits are there to work. */
const roundActivity = 'runRound';

/** Looks at the work that is open of a mailbox, and brings it to its end. */
export function createWorkEngine(
  client: Client,
): Pick<Engine, 'openWork' | 'runOf' | 'tell' | 'cancel' | 'terminate' | 'showAudit'> {
  const handleOf = ({ workflowId, runId }: Pick<OpenRun, 'workflowId' | 'runId'>) =>
    client.workflow.getHandle(workflowId, runId);
  return {
    openWork: (mailboxId) => openWork(client, mailboxId),
    runOf: ({ kind, id }) => runOf(client, idsOfJobs[kind](id)),
    // By the id alone: a run that was continued meanwhile hears it too.
    tell: (work, wish: Wish) =>
      unlessEnded(client.workflow.getHandle(work.workflowId).signal<[Wish]>(signals.wish, wish)),
    showAudit: (mailboxId, counts) =>
      unlessEnded(client.workflow.getHandle(workflowIds.auditMailbox(mailboxId)).signal(signals.counts, counts)),
    cancel: (work) => unlessEnded(handleOf(work).cancel()),
    terminate: (work, reason) => unlessEnded(handleOf(work).terminate(reason)),
  };
}

async function openWork(client: Client, mailboxId: string): Promise<OpenWork[]> {
  const kinds = Object.keys(idsOfWork) as Kind[];
  const found = await Promise.all(kinds.map((kind) => workOf(client, kind, idsOfWork[kind](mailboxId))));
  return found.filter((work) => work !== null);
}

async function runOf(client: Client, workflowId: string): Promise<OpenRun | null> {
  const description = await describe(client, workflowId);
  if (description?.status.name !== 'RUNNING') return null;
  const { runId, startTime, raw } = description;
  return { workflowId, runId, startedAt: startTime.getTime(), taskAttempts: raw.pendingWorkflowTask?.attempt ?? 0 };
}

async function workOf(client: Client, kind: Kind, workflowId: string): Promise<OpenWork | null> {
  const description = await describe(client, workflowId);
  if (description?.status.name !== 'RUNNING') return null;
  const pending = description.raw.pendingActivities ?? [];
  const isBusy = kind !== 'rounds' || pending.some(({ activityType }) => activityType?.name === roundActivity);
  const heard = pending.map(({ lastHeartbeatTime, lastStartedTime }) =>
    millisecondsOf(lastHeartbeatTime ?? lastStartedTime),
  );
  return {
    kind,
    workflowId,
    runId: description.runId,
    isBusy,
    heardAt: heard.length === 0 ? null : Math.max(...heard),
    taskAttempts: description.raw.pendingWorkflowTask?.attempt ?? 0,
  };
}

function millisecondsOf(time: { seconds?: unknown } | null | undefined): number {
  return Number(time?.seconds ?? 0) * 1_000;
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

import type { Client } from '@temporalio/client';

import type { Engine } from '../activities/context';
import { publicId } from '../domain/ids';
import {
  signals,
  taskQueues,
  workflowIds,
  workflowNames,
  type AuditInput,
  type ConnectorInput,
  type MailboxRef,
  type MailboxSyncInput,
  type RematchInput,
  type ReplayInput,
  type ReprocessInput,
  type Wish,
} from '../workflows/contract';
import { startCascade } from './cascade-engine';
import { startErasure } from './erasure-engine';
import { startLinks } from './links-engine';
import { startMerge } from './merge-engine';
import { foundBy } from '../workflows/contract-search-attributes';
import { createShardEngine } from './shard-engine';
import { createOverview } from './overview';
import { createWorkEngine } from './work-engine';

/** Starts, tells and ends the workflows of mailboxes, and knows which ones run. Pokes go over `pokes`, where there is one. */
export function createMailboxEngine(client: Client, pokes = client): Engine {
  return {
    // With the wish as a signal: one that is just about to end hears that it is to go on.
    start: async ({ epoch, ...mailbox }) => {
      await sendWish(client, { ...mailbox, fence: { epoch, generation: mailbox.generation } });
    },
    stop: (mailbox) => sendStop(client, mailbox),
    startDeletion: (mailbox) => sendDeletion(client, mailbox),
    startErasure: (erasure) => startErasure(client, erasure),
    startCascade: (cascade) => startCascade(client, cascade),
    startRematch: async (input) => {
      await client.workflow.start(workflowNames.rematch, rematchOptions(input));
    },
    startMerge: (job) => startMerge(client, job),
    startLinks: (links) => startLinks(client, links, 1),
    startAudit: async (input) => {
      await client.workflow.start(workflowNames.auditMailbox, auditOptions(input));
    },
    startReplay: async (input) => {
      // Without a signal: one that runs needs none, and Temporal takes no more than 10,000 for a workflow.
      await client.workflow.start(workflowNames.replayFailures, replayOptions(input));
    },
    wakeConnector: (connector) => sendConnector(client, connector),
    startReprocess: async (input) => {
      await client.workflow.start(workflowNames.reprocess, reprocessOptions(input));
    },
    ...createWorkEngine(client),
    ...createOverview(client),
    ...createShardEngine(client, pokes),
  };
}

/** Tells the workflow of a mailbox the newest wish, and starts it where there is none. */
export async function sendWish(client: Client, mailbox: MailboxSyncInput & { provider: string }): Promise<void> {
  const wish: Wish = { generation: mailbox.fence.generation, desired: mailbox.desired };
  await client.workflow.signalWithStart(workflowNames.mailboxSync, {
    ...mailboxSyncOptions(mailbox),
    signal: signals.wish,
    signalArgs: [wish],
  });
}

/** How the workflow of a mailbox is started, by whomever. */
export function mailboxSyncOptions(mailbox: MailboxSyncInput & { provider: string }) {
  const { tenantId, mailboxId, desired, fence } = mailbox;
  const input: MailboxSyncInput = { tenantId, mailboxId, desired, fence };
  return {
    args: [input],
    taskQueue: taskQueues.sync,
    workflowId: workflowIds.mailboxSync(mailboxId),
    workflowIdReusePolicy: 'ALLOW_DUPLICATE' as const,
    workflowIdConflictPolicy: 'USE_EXISTING' as const,
    ...shownInUi(mailbox),
  };
}

/** How the job that links stored mail again is started; a second start is a no-op. */
export function rematchOptions(input: RematchInput) {
  return {
    args: [input],
    taskQueue: taskQueues.bulk,
    workflowId: workflowIds.rematch(input.operationId),
    workflowIdConflictPolicy: 'USE_EXISTING' as const,
    typedSearchAttributes: foundBy(input),
    staticSummary: 'Links stored mail again after addresses changed, or tells anew who may read it',
  };
}

/** How a comparison of a mailbox with its server is started, by whomever; one that runs is used. */
export function auditOptions(input: AuditInput) {
  return {
    args: [input],
    taskQueue: taskQueues.sync,
    workflowId: workflowIds.auditMailbox(input.mailboxId),
    workflowIdConflictPolicy: 'USE_EXISTING' as const,
    typedSearchAttributes: foundBy(input),
    staticSummary: 'Compares the ledger of a mailbox with its server',
  };
}

/** Starts a replay that a person has let go on; one that runs, or is just about to end because it was held, goes on. */
export function sendReplay(client: Client, input: ReplayInput): Promise<void> {
  return sendOn(client, workflowNames.replayFailures, replayOptions(input));
}

function replayOptions(input: ReplayInput) {
  return heldJobOptions(input, {
    workflowId: workflowIds.replayFailures(input.operationId),
    staticSummary: 'Reads messages again that could not be read',
  });
}

/** Starts the job that reads stored mail again; one that runs, or is just about to end because it was held, goes on. */
export function sendReprocess(client: Client, input: ReprocessInput): Promise<void> {
  return sendOn(client, workflowNames.reprocess, reprocessOptions(input));
}

function reprocessOptions(input: ReprocessInput) {
  return heldJobOptions(input, {
    workflowId: workflowIds.reprocess(input.operationId),
    staticSummary: 'Reads stored mail again with the parser of today',
  });
}

/** Starts the workflow of a connector; one that runs, or is just about to end, is told that there is something to do. */
export async function sendConnector(client: Client, { tenantId, connectorId }: ConnectorInput): Promise<void> {
  await client.workflow.signalWithStart(workflowNames.crmConnector, {
    args: [{ tenantId, connectorId }],
    taskQueue: taskQueues.bulk,
    workflowId: workflowIds.crmConnector(connectorId),
    workflowIdReusePolicy: 'ALLOW_DUPLICATE' as const,
    typedSearchAttributes: foundBy({ tenantId }),
    staticSummary: `Keeps a CRM and its records in step: ${publicId('connector', connectorId)}`,
    signal: signals.wish,
    signalArgs: [],
  });
}

/** Starts the deletion of a mailbox; one that runs is used, and told to look at what is wished now. */
export async function sendDeletion(client: Client, { tenantId, mailboxId }: MailboxRef): Promise<void> {
  await client.workflow.signalWithStart(workflowNames.deleteMailbox, {
    args: [{ tenantId, mailboxId }],
    taskQueue: taskQueues.sync,
    workflowId: workflowIds.deleteMailbox(mailboxId),
    workflowIdReusePolicy: 'ALLOW_DUPLICATE' as const,
    typedSearchAttributes: foundBy({ tenantId, mailboxId }),
    staticSummary: `Deletes the mailbox ${publicId('mailbox', mailboxId)}`,
    signal: signals.wish,
    signalArgs: [],
  });
}

/** Starts the stop of a mailbox; one that runs is used, and told that it was wished once more. */
export async function sendStop(client: Client, { tenantId, mailboxId }: MailboxRef): Promise<void> {
  await client.workflow.signalWithStart(workflowNames.stopMailbox, {
    ...stopOptions({ tenantId, mailboxId }),
    signal: signals.wish,
    signalArgs: [],
  });
}

function stopOptions(mailbox: MailboxRef) {
  return {
    args: [mailbox],
    taskQueue: taskQueues.sync,
    workflowId: workflowIds.stopMailbox(mailbox.mailboxId),
    workflowIdReusePolicy: 'ALLOW_DUPLICATE' as const,
    workflowIdConflictPolicy: 'USE_EXISTING' as const,
    typedSearchAttributes: foundBy(mailbox),
    staticSummary: `Stops the mailbox ${publicId('mailbox', mailbox.mailboxId)}: drains, else cancels, else terminates`,
  };
}

/** What the Temporal UI finds and shows a mailbox by. Ids only. */
function shownInUi(mailbox: { tenantId: string; mailboxId: string; provider: string }) {
  return {
    typedSearchAttributes: foundBy(mailbox, { MailboxStatus: 'connecting', Provider: mailbox.provider }),
    staticSummary: `Syncs the mailbox ${publicId('mailbox', mailbox.mailboxId)}`,
  };
}

/** A job that a person may hold and let go on. */
function heldJobOptions(
  { tenantId, operationId }: { tenantId: string; operationId: string },
  own: { workflowId: string; staticSummary: string },
) {
  return {
    args: [{ tenantId, operationId }],
    taskQueue: taskQueues.bulk,
    workflowIdReusePolicy: 'ALLOW_DUPLICATE' as const,
    workflowIdConflictPolicy: 'USE_EXISTING' as const,
    typedSearchAttributes: foundBy({ tenantId }),
    ...own,
  };
}

async function sendOn(client: Client, name: string, options: ReturnType<typeof heldJobOptions>): Promise<void> {
  await client.workflow.signalWithStart(name, { ...options, signal: signals.wish, signalArgs: [] });
}

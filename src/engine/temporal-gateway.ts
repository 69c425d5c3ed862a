import {
  Client,
  Connection,
  WithStartWorkflowOperation,
  WorkflowFailedError,
  WorkflowUpdateFailedError,
  type Workflow,
} from '@temporalio/client';

import { EngineUnavailable, type EngineHealth, type MailboxToRun, type TemporalGateway } from '../api/temporal-gateway';
import {
  taskQueues,
  updates,
  workflowNames,
  type AuditInput,
  type RematchInput,
  type SyncNowAnswer,
} from '../workflows/contract';
import {
  auditOptions,
  mailboxSyncOptions,
  rematchOptions,
  sendConnector,
  sendDeletion,
  sendReplay,
  sendReprocess,
  sendStop,
  sendWish,
} from './mailbox-engine';
import { startLinks } from './links-engine';
import { startMerge } from './merge-engine';
import { startCascade } from './cascade-engine';
import { startErasure } from './erasure-engine';
import { isPolled } from './overview';
import { poke } from './shard-engine';

const connectTimeoutMs = 3_000;
/** For what is only told: the answer to the caller waits for it. */
const tellTimeoutMs = 5_000;
/** The workflow before, whose work is done, ends within a moment. */
const linkTries = 15;
/** For what is waited for; a round or an audit that takes longer goes on without us. */
const waitTimeoutMs = 1_800_000;

/** The engine as the API uses it. Nothing is connected until the first call; a connection that broke comes back by itself. */
export function createTemporalGateway(options: { address: string; namespace: string }): TemporalGateway {
  // No retries below ours: what is told is repeated by the reconciler, a person who waits should hear at once that the engine is away,
  // and a retry that is due after close() would end the process.
  const connection = Connection.lazy({ address: options.address, connectTimeout: connectTimeoutMs, interceptors: [] });
  const client = new Client({ connection, namespace: options.namespace });
  const within = <T>(timeoutMs: number, call: () => Promise<T>) =>
    connection.withDeadline(Date.now() + timeoutMs, call).catch((error: unknown) => {
      throw new EngineUnavailable(error);
    });

  return {
    startMailbox: (mailbox) => within(tellTimeoutMs, () => startMailbox(client, mailbox)),
    sendWish: (mailbox) => within(tellTimeoutMs, () => sendWish(client, mailbox)),
    stopMailbox: (mailbox) => within(tellTimeoutMs, () => sendStop(client, mailbox)),
    deleteMailbox: (mailbox) => within(tellTimeoutMs, () => sendDeletion(client, mailbox)),
    erasePerson: (erasure) => within(tellTimeoutMs, () => startErasure(client, erasure)),
    deleteCascade: (cascade) => within(tellTimeoutMs, () => startCascade(client, cascade)),
    poke: ({ mailboxId }, reason) => within(tellTimeoutMs, () => poke(client, mailboxId, reason)),
    syncNow: (mailbox, requestId) => within(waitTimeoutMs, () => syncNow(client, mailbox, requestId)),
    startRematch: (input) => within(tellTimeoutMs, () => startRematch(client, input)),
    startMerge: (input) => within(tellTimeoutMs, () => startMerge(client, input)),
    startLinks: (links) => within(tellTimeoutMs, () => startLinks(client, links, linkTries)),
    startReplay: (input) => within(tellTimeoutMs, () => sendReplay(client, input)),
    startReprocess: (input) => within(tellTimeoutMs, () => sendReprocess(client, input)),
    wakeConnector: (input) => within(tellTimeoutMs, () => sendConnector(client, input)),
    auditMailbox: (input) => within(waitTimeoutMs, () => auditMailbox(client, input)),
    health: () => within(tellTimeoutMs, () => healthOf(client)).catch(() => ({ reachable: false, polled: false })),
    close: () => connection.close(),
  };
}

async function startMailbox(client: Client, mailbox: MailboxToRun): Promise<void> {
  await client.workflow.start(workflowNames.mailboxSync, mailboxSyncOptions(mailbox));
}

async function syncNow(client: Client, mailbox: MailboxToRun, requestId: string): Promise<SyncNowAnswer> {
  const startWorkflowOperation = new WithStartWorkflowOperation<Workflow>(
    workflowNames.mailboxSync,
    mailboxSyncOptions(mailbox),
  );
  try {
    return await client.workflow.executeUpdateWithStart<Workflow, SyncNowAnswer, []>(updates.syncNow, {
      updateId: requestId,
      startWorkflowOperation,
    });
  } catch (error) {
    // The workflow ended while it was asked: it was stopped.
    if (error instanceof WorkflowUpdateFailedError) return { kind: 'failed', failure: 'superseded' };
    throw error;
  }
}

async function startRematch(client: Client, input: RematchInput): Promise<void> {
  await client.workflow.start(workflowNames.rematch, rematchOptions(input));
}

async function auditMailbox(client: Client, input: AuditInput): Promise<void> {
  try {
    await client.workflow.execute(workflowNames.auditMailbox, auditOptions(input));
  } catch (error) {
    // How it ended stands in its operation and at the folders.
    if (!(error instanceof WorkflowFailedError)) throw error;
  }
}

async function healthOf(client: Client): Promise<EngineHealth> {
  return { reachable: true, polled: await isPolled(client, taskQueues.sync) };
}

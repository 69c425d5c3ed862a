/** All that the API, the scripts and the workflows themselves know of one another: names, ids, inputs and answers. Ids only (invariant 4). */
import type { DesiredState, Fence } from '../domain/mailbox-state';

/** Task queues are roles of worker processes, so that production can scale each alone. */
export const taskQueues = { sync: 'letterbook-sync', bulk: 'letterbook-bulk', idle: 'letterbook-idle' } as const;

export const workflowNames = {
  mailboxSync: 'mailboxSync',
  importHistory: 'importHistory',
  auditMailbox: 'auditMailbox',
  stopMailbox: 'stopMailbox',
  deleteMailbox: 'deleteMailbox',
  deleteRecord: 'deleteRecord',
  deleteUser: 'deleteUser',
  deleteTenant: 'deleteTenant',
  erasePerson: 'erasePerson',
  rematch: 'rematch',
  mergeRecords: 'mergeRecords',
  linkThread: 'linkThread',
  unlinkThread: 'unlinkThread',
  relinkThread: 'relinkThread',
  linkMessages: 'linkMessages',
  undoLinks: 'undoLinks',
  replayFailures: 'replayFailures',
  reprocess: 'reprocess',
  reconcile: 'reconcile',
  housekeep: 'housekeep',
  idleShard: 'idleShard',
  crmConnector: 'crmConnector',
} as const;

/** All ids in inputs are the database's UUIDs. */
export interface MailboxRef {
  tenantId: string;
  mailboxId: string;
}

export interface MailboxSyncInput extends MailboxRef {
  fence: Fence;
  desired: DesiredState;
}

/** Why a mailbox is poked; shown in the Temporal UI. */
export type PokeReason = 'arrival' | 'credentials' | 'policy' | 'wish' | 'reconcile' | 'person' | 'watch';

export const signals = { poke: 'poke', wish: 'wish', counts: 'counts' } as const;
export const updates = { syncNow: 'syncNow' } as const;
export const queries = { status: 'status' } as const;

export interface Wish {
  generation: number;
  desired: DesiredState;
}

/** The answer of `syncNow`, when a round has finished that began after it was asked. */
export type SyncNowAnswer =
  | { kind: 'done'; recorded: number; filtered: number; parked: number }
  | { kind: 'not-running'; state: 'paused' | 'stopped' | 'auth-required' }
  | { kind: 'failed'; failure: string };

/** The numbers of `domain/shard.ts`. */
export interface ShardInput {
  shard: number;
}

export interface RematchInput {
  tenantId: string;
  operationId: string;
}

/** Which operation on links; what it is about stands in Postgres. */
export interface LinksInput {
  tenantId: string;
  operationId: string;
}

/** An operation on links to be started: of a thread, or of single messages. */
export interface LinksToRun extends LinksInput {
  kind: 'link-thread' | 'unlink-thread' | 'relink-thread' | 'link-messages' | 'unlink-messages' | 'undo-links';
  /** null: it is about single messages. */
  threadId: string | null;
}

/** Which operation merges two records, or takes them apart. */
export interface MergeInput {
  tenantId: string;
  operationId: string;
}

export interface ReplayInput {
  tenantId: string;
  operationId: string;
}

export interface ReprocessInput {
  tenantId: string;
  operationId: string;
}

/** Which erasure of a person; who it is stands in Postgres. */
export interface ErasureInput {
  tenantId: string;
  deletionId: string;
}

/** Which connector; how its CRM is reached stands in Postgres. */
export interface ConnectorInput {
  tenantId: string;
  connectorId: string;
}

export interface AuditInput extends MailboxRef {
  operationId: string;
}

/** What is deleted beside mailboxes. */
export type CascadeKind = 'record' | 'user' | 'tenant';

/** The deletion of a record, user or tenant. */
export interface CascadeInput {
  tenantId: string;
  deletionId: string;
  /** How long rows that are left are waited for, at first. */
  pauseMs?: number;
}

/** Which deletion, and of what. */
export interface CascadeToRun {
  tenantId: string;
  deletionId: string;
  kind: CascadeKind;
  targetId: string;
}

export const workflowIds = {
  mailboxSync: (mailboxId: string) => `mailbox/mbx_${mailboxId.replaceAll('-', '')}`,
  importHistory: (mailboxId: string) => `import/mbx_${mailboxId.replaceAll('-', '')}`,
  auditMailbox: (mailboxId: string) => `audit/mbx_${mailboxId.replaceAll('-', '')}`,
  stopMailbox: (mailboxId: string) => `stop/mbx_${mailboxId.replaceAll('-', '')}`,
  deleteMailbox: (mailboxId: string) => `deletion/mbx_${mailboxId.replaceAll('-', '')}`,
  deleteCascade: (publicTargetId: string) => `deletion/${publicTargetId}`,
  erasePerson: (deletionId: string) => `erasure/del_${deletionId.replaceAll('-', '')}`,
  idleShard: (shard: number) => `idle-shard/${String(shard)}`,
  crmConnector: (connectorId: string) => `connector/con_${connectorId.replaceAll('-', '')}`,
  rematch: (operationId: string) => `rematch/opn_${operationId.replaceAll('-', '')}`,
  linkThread: (threadId: string) => `thread/thr_${threadId.replaceAll('-', '')}/link`,
  linkMessages: (operationId: string) => `links/opn_${operationId.replaceAll('-', '')}`,
  mergeRecords: (operationId: string) => `merge/opn_${operationId.replaceAll('-', '')}`,
  replayFailures: (operationId: string) => `replay/opn_${operationId.replaceAll('-', '')}`,
  reprocess: (operationId: string) => `reprocess/opn_${operationId.replaceAll('-', '')}`,
} as const;

/** Search attributes, registered at every boot before the first start. */
export const searchAttributes = ['TenantId', 'MailboxId', 'MailboxStatus', 'Provider'] as const;

/** Workflows that run by the clock. */
export const schedules = [
  {
    id: 'reconcile',
    workflow: workflowNames.reconcile,
    every: '1 minute',
    summary: 'Starts what should run and does not',
  },
  {
    id: 'housekeep',
    workflow: workflowNames.housekeep,
    every: '1 hour',
    summary: 'Deletes bytes that nothing refers to',
  },
] as const;

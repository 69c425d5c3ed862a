import type { BlobStore } from '../db/blobs/blob-store';
import type { Database } from '../db/database';
import type { ErasureMirror } from '../db/erasures/mirror';
import type { SecretBox } from '../db/secret-box';
import type { UnfinishedLinks } from '../db/thread-links/unfinished';
import type { DesiredMailbox } from '../db/sync/desired-mailboxes';
import type { MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { DesiredState } from '../domain/mailbox-state';
import type { Directory } from '../domain/directory';
import type { InFlight } from '../domain/stop';
import type { Mailbox } from '../mail/mailbox';
import type { ParsePool } from '../mail/parse/parse-pool';
import type { ByteBudget } from './byte-budget';
import type { SealedConnector } from './open-directory';
import type { ShardCounts } from './shard/held-shard';
import type { AuditCounts } from './show-audit';
import type { ShardPoke } from './shard/poker';
import type { UndeliveredTries } from './undelivered';

/** The limits that activities obey; the values are the configuration's. */
export interface ActivityLimits {
  fetchBatchMessages: number;
  fetchBatchBytes: number;
  streamAboveBytes: number;
  maxHeaderBytes: number;
  liveRoundMessages: number;
  comparedTailUids: number;
  leftOutRepliesPerRound: number;
  otherRouteCommands: number;
  identityRotationDays: number;
  importActivityMessages: number;
  importActivityMs: number;
  maxFolders: number;
  minFreeDiskBytes: number;
  reconcileStartsPerSecond: number;
  dailyAuditMs: number;
  auditsPerMinute: number;
  auditAgainMs: number;
  auditRetryMs: number;
  outageMs: number;
  auditsApartMs: number;
  auditFindingsKeptMs: number;
  confirmRemovalsAbove: number;
  confirmRemovalsPercent: number;
  removalRetryMs: number;
  removalCompareMessages: number;
  removalUnknownMs: number;
  removalChunk: number;
  removedLinksKeptMs: number;
  linkUndoKeptMs: number;
  stuckAfterMs: number;
  reconciliationsKeptMs: number;
  replayReportsKeptMs: number;
  connectorRetryCapMs: number;
  mergeUndoMs: number;
  deletionChunkRows: number;
  deletionHoldMs: number;
  deletionActivityMs: number;
  noSuccessHours: number;
  alternationsKept: number;
  mailboxEventsKept: number;
  mailboxEventsKeptMs: number;
  safetyTimerMs: number;
  flagsLookMs: number;
  watchStaleMs: number;
  stopDrainMs: number;
  stopCancelMs: number;
}

/** Work on a mailbox that Temporal has open. */
export interface OpenWork {
  kind: keyof InFlight;
  workflowId: string;
  runId: string;
  /** Something of it is under way at this moment; else it only waits. */
  isBusy: boolean;
  /** When its work was last heard of, in milliseconds since the epoch; null where none is under way. */
  heardAt: number | null;
  /** How often its workflow task was tried that is under way; 0 where none is. */
  taskAttempts: number;
}

/** What a workflow was started for, and the UUID of what it is about. */
export interface JobRef {
  kind:
    | 'stop'
    | 'import'
    | 'audit'
    | 'deletion'
    | 'record'
    | 'user'
    | 'tenant'
    | 'erasure'
    | 'rematch'
    | 'merge'
    | 'thread'
    | 'links'
    | 'replay'
    | 'reprocess'
    | 'connector';
  id: string;
}

/** A run of a workflow that is open. */
export interface OpenRun {
  workflowId: string;
  runId: string;
  /** Milliseconds since the epoch. */
  startedAt: number;
  /** As that of open work. */
  taskAttempts: number;
}

/** What activities ask of Temporal. */
export interface Engine extends ShardEngine {
  /** Starts the workflow of a mailbox; one that runs is told the newest wish. */
  start(mailbox: DesiredMailbox): Promise<void>;
  /** Starts the stop of a mailbox; one that runs is told that it was wished once more. */
  stop(mailbox: { tenantId: string; mailboxId: string }): Promise<void>;
  /** Starts the deletion of a mailbox; a second start is a no-op. */
  startDeletion(mailbox: { tenantId: string; mailboxId: string }): Promise<void>;
  /** Starts the deletion of a record, user or tenant; a second start is a no-op. */
  startCascade(cascade: {
    tenantId: string;
    deletionId: string;
    kind: 'record' | 'user' | 'tenant';
    targetId: string;
  }): Promise<void>;
  /** Starts the erasure of a person; a second start is a no-op. */
  startErasure(erasure: { tenantId: string; deletionId: string }): Promise<void>;
  /** Starts the job that links stored mail again; a second start is a no-op. */
  startRematch(job: { tenantId: string; operationId: string }): Promise<void>;
  /** Starts an operation that merges records, or takes them apart; one that runs is used. */
  startMerge(job: { tenantId: string; operationId: string }): Promise<void>;
  /** Starts an operation on links; one that runs is used. */
  startLinks(job: UnfinishedLinks): Promise<void>;
  /** Starts the comparison of a mailbox with its server; one that runs is used. */
  startAudit(audit: { tenantId: string; mailboxId: string; operationId: string }): Promise<void>;
  /** Shows how far an audit is at its workflow. Nothing happens where it has ended. */
  showAudit(mailboxId: string, counts: AuditCounts): Promise<void>;
  /** Starts a replay; one that runs goes on. */
  startReplay(job: { tenantId: string; operationId: string }): Promise<void>;
  /** Starts the job that reads stored mail again; one that runs goes on. */
  startReprocess(job: { tenantId: string; operationId: string }): Promise<void>;
  /** Starts the workflow of a connector; one that runs is told that there is something to do. */
  wakeConnector(connector: { tenantId: string; connectorId: string }): Promise<void>;
  /** The mailboxes whose workflow runs, each with its tenant (UUIDs). */
  runningMailboxes(): Promise<Map<string, string>>;
  /** Ids (UUIDs) of the mailboxes whose import runs. */
  runningImports(): Promise<Set<string>>;
  /** Task queues that no worker asks for work. */
  queuesWithoutWorkers(): Promise<string[]>;
  /** What is open of a mailbox: its rounds, its import, its audit. */
  openWork(mailboxId: string): Promise<OpenWork[]>;
  /** The run of a job that is open; null where there is none. */
  runOf(job: JobRef): Promise<OpenRun | null>;
  /** Tells work the newest wish, so that it ends by itself. Nothing happens where it has ended. */
  tell(work: OpenWork, wish: { generation: number; desired: DesiredState }): Promise<void>;
  /** Asks work to leave off and clean up. Nothing happens where it has ended. */
  cancel(work: OpenWork): Promise<void>;
  /** Cuts work off. Nothing happens where it has ended. */
  terminate(work: Pick<OpenRun, 'workflowId' | 'runId'>, reason: string): Promise<void>;
}

/** What watching mailboxes asks of Temporal. */
export interface ShardEngine {
  /** Starts the workflows of shards that do not run; how many. */
  ensureShards(): Promise<number>;
  /** Asks a mailbox for a round. Nothing happens where its workflow does not run. */
  poke(mailboxId: string, reason: ShardPoke | 'reconcile'): Promise<void>;
  /** Has a worker load the workflow of a mailbox, so that it answers its next poke at once; costs no event. */
  load(mailboxId: string): Promise<void>;
  /** Shows the counts of a shard at its workflow. */
  showShard(shard: number, counts: ShardCounts): Promise<void>;
}

/** Everything that activities are made of, handed to them by `src/context.ts`. */
export interface ActivityContext {
  db: Database;
  blobs: BlobStore;
  secretBox: SecretBox;
  parsePool: ParsePool;
  budget: ByteBudget;
  limits: ActivityLimits;
  /** Connects to a mailbox; the password is opened just for it. The signal ends the connection, whatever it is doing. */
  connect(mailbox: MailboxForSync, signal?: AbortSignal): Promise<Mailbox>;
  /** Opens a connector; its secret is opened just for it. @throws CrmFailure where that cannot be done */
  openDirectory(connector: SealedConnector): Directory;
  /** How often records of a connector are fetched. @throws CrmFailure where its settings cannot be read */
  connectorHabits(connector: { kind: string; settings: unknown }): { pullEverySeconds: number };
  /** Where big messages are spooled while they are fetched. */
  spoolDirectory: string;
  /** Free bytes of the disk that holds the data. */
  freeDiskBytes(): Promise<number>;
  engine: Engine;
  /** The file of what was erased: nothing goes before it says so. */
  erasures: ErasureMirror;
  undelivered: UndeliveredTries;
  /** Milliseconds since the epoch. */
  now(): number;
  parserVersion: number;
  codeVersion: string;
}

/** Told to stop: the worker shuts down, or the workflow was cancelled. */
export interface ActivityRun {
  signal: AbortSignal;
  /** From 1, where Temporal counts. */
  attempt?: number;
  /** Of the workflow, where one asked for it. */
  runId?: string;
  /** Tells Temporal that the activity is alive; cheap, throttled by the SDK. */
  heartbeat(): void;
  /** A line in the worker's log, about ids. */
  warn?(what: string, about: Record<string, string>): void;
}

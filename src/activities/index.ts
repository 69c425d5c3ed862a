import { Context } from '@temporalio/activity';

import type { DeletionTurn } from '../db/deletion/steps';
import type { StopReport } from '../domain/stop';
import { applyWish, type WishResult } from './apply-wish';
import { auditFolders, type AuditResult, type AuditRun } from './audit-folders';
import type { Connections } from './connections';
import { connectorTurn, type ConnectorTurn } from './connector-turn';
import type { ActivityContext, ActivityRun } from './context';
import { deleteCascade, type CascadeShare } from './delete-cascade';
import { deleteMailboxRows, deletionTurn, type DeletionShare } from './delete-mailbox';
import { erasePersonRows, type ErasureShare } from './erase-person';
import { fillSearchRows } from './fill-search';
import { housekeep, type HousekeepResult } from './housekeep';
import { importBatch, type ImportResult } from './import-batch';
import { reconcileMailboxes, type ReconcileResult } from './reconcile-mailboxes';
import { changeLinks, type LinkShare } from './thread-links';
import { mergeRecords, type MergeShare } from './merge-records';
import { rematchHistory, type RematchShare } from './rematch-history';
import { replayFailures, type ReplayResult } from './replay-failures';
import { reprocess, type ReprocessResult } from './reprocess';
import { holdShard, type ShardContext, type ShardRun } from './shard/hold-shard';
import { scrubbedError } from './scrubbed-error';
import { runRound, type RoundInput, type RoundResult } from './run-round';
import { watchHealth, type HealthResult } from './watch-health';
import {
  beginStop,
  bringToEnd,
  finishStop,
  goOn,
  type StepResult,
  type StopBegun,
  type StopStep,
} from './stop-mailbox';

/** All activities, made from what they need. Each may run twice, be killed anywhere, or come back late; its doc line says what then happens. */
export interface Activities {
  runRound(input: RoundInput): Promise<RoundResult>;
  importBatch(input: { tenantId: string; mailboxId: string }): Promise<ImportResult>;
  applyWish(input: { tenantId: string; mailboxId: string }): Promise<WishResult>;
  auditFolders(input: AuditRun): Promise<AuditResult>;
  fillSearchRows(input: { tenantId: string }): Promise<{ filled: number }>;
  changeLinks(input: { tenantId: string; operationId: string }): Promise<LinkShare>;
  rematchHistory(input: { tenantId: string; operationId: string }): Promise<RematchShare>;
  mergeRecords(input: { tenantId: string; operationId: string }): Promise<MergeShare>;
  replayFailures(input: { tenantId: string; operationId: string }): Promise<ReplayResult>;
  reprocess(input: { tenantId: string; operationId: string }): Promise<ReprocessResult>;
  reconcileMailboxes(): Promise<ReconcileResult>;
  connectorTurn(input: { tenantId: string; connectorId: string }): Promise<ConnectorTurn>;
  watchHealth(): Promise<HealthResult>;
  housekeep(): Promise<HousekeepResult>;
  beginStop(input: MailboxRef): Promise<StopBegun>;
  bringToEnd(input: MailboxRef & { step: StopStep }): Promise<StepResult>;
  finishStop(input: MailboxRef & { report: StopReport }): Promise<'stopped' | 'goes-on'>;
  goOn(input: MailboxRef): Promise<void>;
  deletionTurn(input: MailboxRef): Promise<DeletionTurn>;
  deleteMailboxRows(input: MailboxRef & { deletionId: string }): Promise<DeletionShare>;
  erasePersonRows(input: { tenantId: string; deletionId: string }): Promise<ErasureShare>;
  deleteCascade(input: { tenantId: string; deletionId: string }): Promise<CascadeShare>;
  holdShard(input: { shard: number }): Promise<void>;
}

interface MailboxRef {
  tenantId: string;
  mailboxId: string;
}

/** Binds the activities to their context, for `Worker.create`. */
export function createActivities(
  context: ActivityContext & { connections: Connections },
): Omit<Activities, 'holdShard'> {
  return {
    runRound: (input) => alive((run) => runRound(context, run, input)),
    importBatch: (input) => alive((run) => importBatch(context, run, input)),
    applyWish: (input) => alive(() => applyWish(context, input)),
    auditFolders: (input) => alive((run) => auditFolders(context, run, input)),
    fillSearchRows: (input) => alive((run) => fillSearchRows(context, run, input)),
    changeLinks: (input) => alive((run) => changeLinks(context, run, input)),
    rematchHistory: (input) => alive((run) => rematchHistory(context, run, input)),
    mergeRecords: (input) => alive((run) => mergeRecords(context, run, input)),
    replayFailures: (input) => alive((run) => replayFailures(context, run, input)),
    reprocess: (input) => alive((run) => reprocess(context, run, input)),
    connectorTurn: (input) => alive((run) => connectorTurn(context, run, input)),
    housekeep: () => alive((run) => housekeep(context, run)),
    beginStop: (input) => alive(() => beginStop(context, input)),
    bringToEnd: (input) => alive((run) => bringToEnd(context, run, input)),
    finishStop: (input) => alive(() => finishStop(context, input)),
    goOn: (input) => alive(() => goOn(context, input)),
    deletionTurn: (input) => alive(() => deletionTurn(context, input)),
    deleteMailboxRows: (input) => alive((run) => deleteMailboxRows(context, run, input)),
    erasePersonRows: (input) => alive((run) => erasePersonRows(context, run, input)),
    deleteCascade: (input) => alive((run) => deleteCascade(context, run, input)),
    reconcileMailboxes: () => alive((run) => reconcileMailboxes(context, run)),
    watchHealth: () => alive((run) => watchHealth(context, run)),
  };
}

/** The activity of workers that watch. */
export function createShardActivities(shards: ShardContext): Pick<Activities, 'holdShard'> {
  return { holdShard: (input) => holdShard(shards, shardRun(), input) };
}

/** A shard heartbeats with its counts, which the Temporal UI shows. */
function shardRun(): ShardRun {
  const activity = Context.current();
  return {
    signal: activity.cancellationSignal,
    why: () => {
      const details = activity.cancellationDetails;
      if (details?.workerShutdown === true) return 'worker-shutdown';
      return details?.cancelRequested === true ? 'cancelled' : 'out-of-touch';
    },
    heartbeat: (counts) => activity.heartbeat(counts),
  };
}

const heartbeatEveryMs = 5_000;

/**
 * Runs work that heartbeats by itself, so that a step that waits for a slow server is not taken for a dead worker. Work that is over before
 * the first is due sends none: each costs Temporal as much as a task. Errors leave it without what they might quote.
 */
async function alive<Result>(work: (run: ActivityRun) => Promise<Result>): Promise<Result> {
  const activity = Context.current();
  let lastAt = performance.now();
  const heartbeat = () => {
    const now = performance.now();
    if (now - lastAt < heartbeatEveryMs * 0.9) return;
    lastAt = now;
    activity.heartbeat();
  };
  const timer = setInterval(heartbeat, heartbeatEveryMs);
  try {
    const warn: ActivityRun['warn'] = (what, about) => {
      activity.log.warn(what, about);
    };
    const { attempt, workflowExecution } = activity.info;
    const runId = workflowExecution === undefined ? {} : { runId: workflowExecution.runId };
    return await work({ signal: activity.cancellationSignal, attempt, ...runId, heartbeat, warn });
  } catch (error) {
    throw scrubbedError(error);
  } finally {
    clearInterval(timer);
  }
}

import { unfinishedCascades } from '../db/deletion/cascade/cascades';
import { unfinishedDeletions } from '../db/deletion/deletions';
import { unfinishedErasures } from '../db/people/unfinished-erasures';
import { unfinishedMerges } from '../db/merges/unfinished-merges';
import { unfinishedRematches } from '../db/records-rematch';
import { unfinishedLinks } from '../db/thread-links/unfinished';
import type { DesiredMailbox } from '../db/sync/desired-mailboxes';
import { recordReconciliation } from '../db/sync/reconciliation-write';
import type { ActivityContext, ActivityRun } from './context';
import { startDueAudits } from './reconcile/audits';
import { compare, type Differences } from './reconcile/compare';
import { createPace, type Pace } from './reconcile/pace';
import { startReplays } from './reconcile/start-replays';
import { helpStuck, remindOfImports, remindOfRemovals } from './reconcile/stuck';
import { wakeConnectors } from './reconcile/wake-connectors';
import { createTallies, type Tallies } from './reconcile/tally';
import { pokeUnwatched } from './shard/poke-unwatched';

export interface ReconcileResult {
  /** Mailboxes that should have a workflow, and workflows of mailboxes that there were. */
  desired: number;
  running: number;
  started: number;
  /** Told of a wish that they had not taken up. */
  reminded: number;
  /** Workflows that there should not be, and stops that nobody carried out. */
  ended: number;
  /** Mailboxes whose work waited too long while nothing moved. */
  stuck: number;
  /** Mailboxes that nobody watches, and that were looked at by the clock; those whose import was lost, and those whose removals are overdue. */
  poked: number;
  /** Jobs that link stored mail again and that nobody was running. */
  rematches: number;
  /** Comparisons with the server that were due. */
  audits: number;
  /** Deletions that have not ended. */
  deletions: number;
  queuesWithoutWorkers: string[];
}

const unattendedAfterMs = 60_000;

/**
 * Makes the running workflows match the wishes in Postgres: starts what should run and does not, at most so many a second and the most
 * recently active first, ends what should not run, reminds a workflow of a wish it has not taken up, helps what is stuck, and writes down
 * what it did. Second run: a start, an end or a reminder too many is a no-op.
 */
export async function reconcileMailboxes(context: ActivityContext, run: ActivityRun): Promise<ReconcileResult> {
  const startedAt = new Date(context.now());
  const tallies = createTallies();
  const pace = createPace(context.limits.reconcileStartsPerSecond, () => context.now());
  const differences = await compare(context, run, tallies);
  await mend(context, run, { differences, tallies, pace });
  await helpStuck(context, run, { tallies, pace });
  await context.engine.ensureShards();
  const unwatched = await pokeUnwatched(context, run);
  const poked = unwatched + (await remindOfImports(context, run, pace)) + (await remindOfRemovals(context, run, pace));
  const audits = await startDueAudits(context, run, pace);
  const jobs = await startJobs(context);
  await startReplays(context, run, pace);
  await wakeConnectors(context, run, pace);
  const queuesWithoutWorkers = await context.engine.queuesWithoutWorkers();
  await recordReconciliation(context.db, {
    startedAt,
    finishedAt: new Date(context.now()),
    tenants: tallies.byTenant,
    queuesWithoutWorkers,
    keptMs: context.limits.reconciliationsKeptMs,
  });
  const [desired, running, started] = [tallies.sum('desired'), tallies.sum('running'), tallies.sum('started')];
  const [reminded, ended, stuck] = [tallies.sum('reminded'), tallies.sum('ended'), tallies.sum('stuck')];
  return { desired, running, started, reminded, ended, stuck, poked, audits, ...jobs, queuesWithoutWorkers };
}

async function mend(
  { engine }: ActivityContext,
  run: ActivityRun,
  { differences, tallies, pace }: { differences: Differences; tallies: Tallies; pace: Pace },
): Promise<void> {
  const each = async (mailboxes: DesiredMailbox[], mending: (mailbox: DesiredMailbox) => Promise<unknown>) => {
    for (const mailbox of mailboxes) {
      run.signal.throwIfAborted();
      await pace();
      await mending(mailbox);
      run.heartbeat();
    }
  };
  // What is to end goes first: there is little of it, and nobody may wait for it behind ten thousand starts.
  await each(differences.unstopped, async (mailbox) => {
    await engine.stop(mailbox);
    tallies.count(mailbox.tenantId, 'ended');
  });
  for (const [mailboxId, tenantId] of differences.surplus) {
    run.signal.throwIfAborted();
    // The list of what runs is some moments old.
    if ((await engine.openWork(mailboxId)).every(({ kind }) => kind !== 'rounds')) continue;
    await pace();
    await engine.stop({ tenantId, mailboxId });
    tallies.count(tenantId, 'ended');
    tallies.find(tenantId, { mailboxId, reason: 'should-not-run', action: 'stopped' });
    run.heartbeat();
  }
  await each(differences.missing, async (mailbox) => {
    await engine.start(mailbox);
    tallies.count(mailbox.tenantId, 'started');
  });
  await each(differences.unheard, async (mailbox) => {
    await engine.start(mailbox);
    tallies.count(mailbox.tenantId, 'reminded');
  });
}

async function startJobs({ db, engine }: ActivityContext): Promise<{ rematches: number; deletions: number }> {
  const rematches = await unfinishedRematches(db, unattendedAfterMs);
  for (const job of rematches) await engine.startRematch(job);
  for (const job of await unfinishedLinks(db, unattendedAfterMs)) await engine.startLinks(job);
  for (const job of await unfinishedMerges(db, unattendedAfterMs)) await engine.startMerge(job);
  const deletions = await unfinishedDeletions(db);
  for (const mailbox of deletions) await engine.startDeletion(mailbox);
  const erasures = await unfinishedErasures(db);
  for (const erasure of erasures) await engine.startErasure(erasure);
  const cascades = await unfinishedCascades(db);
  for (const cascade of cascades) await engine.startCascade(cascade);
  return { rematches: rematches.length, deletions: deletions.length + cascades.length };
}

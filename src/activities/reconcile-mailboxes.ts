import type { DesiredMailbox } from '../db/sync/desired-mailboxes';
import { recordReconciliation } from '../db/sync/reconciliation-write';
import { publicId } from '../domain/ids';
import type { ActivityContext, ActivityRun } from './context';
import { startDueAudits } from './reconcile/audits';
import { compare, type Differences } from './reconcile/compare';
import { inTurn, type Turns } from './reconcile/in-turn';
import { createPace } from './reconcile/pace';
import { startJobs } from './reconcile/start-jobs';
import { startReplays } from './reconcile/start-replays';
import { helpStuck, helpWorkAtRest, remindOfImports, remindOfRemovals, stopAgain } from './reconcile/stuck';
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

/**
 * Makes the running workflows match the wishes in Postgres: starts what should run and does not, at most so many a second and the most
 * recently active first, ends what should not run, reminds a workflow of a wish it has not taken up, helps what is stuck, and writes down
 * what it did. Second run: a start, an end or a reminder too many is a no-op.
 */
export async function reconcileMailboxes(context: ActivityContext, run: ActivityRun): Promise<ReconcileResult> {
  const startedAt = new Date(context.now());
  const tallies = createTallies();
  const pace = createPace(context.limits.reconcileStartsPerSecond, () => context.now());
  const turns: Turns = { run, pace };
  const differences = await compare(context, run, tallies);
  await mend(context, turns, { differences, tallies });
  await helpStuck(context, turns, tallies);
  await helpWorkAtRest(context, turns, tallies);
  await context.engine.ensureShards();
  const unwatched = await pokeUnwatched(context, turns);
  const poked = unwatched + (await remindOfImports(context, turns)) + (await remindOfRemovals(context, turns));
  const audits = await startDueAudits(context, run, pace);
  const jobs = await startJobs(context, turns, tallies);
  await startReplays(context, turns, tallies);
  await wakeConnectors(context, turns, tallies);
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
  context: ActivityContext,
  turns: Turns,
  { differences, tallies }: { differences: Differences; tallies: Tallies },
): Promise<void> {
  const { engine } = context;
  const each = async (mailboxes: DesiredMailbox[], mending: (mailbox: DesiredMailbox) => Promise<unknown>) => {
    for (const mailbox of mailboxes) {
      const ids = { mailboxId: publicId('mailbox', mailbox.mailboxId) };
      await inTurn(turns, { what: 'mailbox not told', ids }, () => mending(mailbox));
    }
  };
  // What is to end goes first: there is little of it, and nobody may wait for it behind ten thousand starts.
  await each(differences.unstopped, async (mailbox) => {
    await engine.stop(mailbox);
    tallies.count(mailbox.tenantId, 'ended');
  });
  for (const [mailboxId, tenantId] of differences.surplus) {
    const ids = { mailboxId: publicId('mailbox', mailboxId) };
    await inTurn(turns, { what: 'mailbox not stopped', ids }, async () => {
      // The list of what runs is some moments old.
      if ((await engine.openWork(mailboxId)).every(({ kind }) => kind !== 'rounds')) return;
      tallies.find(tenantId, await stopAgain(context, { tenantId, mailboxId }, 'should-not-run'));
      tallies.count(tenantId, 'ended');
    });
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

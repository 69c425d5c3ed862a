import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';

import type { HeldShard, ShardCounts, ShardEnd } from './held-shard';
import type { IdleHolder } from './idle-holder';

/** What holding a shard is made of. */
export interface ShardContext {
  holder: IdleHolder;
  shardHoldMs: number;
  /** Shows the counts at the workflow; costs a few events, so it is done seldom. */
  show: (shard: number, counts: ShardCounts) => Promise<void>;
}

/** How the activity is told to end, and says that it is alive. */
export interface ShardRun {
  signal: AbortSignal;
  /** What the signal meant, once it has come: the worker ends, the workflow is cancelled, or Temporal has not been heard of for too long. */
  why: () => 'worker-shutdown' | 'cancelled' | 'out-of-touch';
  heartbeat: (counts: ShardCounts) => void;
}

/** So that one always waits when the SDK lets the next through, which is every 9.2 s. */
const heartbeatMs = 4_000;
const showCheckMs = 5_000;
const showEveryMs = 3_600_000;

/**
 * Holds the connections of a shard's mailboxes until it is to be given back: after a day to the workflow, which comes again with a new
 * history; else, when this worker ends or has more than its share, by a failure that costs no event and is tried again at once by another
 * worker. Second run, also at the same time elsewhere: mailboxes are watched twice for a moment, and poked twice.
 * @throws ApplicationFailure `handed-over`, or `stale-roster` where Postgres has been away for minutes
 */
export async function holdShard(context: ShardContext, run: ShardRun, { shard }: { shard: number }): Promise<void> {
  const held = context.holder.hold(shard);
  const heartbeat = () => run.heartbeat(held.counts());
  const beating = setInterval(heartbeat, heartbeatMs);
  const showing = setInterval(showSeldom(context, held), showCheckMs);
  // With jitter, so that the shards of a worker do not begin anew together.
  const day = setTimeout(() => held.giveBack('day-over'), context.shardHoldMs * (0.9 + 0.2 * Math.random()));
  const abort = () => held.giveBack('aborted');
  run.signal.addEventListener('abort', abort);
  if (run.signal.aborted) abort();
  try {
    heartbeat();
    const end = await held.ended;
    if (end === 'day-over') return;
    throw failureOf(end, { context, run });
  } finally {
    run.signal.removeEventListener('abort', abort);
    clearTimeout(day);
    clearInterval(showing);
    clearInterval(beating);
    context.holder.release(held);
  }
}

function failureOf(end: ShardEnd, { context, run }: { context: ShardContext; run: ShardRun }): unknown {
  if (end === 'stale-roster') {
    return ApplicationFailure.create({ message: 'Postgres has not answered for minutes', type: end });
  }
  if (end === 'aborted' && run.why() === 'cancelled') return run.signal.reason;
  // The other shards of this worker will be told likewise; who else is there is told now.
  if (end === 'aborted' && run.why() === 'worker-shutdown') void context.holder.leave();
  const { BENIGN: category } = ApplicationFailureCategory;
  return ApplicationFailure.create({ message: end, type: 'handed-over', nextRetryDelay: '10ms', category });
}

/** When all are attached, and then once an hour where it has changed: showing costs events, and heartbeats carry the same for nothing. */
function showSeldom(context: ShardContext, held: HeldShard): () => void {
  let shown = '';
  let shownAt = Number.NEGATIVE_INFINITY;
  return () => {
    const counts = held.counts();
    const text = JSON.stringify(counts);
    const isFirst = shown === '' && counts.attaching === 0;
    if (text === shown || (!isFirst && performance.now() - shownAt < showEveryMs)) return;
    shown = text;
    shownAt = performance.now();
    // What was not shown is shown the next hour; the heartbeat says it meanwhile.
    context.show(held.shard, counts).catch(() => undefined);
  };
}

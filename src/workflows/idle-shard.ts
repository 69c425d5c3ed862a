import { continueAsNew, defineSignal, proxyActivities, setCurrentDetails, setHandler } from '@temporalio/workflow';

import type { Activities } from '../activities';
import type { ShardCounts } from '../activities/shard/held-shard';
import { shardOptions } from './activity-options';
import { signals, type ShardInput } from './contract';

const { holdShard } = proxyActivities<Pick<Activities, 'holdShard'>>({
  ...shardOptions,
  summary: 'hold the connections of a shard',
});

/** How the mailboxes of the shard are. */
const countsSignal = defineSignal<[ShardCounts]>(signals.counts);

/**
 * A sixteenth of all mailboxes, for ever: one activity holds their connections until its day is over, then a new run begins. Where its
 * worker dies or hands it over, Temporal gives the activity to another one, without an event here.
 */
export async function idleShard(input: ShardInput): Promise<void> {
  setHandler(countsSignal, show, { description: 'Counts of the mailboxes, for people who look' });
  await holdShard(input);
  await continueAsNew<typeof idleShard>(input);
}

function show(counts: ShardCounts): void {
  const lines = [
    `- watched by push: ${String(counts.watched)}`,
    `- swept by the clock: ${String(counts.swept)}`,
    `- attaching: ${String(counts.attaching)}`,
    `- lost, tried again: ${String(counts.lost)}`,
    `- waiting for a password: ${String(counts.refused)}`,
  ];
  setCurrentDetails([...lines, '', 'The details of the pending activity say the same as of now.'].join('\n'));
}

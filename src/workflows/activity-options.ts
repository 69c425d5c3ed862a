import type { ActivityOptions } from '@temporalio/workflow';

import { taskQueues } from './contract';

/** What is tried again here are crashes and lost workers; failures of mail servers are answers, and the workflow decides. */
const retry = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1 minute' } as const;

/**
 * Cancelled work has ended only when its activity has: it cleans up first, and its connection is closed. Said here because the SDK does not
 * do it unasked, whatever its documentation says (1.24).
 */
const cancellationType = 'WAIT_CANCELLATION_COMPLETED';

/**
 * A round: bounded by its folders. A dead worker is noticed by the missing heartbeat: one is sent every 5 s, so that two may be lost, or a
 * process be busy for some seconds, before a worker is taken for dead. What comes late from one that was not writes nothing twice.
 */
export const roundOptions: ActivityOptions = {
  taskQueue: taskQueues.sync,
  startToCloseTimeout: '1 hour',
  heartbeatTimeout: '12s',
  cancellationType,
  retry,
};

/** A share of an import, on its own queue and behind live mail. */
export const importOptions: ActivityOptions = {
  taskQueue: taskQueues.bulk,
  startToCloseTimeout: '30 minutes',
  heartbeatTimeout: '30s',
  cancellationType,
  retry,
  priority: { priorityKey: 5 },
};

/** Reading or writing a few rows. */
export const rowOptions: ActivityOptions = { taskQueue: taskQueues.sync, startToCloseTimeout: '1 minute', retry };

/**
 * Holding a shard. The SDK sends a heartbeat every 0.8 of the time-out at most; a worker that died has missed one after this time, and the
 * shard goes to another. Tried again for ever and at once: an attempt is a worker that ended, or had more than its share.
 */
export const shardOptions: ActivityOptions = {
  taskQueue: taskQueues.idle,
  startToCloseTimeout: '30 hours',
  heartbeatTimeout: '11500ms',
  retry: { initialInterval: '100ms', backoffCoefficient: 1 },
};

/** Waiting for work to end: bounded by its own limits, and asked again after a dead worker. */
export const stopOptions: ActivityOptions = {
  taskQueue: taskQueues.sync,
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '30s',
  retry,
};

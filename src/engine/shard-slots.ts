import type { ActivitySlotInfo, CustomSlotSupplier, TunerHolder } from '@temporalio/worker';

/** Permission to take activities, one each. */
interface Seats {
  take(signal: AbortSignal): Promise<void>;
  give(): void;
}

/**
 * Lets a worker ask for activities only while it has a seat free, so that shards spread over the workers by themselves. Nothing is taken
 * eagerly: a shard that was handed over is for another worker.
 */
export function shardTuner(seats: Seats): TunerHolder {
  const activityTaskSlotSupplier: CustomSlotSupplier<ActivitySlotInfo> = {
    type: 'custom',
    reserveSlot: async (_context, abortSignal) => {
      await seats.take(abortSignal);
      return {};
    },
    tryReserveSlot: () => null,
    markSlotUsed: () => undefined,
    releaseSlot: () => seats.give(),
  };
  return {
    activityTaskSlotSupplier,
    workflowTaskSlotSupplier: { type: 'fixed-size', numSlots: 10 },
    localActivityTaskSlotSupplier: { type: 'fixed-size', numSlots: 1 },
    nexusTaskSlotSupplier: { type: 'fixed-size', numSlots: 1 },
  };
}

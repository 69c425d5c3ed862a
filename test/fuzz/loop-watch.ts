import { existsSync, readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** How this process has fared while something ran. */
export interface Fared {
  /** The longest time for which the event loop stood still because this process was computing. */
  longestStallMs: number;
  /** The longest time for which it stood still for whatever reason, such as other processes. */
  longestDelayMs: number;
  /** Memory of the process at the end, and at most. */
  rssMegabytes: number;
  peakRssMegabytes: number;
}

const lookEveryMs = 5;

const mainThread = '/proc/thread-self/schedstat';

/** For how long the main thread has computed, where Linux counts it (proc(5)), else the whole process with its helpers. */
function computedMs(): number {
  if (existsSync(mainThread)) return Number(readFileSync(mainThread, 'latin1').split(' ')[0]) / 1_000_000;
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/**
 * Watches the event loop. On a machine that others use as well it stands still without any fault of ours; so of each time that it stood
 * still only as much is counted as its thread has computed meanwhile. To be called on the main thread.
 */
export function watchLoop(): { fared: () => Fared; stop: () => Fared } {
  const delays = monitorEventLoopDelay({ resolution: lookEveryMs });
  delays.enable();
  let lookedAt = performance.now();
  let computed = computedMs();
  let longestStallMs = 0;
  let peak = 0;
  const look = (): void => {
    const now = performance.now();
    const meanwhile = computedMs() - computed;
    longestStallMs = Math.max(longestStallMs, Math.min(now - lookedAt - lookEveryMs, meanwhile));
    peak = Math.max(peak, process.memoryUsage.rss());
    computed += meanwhile;
    lookedAt = now;
  };
  const timer = setInterval(look, lookEveryMs);
  const fared = (): Fared => {
    look();
    const toMegabytes = (bytes: number): number => Math.round(bytes / 1_048_576);
    return {
      longestStallMs: Math.round(longestStallMs),
      longestDelayMs: Math.round(delays.max / 1_000_000),
      rssMegabytes: toMegabytes(process.memoryUsage.rss()),
      peakRssMegabytes: toMegabytes(peak),
    };
  };
  return {
    fared,
    stop: () => {
      clearInterval(timer);
      delays.disable();
      return fared();
    },
  };
}

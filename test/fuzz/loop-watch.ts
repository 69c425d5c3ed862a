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

/**
 * Watches the event loop. On a machine that others use as well it stands still without any fault of ours; so of each time that it stood
 * still only as much is counted as the process has computed meanwhile.
 */
export function watchLoop(): { fared: () => Fared; stop: () => Fared } {
  const delays = monitorEventLoopDelay({ resolution: lookEveryMs });
  delays.enable();
  let lookedAt = performance.now();
  let used = process.cpuUsage();
  let longestStallMs = 0;
  let peak = 0;
  const look = (): void => {
    const now = performance.now();
    const { user, system } = process.cpuUsage(used);
    longestStallMs = Math.max(longestStallMs, Math.min(now - lookedAt - lookEveryMs, (user + system) / 1_000));
    peak = Math.max(peak, process.memoryUsage.rss());
    used = process.cpuUsage();
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

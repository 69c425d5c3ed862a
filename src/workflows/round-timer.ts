import { CancellationScope, sleep } from '@temporalio/workflow';

/** The time until the next round. One timer runs at a time. */
export interface RoundTimer {
  /** Lets a running timer of this length run on, so that a round on a poke costs no timer events; else starts one. */
  keep(ms: number): void;
  restart(ms: number): void;
  stop(): void;
  /** When the running timer makes a round, in milliseconds since the epoch; null where none runs. */
  dueAt(): number | null;
}

/** Resolves after a time; `cancel` makes it reject, unless the time is over already. */
export type StartSleep = (ms: number) => { slept: Promise<void>; cancel: () => void };

/** A timer of Temporal's in a scope of its own, so that it can be cancelled alone. */
const startTimer: StartSleep = (ms) => {
  const scope = new CancellationScope();
  const slept = scope.run(() => sleep(ms, { summary: 'until the next round' }));
  return {
    slept,
    cancel: () => {
      scope.cancel();
    },
  };
};

/** Makes a timer that does not run yet. */
export function createRoundTimer(onDue: () => void, startSleep = startTimer): RoundTimer {
  let running: { ms: number; dueAt: number; cancel: () => void } | null = null;
  const stop = () => {
    running?.cancel();
    running = null;
  };
  const restart = (ms: number) => {
    stop();
    const { slept, cancel } = startSleep(ms);
    const mine = { ms, dueAt: Date.now() + ms, cancel };
    running = mine;
    slept.then(
      () => {
        // Its time was over at the moment when another took over: what was decided then holds.
        if (running !== mine) return;
        running = null;
        onDue();
      },
      () => undefined, // cancelled: stopped, or another timer has taken over
    );
  };
  return {
    stop,
    restart,
    keep: (ms) => {
      if (running?.ms !== ms) restart(ms);
    },
    dueAt: () => running?.dueAt ?? null,
  };
}

import { CancellationScope, sleep } from '@temporalio/workflow';

/** The time until the next round. One timer runs at a time. */
export interface RoundTimer {
  /** Lets a running timer of this length run on, so that a round on a poke costs no timer events; else starts one. */
  keep(ms: number): void;
  restart(ms: number): void;
  stop(): void;
}

/** Makes a timer in a scope of its own, so that it can be cancelled alone. */
export function createRoundTimer(onDue: () => void): RoundTimer {
  let running: { scope: CancellationScope; ms: number } | null = null;
  const stop = () => {
    running?.scope.cancel();
    running = null;
  };
  const restart = (ms: number) => {
    stop();
    const mine = { scope: new CancellationScope(), ms };
    running = mine;
    const slept = mine.scope.run(() => sleep(ms, { summary: 'until the next round' }));
    slept.then(
      () => {
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
  };
}

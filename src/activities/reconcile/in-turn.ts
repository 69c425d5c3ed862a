import type { ActivityRun } from '../context';
import { scrubbedError } from '../scrubbed-error';
import type { Pace } from './pace';

/** Whose turn it is to ask something of Temporal. */
export interface Turns {
  run: ActivityRun;
  pace: Pace;
}

/**
 * One call, when its turn has come. One that fails is told in the log, with the public ids of what it is about, left to the next minute, and
 * keeps no other from its turn.
 */
export async function inTurn(
  { run, pace }: Turns,
  { what, ids }: { what: string; ids: Record<string, string> },
  call: () => Promise<unknown>,
): Promise<void> {
  run.signal.throwIfAborted();
  await pace();
  try {
    await call();
  } catch (error) {
    run.warn?.(`${what}, next try in a minute`, { ...ids, error: scrubbedError(error).message });
  }
  run.heartbeat();
}

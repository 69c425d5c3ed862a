import type { ActivityContext, JobRef } from '../context';

/** A workflow task is tried again at once after a lost worker; so often only after errors of its own. */
export const failingAttempts = 4;

/** Said in the Temporal UI of a run that was ended. */
export const whyEnded = 'its workflow task kept failing';

/** How a job stands: `ended` where its run was there and could not go on. */
type JobStanding = 'none' | 'runs' | 'ended';

/**
 * Ends the run of a job whose workflow task keeps failing, as after an upgrade that cannot read its history: a start would be told that it
 * runs. One that was begun lately is left alone, so that where the new run fails too it is not begun anew each minute. The caller starts the
 * job: all that it needs is in Postgres.
 */
export async function endIfFailing(context: ActivityContext, job: JobRef): Promise<JobStanding> {
  const { engine, limits } = context;
  const run = await engine.runOf(job);
  if (run === null) return 'none';
  if (run.taskAttempts < failingAttempts || context.now() - run.startedAt < limits.stuckAfterMs) return 'runs';
  await engine.terminate(run, whyEnded);
  return 'ended';
}

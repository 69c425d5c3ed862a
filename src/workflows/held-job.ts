import { setCurrentDetails, setHandler, workflowInfo } from '@temporalio/workflow';

import type { JobProgress } from '../domain/job-progress';
import { wishSignal } from './mailbox-messages';
import { countsIn, howFar } from './said-progress';

/** A long job that people hold and let go on. */
interface HeldJob {
  /** How many messages have had their turn in runs before this one. */
  looked: number;
  /** A minute's work. `held`: somebody has paused the job or called it off. */
  work: () => Promise<{ kind: 'more' | 'held' | 'done'; looked: number; progress: JobProgress }>;
  /** Goes on in a new run: a history must not grow without end. */
  goOn: (looked: number) => Promise<never>;
  /** What it does, for people, and to what: `reads again`, `messages`. */
  doing: string;
  what: string;
  /** What has been done, for people. */
  said: (looked: number) => string;
}

/** Works until nothing is left or somebody holds the job. Who lets it go on signals it, so that one which is just about to end does not. */
export async function workThrough(job: HeldJob): Promise<string> {
  const wished = { again: true };
  setHandler(
    wishSignal,
    () => {
      wished.again = true;
    },
    { description: 'The job was let go on' },
  );
  let { looked } = job;
  let report = job.said(looked);
  setCurrentDetails(`**${job.doing}**`);
  while (wished.again) {
    wished.again = false;
    const result = await job.work();
    looked += result.looked;
    report = reportOf(job, { ...result, looked });
    if (result.kind === 'more') wished.again = true;
    if (workflowInfo().continueAsNewSuggested && wished.again) await job.goOn(looked);
  }
  return report;
}

/** What is told in the details while it runs, and what it ends with: the numbers of the report. */
function reportOf({ doing, what, said }: HeldJob, result: Awaited<ReturnType<HeldJob['work']>>): string {
  const { kind, looked, progress } = result;
  const far = howFar(progress, what);
  const counts = countsIn(progress);
  const done = counts.length === 0 ? said(looked) : `${said(looked)}: ${counts.join(', ')}`;
  const report = kind === 'held' ? `${done}; ${far} when a person held it` : done;
  const lines = [...counts, `${far} in all`].map((line) => `- ${line}`);
  setCurrentDetails([`**${kind === 'more' ? `${doing}: ${far}` : report}**`, '', ...lines].join('\n'));
  return report;
}

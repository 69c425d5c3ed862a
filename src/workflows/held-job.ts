import { setCurrentDetails, setHandler, workflowInfo } from '@temporalio/workflow';

import { wishSignal } from './mailbox-messages';

/** A long job that people hold and let go on. */
interface HeldJob {
  /** How many messages have had their turn in runs before this one. */
  looked: number;
  /** A minute's work. `held`: somebody has paused the job or called it off. */
  work: () => Promise<{ kind: 'more' | 'held' | 'done'; looked: number }>;
  /** Goes on in a new run: a history must not grow without end. */
  goOn: (looked: number) => Promise<never>;
  /** What has been done, for people. */
  said: (looked: number) => string;
}

/** Works until nothing is left or somebody holds the job. Who lets it go on signals it, so that one which is just about to end does not. */
export async function workThrough({ looked: before, work, goOn, said }: HeldJob): Promise<string> {
  const wished = { again: true };
  setHandler(
    wishSignal,
    () => {
      wished.again = true;
    },
    { description: 'The job was let go on' },
  );
  let looked = before;
  let end = 'done';
  while (wished.again) {
    wished.again = false;
    const result = await work();
    looked += result.looked;
    end = result.kind;
    setCurrentDetails(said(looked));
    if (result.kind === 'more') wished.again = true;
    if (workflowInfo().continueAsNewSuggested && wished.again) await goOn(looked);
  }
  return end === 'done' ? said(looked) : `${said(looked)}; held by a person`;
}

import { continueAsNew, proxyActivities, setCurrentDetails, workflowInfo } from '@temporalio/workflow';

import type { Activities } from '../activities';
import { importOptions } from './activity-options';
import type { RematchInput } from './contract';
import { howFar } from './said-progress';

const { rematchHistory } = proxyActivities<Pick<Activities, 'rematchHistory'>>({
  ...importOptions,
  summary: 'link stored mail again, or tell anew who reads it',
});

/** Links history again after addresses of records changed, or tells anew who may read it, a minute's work at a time. */
export async function rematch(input: RematchInput): Promise<string> {
  setCurrentDetails('**looks at stored mail**');
  for (;;) {
    const { kind, progress } = await rematchHistory(input);
    const counts = howFar(progress, 'messages looked at');
    if (kind === 'done') {
      const report = `stored mail is as its links and readers are now: ${counts}`;
      setCurrentDetails(`**${report}**`);
      return report;
    }
    setCurrentDetails(`**looks at stored mail: ${counts}**`);
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof rematch>(input);
  }
}

import { continueAsNew, proxyActivities, setCurrentDetails, workflowInfo } from '@temporalio/workflow';

import type { Activities } from '../activities';
import { importOptions } from './activity-options';
import type { LinksInput } from './contract';

/** What a person has an operation do, in the words of its workflow. */
interface Wording {
  doing: string;
  done: string;
}

/** Carries out an operation on links to its end. What it is about, and how far it is, stands in Postgres, so that it can be started again at any moment. */
export async function changeLinks(input: LinksInput, { doing, done: ended }: Wording): Promise<string> {
  const { tenantId, operationId } = input;
  // People wait for it: it goes before imports, and takes turns with other tenants.
  const { changeLinks: change } = proxyActivities<Pick<Activities, 'changeLinks'>>({
    ...importOptions,
    priority: { priorityKey: 2, fairnessKey: tenantId },
    summary: doing,
  });
  setCurrentDetails(`**${doing}**`);
  for (;;) {
    const { kind, done, total } = await change({ tenantId, operationId });
    if (kind === 'done') {
      const report = `${ended}: ${String(done)} messages`;
      setCurrentDetails(`**${report}**`);
      return report;
    }
    setCurrentDetails(`**${doing}: ${String(done)} of ${String(total)} messages**`);
    if (workflowInfo().continueAsNewSuggested) await continueAsNew(input);
  }
}

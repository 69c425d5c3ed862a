import { continueAsNew, proxyActivities, setCurrentDetails, sleep, workflowInfo } from '@temporalio/workflow';

import type { Activities } from '../activities';
import type { ErasureShare } from '../activities/erase-person';
import { importOptions } from './activity-options';
import type { ErasureInput } from './contract';
import { firstPauseMs, pauseAfter, speedOf, standsStill } from './deletion-pace';

const { erasePersonRows } = proxyActivities<Pick<Activities, 'erasePersonRows'>>({
  ...importOptions,
  summary: 'erase the next messages',
});

/**
 * Erases a person: what there is of their addresses goes in short transactions, then it is verified that nothing is left, and the workflow
 * ends with the report. Who it is stands in Postgres alone, for as long as it takes.
 */
export async function erasePerson(input: ErasureInput & { pauseMs?: number }): Promise<string> {
  const { tenantId, deletionId } = input;
  setCurrentDetails('**erases the first messages**');
  let pauseMs = input.pauseMs ?? firstPauseMs;
  for (;;) {
    const share = await erasePersonRows({ tenantId, deletionId });
    const sentence = sentenceOf(share);
    setCurrentDetails(`**${sentence}**`);
    if (share.kind === 'done') return sentence;
    if (share.kind === 'rows-left') {
      await sleep(pauseMs, { summary: 'until the rows that are left are looked at again' });
      pauseMs = pauseAfter(pauseMs);
    }
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof erasePerson>({ ...input, pauseMs });
  }
}

function sentenceOf(share: ErasureShare): string {
  if (share.kind === 'rows-left') return standsStill(share);
  if (share.kind === 'done') {
    return `erased and verified: ${String(share.messages)} messages and ${String(share.bytes)} bytes in ${String(share.seconds)} s`;
  }
  const { done, total } = share.progress;
  return `erases: ${String(done)} of ${String(total ?? 0)} messages${speedOf(share.progress)}`;
}

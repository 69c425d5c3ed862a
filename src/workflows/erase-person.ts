import { continueAsNew, proxyActivities, setCurrentDetails, sleep, workflowInfo } from '@temporalio/workflow';

import type { Activities } from '../activities';
import type { ErasureShare } from '../activities/erase-person';
import { importOptions } from './activity-options';
import type { ErasureInput } from './contract';

const { erasePersonRows } = proxyActivities<Pick<Activities, 'erasePersonRows'>>({
  ...importOptions,
  summary: 'erase the next messages',
});

const firstPauseMs = 5_000;
const longestPauseMs = 3_600_000;

/**
 * Erases a person: what there is of their addresses goes in short transactions, then it is verified that nothing is left, and the workflow
 * ends with the report. Who it is stands in Postgres alone, for as long as it takes.
 */
export async function erasePerson(input: ErasureInput & { pauseMs?: number }): Promise<string> {
  const { tenantId, deletionId } = input;
  let pauseMs = input.pauseMs ?? firstPauseMs;
  for (;;) {
    const share = await erasePersonRows({ tenantId, deletionId });
    const sentence = sentenceOf(share);
    setCurrentDetails(`**${sentence}**`);
    if (share.kind === 'done') return sentence;
    if (share.kind === 'rows-left') {
      await sleep(pauseMs, { summary: 'until the rows that are left are looked at again' });
      pauseMs = Math.min(2 * pauseMs, longestPauseMs);
    }
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof erasePerson>({ ...input, pauseMs });
  }
}

function sentenceOf(share: ErasureShare): string {
  if (share.kind === 'rows-left') return `stands still: rows are left in ${share.tables.join(', ')}`;
  if (share.kind === 'done') {
    return `erased and verified: ${String(share.messages)} messages and ${String(share.bytes)} bytes in ${String(share.seconds)} s`;
  }
  const { done, total, rate, etaSeconds } = share.progress;
  const speed = rate === null ? '' : `, ${String(Math.round(rate))} a second, ${String(etaSeconds ?? 0)} s left`;
  return `erases: ${String(done)} of ${String(total ?? 0)} messages${speed}`;
}

import { continueAsNew, proxyActivities, setCurrentDetails, sleep, workflowInfo } from '@temporalio/workflow';

import type { Activities } from '../activities';
import { importOptions } from './activity-options';
import type { MailboxRef } from './contract';

const { importBatch, fillSearchRows } =
  proxyActivities<Pick<Activities, 'importBatch' | 'fillSearchRows'>>(importOptions);

const sharesPerRun = 300;
const overtakenTries = 3;

/**
 * Imports a mailbox's history in shares of some thousand messages, beside live mail and behind it; then makes it searchable.
 * It ends when nothing is left, and when the mailbox waits for a person or is paused: a later round begins it again.
 */
export async function importHistory(input: MailboxRef & { imported?: number }): Promise<string> {
  let imported = input.imported ?? 0;
  let overtaken = 0;
  for (let shares = 0; ; shares += 1) {
    if (shares >= sharesPerRun || workflowInfo().continueAsNewSuggested) {
      await continueAsNew<typeof importHistory>({ ...input, imported });
    }
    const result = await importBatch({ tenantId: input.tenantId, mailboxId: input.mailboxId });
    if (result.kind === 'superseded') {
      overtaken += 1;
      if (overtaken >= overtakenTries) return `${said(imported)}; the mailbox no longer runs`;
      await sleep('1s', { summary: 'paused, or only resumed?' });
      continue;
    }
    if (result.kind === 'waiting') return `${said(imported)}; then ${result.failure}`;
    if (result.kind === 'retry') {
      setCurrentDetails(`${said(imported)}. Tries again after ${result.failure}.`);
      await sleep(result.retryAfterMs, { summary: 'until the server is tried again' });
      continue;
    }
    overtaken = 0;
    imported += result.imported;
    setCurrentDetails(`${said(imported)}. ${String(result.foldersLeft)} folders left.`);
    if (result.foldersLeft === 0) break;
  }
  while ((await fillSearchRows({ tenantId: input.tenantId })).filled > 0)
    setCurrentDetails(`${said(imported)}. Writes search rows.`);
  return said(imported);
}

function said(imported: number): string {
  return `${String(imported)} messages of history imported`;
}

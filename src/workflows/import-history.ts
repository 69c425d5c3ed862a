import {
  condition,
  continueAsNew,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';

import type { Activities } from '../activities';
import { publicId } from '../domain/ids';
import { importOptions } from './activity-options';
import type { MailboxRef } from './contract';
import { wishSignal } from './mailbox-messages';

const { fillSearchRows } = proxyActivities<Pick<Activities, 'fillSearchRows'>>({
  ...importOptions,
  summary: 'write search rows of what was imported',
});

const sharesPerRun = 300;
const overtakenTries = 3;

/** What the import has heard meanwhile. */
interface Heard {
  leaveOff: boolean;
}

/**
 * Imports a mailbox's history in shares of some thousand messages, beside live mail and behind it; then makes it searchable.
 * It ends when nothing is left, and when the mailbox waits for a person, is paused or stopped: a later round begins it again.
 */
export async function importHistory(input: MailboxRef & { imported?: number }): Promise<string> {
  const { importBatch } = proxyActivities<Pick<Activities, 'importBatch'>>({
    ...importOptions,
    summary: `import the next share of the history of ${publicId('mailbox', input.mailboxId)}`,
  });
  const heard = listen();
  setCurrentDetails(`${said(input.imported ?? 0)}. Imports the next share.`);
  let imported = input.imported ?? 0;
  let overtaken = 0;
  for (let shares = 0; !heard.leaveOff; shares += 1) {
    if (shares >= sharesPerRun || workflowInfo().continueAsNewSuggested) {
      await continueAsNew<typeof importHistory>({ ...input, imported });
    }
    const result = await importBatch({ tenantId: input.tenantId, mailboxId: input.mailboxId });
    if (result.kind === 'superseded') {
      overtaken += 1;
      if (overtaken >= overtakenTries) return noLongerRuns(imported);
      // Paused, or only resumed?
      await condition(() => heard.leaveOff, '1s');
      continue;
    }
    if (result.kind === 'waiting') return `${said(imported)}; then ${result.failure}`;
    if (result.kind === 'retry') {
      setCurrentDetails(`${said(imported)}. Tries again after ${result.failure}.`);
      await condition(() => heard.leaveOff, result.retryAfterMs);
      continue;
    }
    overtaken = 0;
    imported += result.imported;
    setCurrentDetails(`${said(imported)}. ${String(result.foldersLeft)} folders left.`);
    if (result.foldersLeft === 0) return makeSearchable(input, { imported, heard });
  }
  return noLongerRuns(imported);
}

function listen(): Heard {
  const heard: Heard = { leaveOff: false };
  setHandler(
    wishSignal,
    ({ desired }) => {
      heard.leaveOff = desired !== 'running';
    },
    { description: 'The wish in Postgres has changed' },
  );
  return heard;
}

/** What is left of it when the mailbox stops is left to housekeeping. */
async function makeSearchable(
  { tenantId }: MailboxRef,
  { imported, heard }: { imported: number; heard: Heard },
): Promise<string> {
  while (!heard.leaveOff && (await fillSearchRows({ tenantId })).filled > 0)
    setCurrentDetails(`${said(imported)}. Writes search rows.`);
  return said(imported);
}

function noLongerRuns(imported: number): string {
  return `${said(imported)}; the mailbox no longer runs`;
}

function said(imported: number): string {
  return `${String(imported)} messages of history imported`;
}

import { getExternalWorkflowHandle, proxyActivities } from '@temporalio/workflow';

import type { Activities } from '../activities';
import { publicId } from '../domain/ids';
import { roundOptions } from './activity-options';
import { workflowIds, type AuditInput } from './contract';
import { pokeSignal } from './mailbox-messages';

/**
 * Compares the ledger with the server once; differences are left to a round, which is asked for at once. So is what keeps the server from
 * being compared: a round finds out whether the mailbox is out of reach.
 */
export async function auditMailbox(input: AuditInput): Promise<string> {
  const { auditFolders } = proxyActivities<Pick<Activities, 'auditFolders'>>({
    // Without an end of its own: an audit that fails for no reason of the server's says so after some attempts, and ends its operation.
    ...roundOptions,
    summary: `compare every folder of ${publicId('mailbox', input.mailboxId)} with the server`,
  });
  const result = await auditFolders(input);
  if (result.kind === 'superseded') return 'the mailbox is no more';
  if (result.kind !== 'done' || result.missing + result.extra > 0) {
    // A mailbox that is paused has no round to poke; the audit's answer stands all the same.
    await getExternalWorkflowHandle(workflowIds.mailboxSync(input.mailboxId))
      .signal(pokeSignal, 'reconcile')
      .catch(() => undefined);
  }
  if (result.kind !== 'done') return `could not compare: ${result.failure}`;
  return `${String(result.folders)} folders compared: ${String(result.missing)} missing, ${String(result.extra)} extra, ${String(result.notProvable)} not provable`;
}

import {
  defineSignal,
  getExternalWorkflowHandle,
  proxyActivities,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow';

import type { Activities } from '../activities';
import type { AuditResult } from '../activities/audit-folders';
import type { AuditCounts } from '../activities/show-audit';
import { publicId } from '../domain/ids';
import { roundOptions } from './activity-options';
import { signals, workflowIds, type AuditInput } from './contract';
import { pokeSignal } from './mailbox-messages';

/** How far the audit is. */
const countsSignal = defineSignal<[AuditCounts]>(signals.counts);

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
  setCurrentDetails('**compares every folder with the server**');
  setHandler(countsSignal, show, { description: 'How far the audit is, for people who look' });
  const result = await auditFolders(input);
  if (result.kind !== 'superseded' && (result.kind !== 'done' || result.missing + result.extra > 0)) {
    // A mailbox that is paused has no round to poke; the audit's answer stands all the same.
    await getExternalWorkflowHandle(workflowIds.mailboxSync(input.mailboxId))
      .signal(pokeSignal, 'reconcile')
      .catch(() => undefined);
  }
  const report = reportOf(result);
  setCurrentDetails(`**${report}**`);
  return report;
}

function show({ doing, compared, folders, missing, extra, notProvable, linked }: AuditCounts): void {
  const lines = [
    `- folders compared: ${String(compared)} of ${String(folders)}`,
    `- missing: ${String(missing)}`,
    `- extra: ${String(extra)}`,
    `- folders that cannot be proven: ${String(notProvable)}`,
    `- links mended: ${String(linked)}`,
  ];
  const said = { folders: 'compares every folder with the server', links: 'looks whether all mail is linked' }[doing];
  setCurrentDetails([`**${said}**`, '', ...lines].join('\n'));
}

function reportOf(result: AuditResult): string {
  if (result.kind === 'superseded') return 'the mailbox is no more';
  if (result.kind !== 'done') return `could not compare: ${result.failure}`;
  const { folders, missing, extra, notProvable, linked } = result;
  const mended = linked === 0 ? '' : `, ${String(linked)} links mended`;
  return `${String(folders)} folders compared: ${String(missing)} missing, ${String(extra)} extra, ${String(notProvable)} not provable${mended}`;
}

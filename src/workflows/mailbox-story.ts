import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';

/** What the Temporal UI tells of a mailbox, in counts and plain words. */
export interface Story {
  rounds: number;
  recorded: number;
  parked: number;
  /** Kind and code, e.g. `unreachable (port-closed)`. */
  lastFailure: string | null;
}

const mailboxStatus = defineSearchAttributeKey('MailboxStatus', SearchAttributeType.KEYWORD);

/** Shows what the mailbox is doing. The search attribute costs an event, so it is written only when the status changes. */
export function showStatus(story: Story, now: { doing: string; status: string | null }): void {
  setCurrentDetails(
    [
      `**${now.doing}**`,
      '',
      `- rounds: ${String(story.rounds)}`,
      `- messages recorded by rounds: ${String(story.recorded)}`,
      `- parked: ${String(story.parked)}`,
      `- last failure: ${story.lastFailure ?? 'none'}`,
    ].join('\n'),
  );
  if (now.status === null || workflowInfo().typedSearchAttributes.get(mailboxStatus) === now.status) return;
  upsertSearchAttributes([{ key: mailboxStatus, value: now.status }]);
}

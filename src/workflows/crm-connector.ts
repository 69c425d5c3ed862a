import {
  condition,
  continueAsNew,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';

import type { Activities } from '../activities';
import type { ConnectorTurn } from '../activities/connector-turn';
import { importOptions } from './activity-options';
import type { ConnectorInput } from './contract';
import { wishSignal } from './mailbox-messages';

/** What has been done since the connector was made. */
interface ConnectorStory {
  turns: number;
  told: number;
  taken: number;
}

type ConnectorRunInput = ConnectorInput & { story?: ConnectorStory };

const eventsPerRun = 2_000;

/**
 * One connector, for as long as there is one and nobody pauses it: a turn tells the CRM of links and fetches what changed there, then it
 * waits until records are to be fetched again, or somebody has news. Ids and counts only in its history.
 */
export async function crmConnector(input: ConnectorRunInput): Promise<string> {
  const { tenantId, connectorId } = input;
  const { connectorTurn } = proxyActivities<Pick<Activities, 'connectorTurn'>>({
    ...importOptions,
    // A turn is short, and who waits for it is a CRM: a dead worker is noticed as soon as one of a round.
    heartbeatTimeout: '12s',
    priority: { ...importOptions.priority, fairnessKey: tenantId },
    summary: 'tell the CRM, and take over what changed there',
  });
  const story = input.story ?? { turns: 0, told: 0, taken: 0 };
  const due = { now: true };
  setHandler(
    wishSignal,
    () => {
      due.now = true;
    },
    { description: 'There is something to tell or to fetch' },
  );
  for (;;) {
    due.now = false;
    const turn = await connectorTurn({ tenantId, connectorId });
    story.turns += 1;
    story.told += turn.told;
    story.taken += turn.taken;
    show(story, turn);
    if ((turn.kind === 'gone' || turn.kind === 'paused') && !isDue(due)) return `${turn.kind}, after ${said(story)}`;
    await condition(() => due.now, Math.max(1, turn.waitMs));
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    if (continueAsNewSuggested || historyLength > eventsPerRun) {
      await continueAsNew<typeof crmConnector>({ tenantId, connectorId, story });
    }
  }
}

/** Apart, because a signal may have come since it was asked the last time. */
function isDue(due: { now: boolean }): boolean {
  return due.now;
}

function said({ turns, told, taken }: ConnectorStory): string {
  return `${String(turns)} turns, ${String(told)} links and activities told, ${String(taken)} changes taken over`;
}

function show(story: ConnectorStory, { kind, waitMs, code }: ConnectorTurn): void {
  const seconds = String(Math.ceil(waitMs / 1_000));
  const doing = code === null ? `**waits up to ${seconds} s**` : `**${kind} (${code}), tried again in ${seconds} s**`;
  setCurrentDetails([doing, '', `- ${said(story)}`].join('\n'));
}

// @ts-check
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { namespace } from '../lib/temporal.mjs';
import { projectDir } from '../lib/places.mjs';

/** What the build made is not there when this file is checked. @type {(path: string) => any} */
const built = createRequire(join(projectDir, 'package.json'));

/** @typedef {Record<string, number>} Counts by kind */

/**
 * What a Temporal server has counted of our namespace: its own metrics of billable actions by kind, and the heartbeats it was sent.
 * @param {string} metricsUrl
 * @returns {Promise<{actions: Counts, heartbeats: number}>}
 */
export async function countsOf(metricsUrl) {
  // The server publishes what it has counted once a second.
  await new Promise((wake) => setTimeout(wake, 2_500));
  const text = await (await fetch(metricsUrl)).text();
  /** @type {Counts} */
  const actions = {};
  let heartbeats = 0;
  for (const line of text.split('\n')) {
    const [, metric = '', labels = '', value = ''] = /^(\w+)\{([^}]*)\} (\S+)$/.exec(line) ?? [];
    const label = (/** @type {string} */ name) => new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1] ?? '';
    if (label('namespace') !== namespace) continue;
    const kind = label('action_type');
    if (metric === 'action') actions[kind] = (actions[kind] ?? 0) + Number(value);
    const isHeartbeat = metric === 'service_requests' && label('operation') === 'RecordActivityTaskHeartbeat';
    if (isHeartbeat && label('service_name') === 'frontend') heartbeats += Number(value);
  }
  return { actions, heartbeats };
}

/** @param {{actions: Counts, heartbeats: number}} before @param {{actions: Counts, heartbeats: number}} after */
export function countsBetween(before, after) {
  const entries = Object.entries(after.actions).map(([kind, count]) => [kind, count - (before.actions[kind] ?? 0)]);
  return {
    actions: /** @type {Counts} */ (Object.fromEntries(entries.filter(([, count]) => Number(count) > 0))),
    heartbeats: after.heartbeats - before.heartbeats,
  };
}

/** @typedef {{at: number, kind: string, activity: string, timerMs: number}} HistoryEvent `kind` such as ACTIVITY_TASK_SCHEDULED */

/**
 * Histories of mailboxes' workflows, as the server keeps them.
 * @param {string} address
 */
export async function openHistories(address) {
  const { Client, Connection } = built('@temporalio/client');
  const { temporal } = built('@temporalio/proto');
  const { workflowIds } = built('./dist/workflows/contract.js');
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace });
  const kinds = temporal.api.enums.v1.EventType;
  return {
    /** All events of its present run. @param {string} mailboxId `mbx_...` @returns {Promise<HistoryEvent[]>} */
    async of(mailboxId) {
      const id = workflowIds.mailboxSync(mailboxId.replace(/^mbx_/, ''));
      const { events } = await client.workflow.getHandle(id).fetchHistory();
      return events.map((/** @type {any} */ event) => ({
        at: Number(event.eventTime.seconds) * 1_000 + event.eventTime.nanos / 1e6,
        kind: String(kinds[event.eventType]).replace('EVENT_TYPE_', ''),
        activity: event.activityTaskScheduledEventAttributes?.activityType?.name ?? '',
        timerMs: Number(event.timerStartedEventAttributes?.startToFireTimeout?.seconds ?? 0) * 1_000,
      }));
    },
    close: () => connection.close(),
  };
}

/** Rounds that began in a time. @param {HistoryEvent[]} events @param {number} since Date.now() */
export function roundsSince(events, since) {
  return events.filter(({ at, activity }) => at >= since && activity === 'runRound').length;
}

/** How long the mailbox sleeps when nothing happens: its last timer. @param {HistoryEvent[]} events @returns {number | null} */
export function restMsOf(events) {
  return events.findLast(({ kind }) => kind === 'TIMER_STARTED')?.timerMs ?? null;
}

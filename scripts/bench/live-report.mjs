// @ts-check
import { table } from '../demo/table.mjs';

/** @typedef {import('./push.mjs').CaseResult} CaseResult */
/** @typedef {Awaited<ReturnType<typeof import('./fleet.mjs').measuredFleet>>} FleetResult */

/** What is asked of each case, in words. @type {Record<CaseResult['name'], {title: string, aim: string}>} */
const cases = {
  quiet: { title: 'one each to quiet mailboxes', aim: 'p50 0.8 s, p99 1.5 s' },
  busy: { title: 'all to one, each 0.3-3 s', aim: 'p50 0.8 s, p99 1.5 s' },
  burst: { title: 'burst within 2 s to one', aim: 'last after 5 s' },
  import: { title: 'quiet, beside two imports', aim: 'p99 2 s' },
  delete: { title: 'quiet, beside a deletion', aim: 'p99 2 s' },
  both: { title: 'beside deletion and import', aim: 'p99 2 s' },
  restart: { title: 'while the worker restarts', aim: 'max 20 s' },
};

/** @param {CaseResult[]} results @returns {string[]} */
export function pushTable(results) {
  const titles = ['', 'count', 'p50', 'p95', 'p99', 'max', 'floor p50', 'floor p99', 'missing', 'twice', 'aim'];
  const widths = [28, 5, 8, 8, 8, 8, 9, 9, 7, 5, 20];
  const columns = titles.map((title, index) => ({ title, width: widths[index] ?? 8, grows: 0 }));
  const rows = results.map(({ name, ms, floorMs, missing, twice }) => [
    cases[name].title,
    String(ms.count),
    ...[ms.p50, ms.p95, ms.p99, ms.max, floorMs?.p50 ?? NaN, floorMs?.p99 ?? NaN].map(seconds),
    String(missing),
    String(twice),
    cases[name].aim,
  ]);
  const notes = results.flatMap(({ name, lastSeconds, note }) => [
    ...(name === 'burst' && lastSeconds !== null
      ? [`  The last of the burst was there ${lastSeconds.toFixed(2)} s after the first 250`]
      : []),
    ...(note === '' ? [] : [`  ${cases[name].title}: ${note}`]),
  ]);
  return ['', "  From the mail server's 250 to the timeline", '', ...table(columns, rows, 150), '', ...notes];
}

/** @param {FleetResult} fleet @returns {string[]} */
export function fleetTable(fleet) {
  const { plan, attached, again, states, idle, kilobytesPerMailbox, arrivals, burst, perRound } = fleet;
  const { withCachedWorkflows: cached, withoutCachedWorkflows: bare, further } = kilobytesPerMailbox;
  const parts = (/** @type {Record<string, number>} */ values, /** @type {number} */ digits) =>
    Object.entries(values)
      .map(([name, value]) => `${name} ${value.toFixed(digits)}`)
      .join(', ');
  const rows = [
    [
      'all connected, then attached',
      `${attached.attached}: ${attached.connectedSeconds.toFixed(1)} s, then ${attached.seconds.toFixed(1)} s`,
      '',
    ],
    [
      'all attached after kill -9',
      `${again.attached} in ${again.seconds.toFixed(1)} s, the first after ${again.firstSeconds.toFixed(1)} s`,
      '90 s for 2,000',
    ],
    ['states', parts(states, 0), 'all live'],
    ['IMAP sessions per mailbox', fleet.sessionsPerMailbox.toFixed(2), ''],
    [
      'arrivals',
      `p50 ${seconds(arrivals.ms.p50)}, p95 ${seconds(arrivals.ms.p95)}, p99 ${seconds(arrivals.ms.p99)}, max ${seconds(arrivals.ms.max)}`,
      'p99 1.5 s',
    ],
    [
      '  missing, twice',
      `${arrivals.missing}, ${arrivals.twice} of ${arrivals.ms.count} at ${arrivals.rate.toFixed(1)}/s`,
      '0, 0',
    ],
    ['worker memory per idle mailbox', `RSS ${cached.rss.toFixed(0)} kB, heap ${cached.heap.toFixed(0)} kB`, '200 kB'],
    ['  just attached again', `RSS ${bare.rss.toFixed(0)} kB, heap ${bare.heap.toFixed(0)} kB`, ''],
    ['  of the last five sixths', `RSS ${further.rss.toFixed(0)} kB, heap ${further.heap.toFixed(0)} kB`, ''],
    ['idle CPU of the worker, 500 mailboxes', `${idle.workerPercentOf500.toFixed(2)} % of a core`, '3 %'],
    ['idle CPU, % of a core', parts(idle.percentOfCore, 2), ''],
    ['burst of 100 within 2 s', `${burst.rounds} rounds, the last after ${burst.lastSeconds.toFixed(2)} s`, '4 rounds'],
    ['a round', `${perRound.events.toFixed(1)} events, ${perRound.actions.toFixed(1)} actions`, ''],
    [
      'an idle mailbox and day',
      `${perRound.eventsPerIdleDay.toFixed(0)} events, ${perRound.actionsPerIdleDay.toFixed(0)} actions (a round each ${perRound.restHours ?? '?'} h)`,
      '60 events, 20 actions',
    ],
    [
      `Temporal while idle for ${idle.seconds.toFixed(0)} s`,
      `${idle.heartbeats} heartbeats; actions: ${parts(idle.actions, 0)}`,
      'a heartbeat per shard and 9 s',
    ],
    ['CPU ms per arrival', parts(arrivals.cpuMsPerArrival, 1), ''],
    ['memory in MB', parts(fleet.megabytes, 0), ''],
    ['connections to Postgres', parts(fleet.postgresConnections, 0), ''],
  ];
  const columns = [
    { title: '', width: 38, grows: 0 },
    { title: 'measured', width: 64, grows: 1 },
    { title: 'aim', width: 30, grows: 0 },
  ];
  return [
    '',
    `  ${plan.size} mailboxes, ${plan.rate} arrivals a second for ${plan.minutes} min`,
    '',
    ...table(columns, rows, 190),
  ];
}

/** @param {number} ms */
function seconds(ms) {
  return Number.isFinite(ms) ? `${(ms / 1_000).toFixed(2)} s` : '';
}

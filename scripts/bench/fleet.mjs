// @ts-check
import { diceOf } from '../demo/dice.mjs';
import { deliverAll, writersRecord } from './deliveries.mjs';
import { connectFleet, sessionsOn, statesOf, untilAttached } from './fleet-of-mailboxes.mjs';
import { memoryOf } from './memory.mjs';
import { cpuBetween, cpuOf, megabytesOf, spreadOf } from './processes.mjs';
import { countsBetween, countsOf, openHistories, restMsOf, roundsSince } from './temporal-counts.mjs';
import { TimelineWatch } from './timeline-watch.mjs';

/** @typedef {import('../lib/dovecot.mjs').Dovecot} Dovecot */
/** @typedef {import('./letterbook.mjs').Letterbook} Letterbook */
/** @typedef {{size: number, rate: number, minutes: number, idleSeconds: number}} FleetPlan */
/** @typedef {(done: number, total: number, unit: string) => void} Progress */

/** The timeline is asked this often; a shorter time would measure the asking, on a machine that is shared. */
const pollEveryMs = 100;
const attachTimeoutMs = 600_000;
/** Until what begins with a process is over: code is compiled, and garbage collected. */
const settleMs = 20_000;
const sampled = 20;
const dayMs = 86_400_000;

/**
 * A fleet on one machine: attached, idle, restarted, under arrivals, and a burst.
 * @param {{letterbook: Letterbook, dovecot: Dovecot, plan: FleetPlan, step: import('../lib/terminal.mjs').Terminal['step']}} wish
 */
export async function measuredFleet({ letterbook, dovecot, plan, step }) {
  const stamp = Date.now().toString(36);
  const users = Array.from({ length: plan.size }, (_, index) => `f${index}.${stamp}@fleet.example`);
  const { api, apiUrl, apiKey, temporal } = letterbook;
  const recordId = await writersRecord(api);
  const fleet = { letterbook, dovecot, plan, users };
  const base = await step('A worker without mailboxes', () => measuredIdle(fleet));
  const empty = await settledMemory(fleet);
  const few = await step('A sixth of the mailboxes, and a worker that begins with them', () => measuredFew(fleet));
  const { ids, attached } = await step(`${plan.size} mailboxes, connected through the API`, async ({ progress }) => {
    const [began, since] = [performance.now(), new Date()];
    const rest = users.slice(few.ids.size);
    const connected = await connectFleet(api, dovecot, {
      users: rest,
      progress: (a, b) => progress(a, b, 'connected'),
    });
    const connectedSeconds = (performance.now() - began) / 1_000;
    const timeoutMs = attachTimeoutMs;
    const all = await untilAttached(
      { dovecot, database: letterbook.database },
      { users: rest, since, timeoutMs, progress: (a, b) => progress(a, b, 'attached') },
    );
    return { ids: new Map([...few.ids, ...connected]), attached: { ...all, connectedSeconds } };
  });
  await step('All compared with their server for the first time', ({ progress }) =>
    untilProven(letterbook.database, (done) => progress(done, plan.size, 'mailboxes')),
  );
  const histories = await openHistories(temporal.address);
  await step('Connections of first rounds are closed', () => untilOneConnectionEach(fleet));
  const idle = await step(`Idle for ${plan.idleSeconds} s`, () => measuredIdle(fleet));
  const full = await step('Memory with its workflows cached', () => settledMemory(fleet));
  const again = await step('All attached again after the worker was killed', ({ progress }) =>
    measuredTakeOver(fleet, (a, b) => progress(a, b, 'attached')),
  );
  const fresh = await step('Memory without cached workflows', () => settledMemory(fleet));
  await step(`Rest for ${plan.idleSeconds} s`, () => wait(plan.idleSeconds * 1_000));
  const watch = new TimelineWatch({ apiUrl, apiKey, recordId, everyMs: pollEveryMs });
  const arrivals = await step(`${plan.rate} arrivals a second for ${plan.minutes} min`, () =>
    measuredArrivals(fleet, watch),
  );
  const burst = await step('100 arrivals within 2 s in one mailbox', () =>
    measuredBurst(fleet, { watch, ids, histories }),
  );
  const perRound = await step('What a round costs Temporal', () => measuredRounds(fleet, { ids, histories }));
  const states = await statesOf(letterbook.database);
  await watch.stop();
  await histories.close();
  return {
    plan: { size: plan.size, rate: plan.rate, minutes: plan.minutes },
    attached,
    again,
    states,
    sessionsPerMailbox: sessionsOn(dovecot).sessions / plan.size,
    idle: { ...idle, workerPercentOf500: percentOf500(base, idle, plan.size) },
    kilobytesPerMailbox: {
      withCachedWorkflows: perMailbox(full, empty, plan.size),
      withoutCachedWorkflows: perMailbox(fresh, empty, plan.size),
      further: perMailbox(fresh, few.memory, plan.size - few.ids.size),
    },
    arrivals,
    burst,
    perRound,
    ...(await footprint(fleet)),
  };
}

/** @typedef {{letterbook: Letterbook, dovecot: Dovecot, plan: FleetPlan, users: string[]}} Fleet */
/** @typedef {Awaited<ReturnType<typeof memoryOf>>} Memory */

/** @param {Fleet} fleet @returns {Promise<Memory>} */
async function settledMemory({ letterbook }) {
  await wait(settleMs);
  return memoryOf(letterbook.pids.worker);
}

/** @param {Memory} now @param {Memory} before @param {number} size */
function perMailbox(now, before, size) {
  const share = (/** @type {keyof Memory} */ what) => ((now[what] - before[what]) * 1024) / size;
  return { rss: share('rssMegabytes'), heap: share('heapMegabytes') };
}

/** What a worker uses without a mailbox, and 500 times what each adds. @param {Idle} base @param {Idle} idle @param {number} size */
function percentOf500(base, idle, size) {
  const [without, all] = [base.percentOfCore['worker'] ?? 0, idle.percentOfCore['worker'] ?? 0];
  return without + (Math.max(0, all - without) / size) * 500;
}

/**
 * What a worker holds that began with few: all that grows once, with the first mailboxes, is in it.
 * @param {Fleet} fleet
 */
async function measuredFew(fleet) {
  const { letterbook, dovecot, users } = fleet;
  const some = users.slice(0, Math.ceil(users.length / 6));
  const since = new Date();
  const ids = await connectFleet(letterbook.api, dovecot, { users: some });
  const where = { dovecot, database: letterbook.database };
  await untilAttached(where, { users: some, since, timeoutMs: attachTimeoutMs });
  await measuredTakeOver({ ...fleet, users: some }, () => {});
  return { ids, memory: await settledMemory(fleet) };
}

/** @param {import('pg').Client} database @param {(done: number) => void} progress */
async function untilProven(database, progress) {
  const deadline = Date.now() + attachTimeoutMs;
  for (;;) {
    const { rows } = await database.query(
      'SELECT count(*) FILTER (WHERE last_proven_at IS NULL)::int AS waiting, count(last_proven_at)::int AS proven FROM mailbox',
    );
    progress(rows[0].proven);
    if (rows[0].waiting === 0) return;
    if (Date.now() > deadline) throw new Error(`${rows[0].waiting} mailboxes are not compared with their server.`);
    await wait(500);
  }
}

/** The worker keeps a round's connection for minutes: a mailbox is idle when that on which it is watched alone is left. @param {Fleet} fleet */
async function untilOneConnectionEach({ dovecot, plan }) {
  const deadline = Date.now() + attachTimeoutMs;
  while (sessionsOn(dovecot).sessions > plan.size * 1.02 && Date.now() < deadline) await wait(2_000);
}

/** @typedef {Awaited<ReturnType<typeof measuredIdle>>} Idle */

/** Nothing happens; what does it cost? @param {Fleet} fleet */
async function measuredIdle({ letterbook, dovecot, plan }) {
  await wait(settleMs);
  const pids = { ...letterbook.pids, dovecot: dovecot.pid };
  const { metricsUrl } = letterbook.temporal;
  const counts = await countsOf(metricsUrl);
  const [cpu, began] = [cpuOf(pids), performance.now()];
  await wait(plan.idleSeconds * 1_000);
  const seconds = (performance.now() - began) / 1_000;
  const used = cpuBetween(cpu, cpuOf(pids));
  const { actions, heartbeats } = countsBetween(counts, await countsOf(metricsUrl));
  const shareOfCore = Object.fromEntries(Object.entries(used).map(([name, one]) => [name, (one / seconds) * 100]));
  return {
    seconds,
    percentOfCore: shareOfCore,
    actions,
    heartbeats,
    heartbeatEverySeconds: heartbeats === 0 ? null : (seconds * 16) / heartbeats,
  };
}

/** @param {Fleet} fleet @param {(done: number, total: number) => void} progress */
async function measuredTakeOver({ letterbook, dovecot, users }, progress) {
  await letterbook.endWorkers('killed');
  // The server closes the sessions of a client that is gone.
  while (sessionsOn(dovecot).sessions > 0) await wait(200);
  const [began, since] = [performance.now(), new Date()];
  await letterbook.startWorkers();
  const { attached, firstSeconds } = await untilAttached(
    { dovecot, database: letterbook.database },
    { users, since, timeoutMs: attachTimeoutMs, progress },
  );
  return { attached, firstSeconds, seconds: (performance.now() - began) / 1_000 };
}

/** @param {Fleet} fleet @param {TimelineWatch} watch */
async function measuredArrivals({ letterbook, dovecot, plan, users }, watch) {
  const dice = diceOf('fleet');
  const count = Math.round(plan.rate * plan.minutes * 60);
  const messages = Array.from({ length: count }, (_, index) => ({
    to: dice.pick(users),
    atMs: (index * 1_000) / plan.rate,
  }));
  const pids = { ...letterbook.pids, dovecot: dovecot.pid };
  const [cpu, began] = [cpuOf(pids), performance.now()];
  const delivered = await deliverAll(lmtpOf(dovecot), { name: 'fleet', messages, watch, connections: 4 });
  const seconds = (performance.now() - began) / 1_000;
  const missing = await watch.untilAll(60_000);
  const used = cpuBetween(cpu, cpuOf(pids));
  const counts = await watch.countAll();
  return {
    ms: spreadOf(watch.seen.map(({ ms }) => ms)),
    rate: delivered.length / seconds,
    missing,
    twice: delivered.filter(({ subject }) => (counts.get(subject) ?? 0) > 1).length,
    cpuMsPerArrival: Object.fromEntries(Object.entries(used).map(([name, one]) => [name, (one * 1_000) / count])),
  };
}

/** @typedef {{ids: Map<string, string>, histories: Awaited<ReturnType<typeof openHistories>>}} Known */

/** @param {Fleet} fleet @param {Known & {watch: TimelineWatch}} known */
async function measuredBurst({ dovecot, users }, { watch, ids, histories }) {
  const to = users[0] ?? '';
  const messages = Array.from({ length: 100 }, (_, index) => ({ to, atMs: index * 20 }));
  const [since, before] = [Date.now(), watch.seen.length];
  const delivered = await deliverAll(lmtpOf(dovecot), { name: 'burst', messages, watch, connections: 4 });
  const missing = await watch.untilAll(60_000);
  await wait(3_000); // a round more than needed is counted as well
  const lastAt = Math.max(...watch.seen.slice(before).map(({ deliveredAt, ms }) => deliveredAt + ms));
  return {
    rounds: roundsSince(await histories.of(ids.get(to) ?? ''), since),
    lastSeconds: (lastAt - (delivered[0]?.at ?? NaN)) / 1_000,
    missing,
  };
}

/**
 * The events and actions of one round, from rounds that were asked for; with the time an idle mailbox sleeps they are those of a day.
 * @param {Fleet} fleet @param {Known} known
 */
async function measuredRounds({ letterbook, users }, { ids, histories }) {
  const some = users.slice(-sampled).flatMap((user) => ids.get(user) ?? []);
  const lengths = async () => (await Promise.all(some.map((id) => histories.of(id)))).map((events) => events.length);
  const before = await lengths();
  const counts = await countsOf(letterbook.temporal.metricsUrl);
  for (const id of some) await letterbook.api.post(`/v1/mailboxes/${id}/sync`, {});
  const after = await lengths();
  const { actions } = countsBetween(counts, await countsOf(letterbook.temporal.metricsUrl));
  const grown = after.map((length, index) => length - (before[index] ?? 0)).filter((events) => events > 0);
  const events = grown.reduce((sum, one) => sum + one, 0) / Math.max(1, grown.length);
  const restMs = restMsOf(await histories.of(some[0] ?? ''));
  const perRound = Object.values(actions).reduce((sum, one) => sum + one, 0) / some.length;
  const roundsADay = restMs === null || restMs === 0 ? NaN : dayMs / restMs;
  return {
    events,
    actions: perRound,
    kinds: actions,
    restHours: restMs === null ? null : restMs / 3_600_000,
    eventsPerIdleDay: events * roundsADay,
    actionsPerIdleDay: perRound * roundsADay,
  };
}

/** @param {Fleet} fleet */
async function footprint({ letterbook, dovecot }) {
  const pids = { ...letterbook.pids, dovecot: dovecot.pid };
  const { rows } = await letterbook.database.query(
    "SELECT application_name AS name, count(*)::int AS count FROM pg_stat_activity WHERE application_name LIKE 'letterbook%' GROUP BY 1",
  );
  return {
    megabytes: Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, megabytesOf(pid)])),
    postgresConnections: Object.fromEntries(rows.map(({ name, count }) => [name, count])),
  };
}

/** @param {Dovecot} dovecot */
function lmtpOf({ host, lmtpPort: port }) {
  return { host, port };
}

/** @param {number} ms */
function wait(ms) {
  return new Promise((wake) => setTimeout(wake, ms));
}

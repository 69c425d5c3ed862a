// @ts-check
// Measures the product beside what others do: `npm run bench`. What there is to be measured, and how: bench/options.mjs.
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';

import { findMbsync, imapflowBaseline, mbsyncBaseline } from './bench/baselines.mjs';
import { measuredImport } from './bench/import.mjs';
import { startLetterbook } from './bench/letterbook.mjs';
import { mailboxOfFolders, mixedMailbox } from './bench/mail-server.mjs';
import { benchDeletion, deletionTable } from './bench/deletion.mjs';
import { measuredFleet } from './bench/fleet.mjs';
import { filesAdvice, inotifyAdvice } from './bench/fleet-of-mailboxes.mjs';
import { fleetTable, pushTable } from './bench/live-report.mjs';
import { options, positionals } from './bench/options.mjs';
import { PushBench, pushCases } from './bench/push.mjs';
import { benchReconcile, reconcileLines } from './bench/reconcile.mjs';
import { benchRematch, rematchTable } from './bench/rematch.mjs';
import { benchRecords, recordsTable } from './bench/records.mjs';
import { importTable, shown, sweepLine, summaryOf } from './bench/report.mjs';
import { measuredSweep } from './bench/sweep.mjs';
import { benchThreads, threadsTable } from './bench/threads.mjs';
import { benchTimeline } from './bench/timeline.mjs';
import { timelineTable } from './bench/timeline-report.mjs';
import { build } from './lib/build.mjs';
import { startDovecot } from './lib/dovecot.mjs';
import { endInOrder, onEndSignal } from './lib/ending.mjs';
import { homeDir, placeOf, serverAccount } from './lib/places.mjs';
import { ProcessRecords } from './lib/processes.mjs';
import { SetupError, stackOf } from './lib/setup-error.mjs';
import { removeState } from './lib/state.mjs';
import { Terminal } from './lib/terminal.mjs';

/** What is measured, and how it is shown. @type {Record<string, import('./bench/report.mjs').Bench>} */
const benches = {
  import: shown(benchImport, importTable),
  sweep: shown(benchSweep, (sweep) => [sweepLine(sweep)]),
  push: shown(benchPush, pushTable),
  fleet: shown(benchFleet, fleetTable),
  delete: shown(() => benchDeletion({ terminal, home, records, messages, say }), deletionTable),
  rematch: shown(() => benchRematch({ terminal, home, records, messages, say }), rematchTable),
  threads: shown(() => benchThreads({ terminal, home, records, messages, say }), threadsTable),
  records: shown(() => benchRecords({ terminal, home, records, count: Number(options.records), say }), recordsTable),
  reconcile: shown(
    () => benchReconcile({ terminal, home, records, mailboxes: Number(options.compared), say }),
    reconcileLines,
  ),
  timeline: shown(
    () =>
      benchTimeline({ terminal, home, records, messages: Number(options.history), pages: Number(options.pages), say }),
    timelineTable,
  ),
};
const [only = 'all'] = positionals;
const messages = Number(options.messages);
const runs = Number(options.runs);
const terminal = new Terminal();
/** What concerns new mail is measured with the processes of `npm start`. */
const asInStart = { workers: 'split' };
const home = join(homeDir(process.env), 'bench');
const records = new ProcessRecords(join(home, 'processes.json'));
const say = (/** @type {string} */ line) => terminal.line(`    ${line}`);

onEndSignal(() => {
  terminal.quietSteps();
  void end(130);
});
try {
  await main();
  await end(0);
} catch (error) {
  if (records.isClosing) await new Promise(() => {}); // whatever fails now was ended by us
  terminal.line(`\nThe bench cannot go on: ${/** @type {Error} */ (error).message}`);
  if (!(error instanceof SetupError)) terminal.line(stackOf(error));
  await end(1);
}

async function main() {
  const names = Object.keys(benches).filter((name) => only === 'all' || only === name);
  if (names.length === 0)
    throw new SetupError(`There is no bench ${only}.`, `Take one of ${Object.keys(benches).join(', ')}.`);
  mkdirSync(home, { recursive: true });
  await records.takeOver({ say });
  await build(terminal);
  const dovecot = await terminal.step('Dovecot', async () => {
    const dir = placeOf({ home, name: 'dovecot', account: await serverAccount(['nobody']), say });
    // Thousands of processes that look each second, as those of the demo do, would be a load of their own.
    const isTold = inotifyAdvice(2 * Number(options.size)) === null;
    return startDovecot({ dir, records, idleCheckSeconds: isTold ? 30 : 1 });
  });
  const machine = {
    cpu: cpus()[0]?.model ?? '',
    cores: cpus().length,
    node: process.version,
    dovecot: dovecot.version,
  };
  /** @type {Record<string, unknown>} */
  const report = { machine };
  /** @type {string[]} */
  const table = [];
  for (const name of names) {
    const measured = await benches[name]?.(dovecot);
    report[name] = measured?.result;
    table.push(...(measured?.lines ?? []));
  }
  terminal.line();
  terminal.line(`  ${machine.cores} cores, ${machine.cpu}, Node ${machine.node}, Dovecot ${machine.dovecot}`);
  for (const line of table) terminal.line(line);
  if (options.json) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
}

/** @param {import('./lib/dovecot.mjs').Dovecot} dovecot */
async function benchImport(dovecot) {
  const server = await terminal.step(`Mailbox of ${messages} messages`, ({ progress }) =>
    mixedMailbox(dovecot, { messages, progress: (done, total) => progress(done, total, 'messages') }),
  );
  const mbsync = await findMbsync(say);
  /** @type {import('./bench/report.mjs').Runs} */
  const results = { fetch: [], parse: [], mbsync: [], letterbook: [] };
  // In turns, so that whatever else the machine does meets all of them.
  for (let run = 1; run <= runs; run++) {
    results.fetch.push(await terminal.step(`imapflow, thrown away (${run})`, () => imapflowBaseline('fetch', server)));
    results.parse.push(
      await terminal.step(`imapflow + simpleParser (${run})`, () => imapflowBaseline('parse', server)),
    );
    if (mbsync)
      results.mbsync.push(
        await terminal.step(`mbsync with fsync (${run})`, () => mbsyncBaseline(mbsync, server, home)),
      );
    results.letterbook.push(
      await terminal.step(`Letterbook (${run})`, (step) => letterbookRun(server, dovecot.process.pid, step)),
    );
  }
  return summaryOf(messages, results);
}

/**
 * @param {import('./demo/deliver.mjs').MailServer} server @param {number} dovecotPid @param {import('./lib/terminal.mjs').Step} step
 */
async function letterbookRun(server, dovecotPid, step) {
  const place = join(home, 'letterbook');
  const letterbook = await startLetterbook({
    home: place,
    records,
    cpuProfileDir: options['cpu-profile'] ?? null,
    say: () => {},
  });
  try {
    const progress = (/** @type {number} */ done, /** @type {number} */ total) =>
      step.progress(done, total, 'messages');
    return await measuredImport(letterbook, server, { messages, dovecotPid, progress });
  } finally {
    await letterbook.stop();
    removeState(place);
  }
}

/** @param {import('./lib/dovecot.mjs').Dovecot} dovecot */
async function benchSweep(dovecot) {
  const server = await terminal.step('Mailbox of 50 folders', () => mailboxOfFolders(dovecot, { folders: 50 }));
  return terminal.step('Sweep without changes', () => measuredSweep(server, { times: 50 }));
}

/** @param {import('./lib/dovecot.mjs').Dovecot} dovecot @returns {Promise<import('./bench/push.mjs').CaseResult[]>} */
async function benchPush(dovecot) {
  const cases = pushCases.filter((name) => options.cases.split(',').includes(name));
  const [mailboxes, importMessages] = [Math.max(3, Number(options.mailboxes)), Number(options.import)];
  advise(mailboxes + 60);
  const source = cases.some((name) => ['import', 'delete', 'both'].includes(name))
    ? await terminal.step(`Mailbox of ${importMessages} messages`, ({ progress }) =>
        mixedMailbox(dovecot, {
          messages: importMessages,
          progress: (done, total) => progress(done, total, 'messages'),
        }),
      )
    : null;
  const numbers = {
    deliveries: Number(options.deliveries),
    burst: Number(options.burst),
    restarts: Number(options.restarts),
  };
  return withLetterbook(async (letterbook) => {
    const bench = new PushBench({
      letterbook,
      dovecot,
      plan: { ...numbers, mailboxes, importMessages, cases, source },
    });
    const prepared = await terminal.step(`${mailboxes} mailboxes`, ({ progress }) =>
      bench.prepare((done, total) => progress(done, total, 'mailboxes')),
    );
    say(`${prepared.attached} of ${mailboxes} are watched; states: ${JSON.stringify(prepared.states)}`);
    const results = [];
    for (const name of cases)
      results.push(
        await terminal.step(`Case ${name}`, ({ progress }) =>
          bench.run(name, (done, total) => progress(done, total, 'messages')),
        ),
      );
    await bench.stop();
    return results;
  }, asInStart);
}

/** @param {import('./lib/dovecot.mjs').Dovecot} dovecot */
async function benchFleet(dovecot) {
  const plan = {
    size: Number(options.size),
    rate: Number(options.rate),
    minutes: Number(options.minutes),
    idleSeconds: Number(options['idle-seconds']),
  };
  advise(plan.size * 2);
  // Each mailbox is compared with its server once it is connected, and then daily: the first time is had before anything is measured.
  const settings = { LETTERBOOK_AUDITS_PER_MINUTE: String(plan.size) };
  return withLetterbook(
    (letterbook) => measuredFleet({ letterbook, dovecot, plan, step: (label, work) => terminal.step(label, work) }),
    { ...asInStart, settings },
  );
}

/** @param {number} sessions of the mail server */
function advise(sessions) {
  for (const advice of [inotifyAdvice(sessions), filesAdvice(sessions / 2)]) if (advice !== null) say(advice);
}

/**
 * @template Result @param {(letterbook: import('./bench/letterbook.mjs').Letterbook) => Promise<Result>} work
 * @param {{settings?: Record<string, string>, workers?: string}} [how] @returns {Promise<Result>}
 */
async function withLetterbook(work, { settings = {}, workers = 'one' } = {}) {
  const place = join(home, 'letterbook');
  const wish = { home: place, records, cpuProfileDir: options['cpu-profile'] ?? null, say, settings };
  const letterbook = await terminal.step('Letterbook', () =>
    startLetterbook({ ...wish, workers: workersOf(options.workers ?? workers) }),
  );
  try {
    return await work(letterbook);
  } finally {
    await letterbook.stop();
    removeState(place);
  }
}

/** @param {string} wish @returns {import('./bench/letterbook.mjs').WorkerWish[]} */
function workersOf(wish) {
  if (wish === 'one') return [{ name: 'Worker', roles: null }];
  if (wish !== 'split') throw new SetupError(`There is no --workers ${wish}.`, 'Take one or split.');
  return [
    { name: 'Worker', roles: ['sync', 'idle'] },
    { name: 'Bulk', roles: ['bulk'] },
  ];
}

/** @param {number} code */
async function end(code) {
  await endInOrder(records);
  process.exit(code);
}

// @ts-check
// Measures the product beside what others do: `npm run bench [-- import|sweep|push|fleet|delete|reconcile] [options]`, all of them where none is named.
//   --json FILE         writes all numbers
//   --workers split     new mail, history and connections in workers of their own; otherwise one does all, as in `npm start`
//   --cpu-profile DIR   the workers write CPU profiles there
// import
//   --messages N        size of the mailbox (10,000)
//   --runs N            how often each is measured, in turns (3)
// delete
//   --messages N        size of the mailbox that is deleted (10,000), without bytes and with 22 kB each
// reconcile
//   --compared N        mailboxes that are compared with their workflows (10,000)
// push
//   --deliveries N      of each case with single deliveries (200)
//   --mailboxes N       quiet mailboxes (200)
//   --burst N           messages of the burst (500)
//   --import N          size of the mailbox that two tenants import meanwhile (5,000; the aim is for 50,000)
//   --restarts N        of the worker (4)
//   --cases a,b         of quiet, busy, burst, import, restart (all)
// fleet
//   --size N            mailboxes (300; the aim is for 2,000)
//   --rate N            arrivals a second (20)
//   --minutes N         for so long (1; the aim is for 5)
//   --idle-seconds N    how long idleness is watched (60)
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { findMbsync, imapflowBaseline, mbsyncBaseline } from './bench/baselines.mjs';
import { measuredImport } from './bench/import.mjs';
import { startLetterbook } from './bench/letterbook.mjs';
import { mailboxOfFolders, mixedMailbox } from './bench/mail-server.mjs';
import { deletionTable, measuredDeletion } from './bench/deletion.mjs';
import { measuredFleet } from './bench/fleet.mjs';
import { filesAdvice, inotifyAdvice } from './bench/fleet-of-mailboxes.mjs';
import { fleetTable, pushTable } from './bench/live-report.mjs';
import { PushBench, pushCases } from './bench/push.mjs';
import { benchReconcile, reconcileLines } from './bench/reconcile.mjs';
import { importTable, shown, sweepLine, summaryOf } from './bench/report.mjs';
import { measuredSweep } from './bench/sweep.mjs';
import { build } from './lib/build.mjs';
import { startDovecot } from './lib/dovecot.mjs';
import { endInOrder, onEndSignal } from './lib/ending.mjs';
import { homeDir, placeOf, serverAccount } from './lib/places.mjs';
import { ProcessRecords } from './lib/processes.mjs';
import { SetupError, stackOf } from './lib/setup-error.mjs';
import { removeState } from './lib/state.mjs';
import { Terminal } from './lib/terminal.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    messages: { type: 'string', default: '10000' },
    runs: { type: 'string', default: '3' },
    json: { type: 'string' },
    'cpu-profile': { type: 'string' },
    workers: { type: 'string', default: 'one' },
    deliveries: { type: 'string', default: '200' },
    mailboxes: { type: 'string', default: '200' },
    burst: { type: 'string', default: '500' },
    import: { type: 'string', default: '5000' },
    restarts: { type: 'string', default: '4' },
    cases: { type: 'string', default: pushCases.join(',') },
    compared: { type: 'string', default: '10000' },
    size: { type: 'string', default: '300' },
    rate: { type: 'string', default: '20' },
    minutes: { type: 'string', default: '1' },
    'idle-seconds': { type: 'string', default: '60' },
  },
});
/** What is measured, and how it is shown. @type {Record<string, import('./bench/report.mjs').Bench>} */
const benches = {
  import: shown(benchImport, importTable),
  sweep: shown(benchSweep, (sweep) => [sweepLine(sweep)]),
  push: shown(benchPush, pushTable),
  fleet: shown(benchFleet, fleetTable),
  delete: shown(benchDelete, deletionTable),
  reconcile: shown(
    () => benchReconcile({ terminal, home, records, mailboxes: Number(options.compared), say }),
    reconcileLines,
  ),
};
const [only = 'all'] = positionals;
const messages = Number(options.messages);
const runs = Number(options.runs);
const terminal = new Terminal();
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
    return startDovecot({ dir, records });
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
  const source = cases.includes('import')
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
  });
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
    settings,
  );
}

/** @param {number} sessions of the mail server */
function advise(sessions) {
  for (const advice of [inotifyAdvice(sessions), filesAdvice(sessions / 2)]) if (advice !== null) say(advice);
}

/**
 * @template Result @param {(letterbook: import('./bench/letterbook.mjs').Letterbook) => Promise<Result>} work
 * @param {Record<string, string>} [settings] @returns {Promise<Result>}
 */
async function withLetterbook(work, settings = {}) {
  const place = join(home, 'letterbook');
  const wish = { home: place, records, cpuProfileDir: options['cpu-profile'] ?? null, say, settings };
  const letterbook = await terminal.step('Letterbook', () =>
    startLetterbook({ ...wish, workers: workersOf(options.workers) }),
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

async function benchDelete() {
  const results = [];
  for (const bytesPerMessage of [0, 22_000]) {
    const place = join(home, 'deletion');
    const what = bytesPerMessage === 0 ? 'without bytes' : 'with bytes in Postgres';
    results.push(
      await terminal.step(`Deletion of ${messages} messages ${what}`, () =>
        measuredDeletion({ home: place, records, messages, bytesPerMessage, say }),
      ),
    );
  }
  return results;
}

/** @param {number} code */
async function end(code) {
  await endInOrder(records);
  process.exit(code);
}

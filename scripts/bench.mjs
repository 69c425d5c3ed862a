// @ts-check
// Measures an import and a sweep beside what others do, on the same mailbox: `npm run bench [-- import|sweep] [options]`.
//   --messages N        size of the mailbox (10,000)
//   --runs N            how often each is measured, in turns (3)
//   --json FILE         writes all numbers
//   --cpu-profile DIR   the worker writes CPU profiles there
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { findMbsync, imapflowBaseline, mbsyncBaseline } from './bench/baselines.mjs';
import { measuredImport } from './bench/import.mjs';
import { startLetterbook } from './bench/letterbook.mjs';
import { mailboxOfFolders, mixedMailbox } from './bench/mail-server.mjs';
import { importTable, sweepLine, summaryOf } from './bench/report.mjs';
import { measuredSweep } from './bench/sweep.mjs';
import { build } from './lib/build.mjs';
import { startDovecot } from './lib/dovecot.mjs';
import { endInOrder, onEndSignal } from './lib/ending.mjs';
import { homeDir, placeOf, serverAccount } from './lib/places.mjs';
import { ProcessRecords } from './lib/processes.mjs';
import { SetupError } from './lib/setup-error.mjs';
import { Terminal } from './lib/terminal.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    messages: { type: 'string', default: '10000' },
    runs: { type: 'string', default: '3' },
    json: { type: 'string' },
    'cpu-profile': { type: 'string' },
  },
});
const [only = 'all'] = positionals;
const messages = Number(options.messages);
const runs = Number(options.runs);
const terminal = new Terminal();
const home = join(homeDir(process.env), 'bench');
const records = new ProcessRecords(join(home, 'processes.json'));
const say = (/** @type {string} */ line) => terminal.line(`    ${line}`);

onEndSignal(() => void end(130));
try {
  await main();
  await end(0);
} catch (error) {
  terminal.line(`\nThe bench cannot go on: ${/** @type {Error} */ (error).message}`);
  if (!(error instanceof SetupError)) console.error(error);
  await end(1);
}

async function main() {
  if (!['all', 'import', 'sweep'].includes(only))
    throw new SetupError(`There is no bench ${only}.`, 'Take import or sweep.');
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
  const report = {
    machine,
    import: only === 'sweep' ? null : await benchImport(dovecot),
    sweep: only === 'import' ? null : await benchSweep(dovecot),
  };
  terminal.line();
  terminal.line(`  ${machine.cores} cores, ${machine.cpu}, Node ${machine.node}, Dovecot ${machine.dovecot}`);
  if (report.import) for (const line of importTable(report.import)) terminal.line(line);
  if (report.sweep) terminal.line(sweepLine(report.sweep));
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
    rmSync(place, { recursive: true, force: true });
  }
}

/** @param {import('./lib/dovecot.mjs').Dovecot} dovecot */
async function benchSweep(dovecot) {
  const server = await terminal.step('Mailbox of 50 folders', () => mailboxOfFolders(dovecot, { folders: 50 }));
  return terminal.step('Sweep without changes', () => measuredSweep(server, { times: 50 }));
}

/** @param {number} code */
async function end(code) {
  await endInOrder(records);
  process.exit(code);
}

// @ts-check
// Runs every message file under a folder through store, parse and match, on a database of its own, and says what became of
// each: `npm run conformance -- DIR`. Files that lie beside expected results are compared with them.
import { mkdtempSync, readFileSync, rmSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';

import { expectedFacts, messageFiles, readFacts } from './conformance/corpus.mjs';
import { openRegister } from './conformance/register.mjs';
import { complaintsOf, reportOf } from './conformance/report.mjs';
import { build } from './lib/build.mjs';
import { freePort } from './lib/ports.mjs';
import { startPostgres } from './lib/postgres.mjs';
import { ProcessRecords } from './lib/processes.mjs';
import { SetupError } from './lib/setup-error.mjs';
import { Terminal } from './lib/terminal.mjs';

const batchMessages = 50;
const terminal = new Terminal();
const [dir] = process.argv.slice(2);

try {
  if (dir === undefined) throw new SetupError('No folder is given.', 'npm run conformance -- DIR');
  const files = messageFiles(resolve(dir));
  if (files.length === 0) throw new SetupError(`${dir} holds no .eml, .msg or .raw files.`, 'Name another folder.');
  await build(terminal);
  process.exitCode = await withDatabase((urls) => run(resolve(dir), files, urls));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  terminal.line(error.message);
  process.exitCode = 1;
}

/**
 * @param {(urls: { ownerUrl: string, appUrl: string }) => Promise<number>} work
 * @returns {Promise<number>}
 */
async function withDatabase(work) {
  const home = mkdtempSync(join(tmpdir(), 'letterbook-conformance-'));
  chmodSync(home, 0o755); // Postgres runs as another user where we are root
  const records = new ProcessRecords(join(home, 'processes.json'));
  await records.takeOver();
  const postgres = await terminal.step('Postgres', async ({ say }) =>
    startPostgres({
      home,
      port: await freePort(),
      records,
      logFile: join(home, 'postgres.log'),
      use: 'throwaway',
      say,
    }),
  );
  try {
    return await work(postgres);
  } finally {
    await postgres.process.stop(5_000);
    records.close();
    rmSync(home, { recursive: true, force: true });
  }
}

/**
 * @param {string} root
 * @param {string[]} files
 * @param {{ ownerUrl: string, appUrl: string }} urls
 * @returns {Promise<number>} the exit code
 */
async function run(root, files, urls) {
  const register = await terminal.step('Register', () => openRegister(urls));
  try {
    await register.parse(Buffer.from('Subject: warm\n\nup\n')); // the first message would also pay for the thread
    const began = Date.now();
    const read = await terminal.step('Read', ({ progress }) => readAll(register, files, progress));
    await register.addContacts([...new Set(read.flatMap(({ senders }) => senders))]);
    await terminal.step('Record', ({ progress }) => recordAll(register, files, progress));
    const seconds = (Date.now() - began) / 1_000;
    const ledger = new Map((await register.ledger()).map((placement) => [placement.uid, placement]));
    const results = read.map((one, index) => ({
      ...one,
      file: relative(root, one.file),
      outcome: outcomeOf(ledger.get(index + 1)),
      linked: ledger.get(index + 1)?.linked ?? false,
    }));
    terminal.line();
    for (const line of reportOf(results, { seconds, compared: read.filter(({ compared }) => compared).length }))
      terminal.line(line);
    const complaints = complaintsOf(results);
    for (const line of ['', ...complaints]) terminal.line(line);
    return complaints.length === 0 ? 0 : 1;
  } finally {
    await register.close();
  }
}

/** @param {{ outcome: number, code: string | null } | undefined} placement */
function outcomeOf(placement) {
  if (placement === undefined) return 'lost';
  return placement.code === null ? 'recorded' : `parked: ${placement.code}`;
}

/**
 * Each by itself, so that its time is its own.
 * @param {Awaited<ReturnType<typeof openRegister>>} register
 * @param {string[]} files
 * @param {(done: number, total: number, unit: string) => void} progress
 */
async function readAll(register, files, progress) {
  const read = [];
  for (const file of files) {
    const raw = readFileSync(file);
    const began = performance.now();
    const outcome = await register.parse(raw);
    const ms = performance.now() - began;
    const message = outcome.kind === 'parsed' ? outcome.message : null;
    const expected = message && expectedFacts(file);
    const senders = message?.from.flatMap(({ key }) => key ?? []) ?? [];
    read.push({
      file,
      ms,
      senders,
      compared: expected !== null,
      differences: expected && message ? differences(expected, readFacts(message)) : [],
    });
    progress(read.length, files.length, 'files');
  }
  return read;
}

/**
 * @param {import('./conformance/corpus.mjs').Facts} expected
 * @param {import('./conformance/corpus.mjs').Facts} read
 */
function differences(expected, read) {
  const names = /** @type {(keyof typeof expected)[]} */ (Object.keys(expected));
  return names
    .filter((name) => expected[name] !== read[name])
    .map((name) => `${name}: expected ${JSON.stringify(expected[name])}, read ${JSON.stringify(read[name])}`);
}

/**
 * @param {Awaited<ReturnType<typeof openRegister>>} register
 * @param {string[]} files
 * @param {(done: number, total: number, unit: string) => void} progress
 */
async function recordAll(register, files, progress) {
  for (let at = 0; at < files.length; at += batchMessages) {
    const batch = files
      .slice(at, at + batchMessages)
      .map((file, index) => ({ uid: at + index + 1, raw: readFileSync(file) }));
    await register.record(batch);
    progress(at + batch.length, files.length, 'files');
  }
}

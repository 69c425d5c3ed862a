// @ts-check
// Sets up what the tests need, runs them all, and ends with a line of counts: `npm test`. Arguments go to jest;
// `--without-dovecot` leaves out the tests that need one, on a machine that cannot have it.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { build } from './lib/build.mjs';
import { findDovecot } from './lib/dovecot.mjs';
import { filesIn } from './lib/fingerprint.mjs';
import { projectDir } from './lib/places.mjs';
import { SetupError } from './lib/setup-error.mjs';
import { findTemporal } from './lib/temporal.mjs';
import { Terminal } from './lib/terminal.mjs';
import { endLeftoverRuns } from './lib/test-servers.mjs';

const terminal = new Terminal();
const withoutDovecot = process.argv.includes('--without-dovecot');
const jestArguments = process.argv.slice(2).filter((argument) => argument !== '--without-dovecot');

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  terminal.line(`\nThe tests were not run: ${error.message}`);
  process.exitCode = 1;
}

/** @returns {Promise<number>} the exit code */
async function main() {
  await endLeftoverRuns((line) => terminal.line(`  ${line}`));
  await build(terminal);
  const env = { ...process.env, ...(await temporalEnvironment()), ...(await dovecotEnvironment()) };
  const leftOut = withoutDovecot ? filesThatNeedDovecot() : [];
  terminal.line();
  const { how, result } = await runJest(env, leftOut);
  await endLeftoverRuns();
  terminal.line();
  if (leftOut.length > 0) terminal.line(`Not run, because there is no Dovecot: ${leftOut.join(', ')}`);
  return conclude(how, result);
}

/** @returns {Promise<Record<string, string>>} */
async function temporalEnvironment() {
  if (process.env.LETTERBOOK_TEST_TEMPORAL_ADDRESS) return {};
  return terminal.step('Temporal server', async (step) => {
    const program = await findTemporal(step);
    step.detail(`${program.serverVersion} (${program.from})`);
    return { TEMPORAL_CLI_PATH: program.path };
  });
}

/** @returns {Promise<Record<string, string>>} */
async function dovecotEnvironment() {
  if (process.env.LETTERBOOK_TEST_DOVECOT) return {};
  if (withoutDovecot) return { LETTERBOOK_TEST_WITHOUT_DOVECOT: '1' };
  return terminal.step('Dovecot', async (step) => {
    try {
      const program = await findDovecot(step);
      step.detail(`${program.version} (${program.from})`);
      return {};
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      const remedy = `${error.remedy} Or leave out the tests that need it: npm test -- --without-dovecot`;
      throw new SetupError(error.problem, remedy, error);
    }
  });
}

/** Test files that take a Dovecot, by what they import. */
function filesThatNeedDovecot() {
  return filesIn('test')
    .filter((file) => file.endsWith('.test.ts'))
    .filter((file) =>
      /support\/dovecot|LETTERBOOK_TEST_DOVECOT|lib\/dovecot\.mjs/.test(readFileSync(join(projectDir, file), 'utf8')),
    );
}

/**
 * @typedef {{ numPassedTests: number, numFailedTests: number, numPendingTests: number, numTodoTests: number, numRuntimeErrorTestSuites: number, success: boolean }} JestResult
 */

/**
 * @param {NodeJS.ProcessEnv} env
 * @param {string[]} leftOut
 * @returns {Promise<{ how: 'ended' | 'interrupted' | 'hung', result: JestResult | null }>}
 */
async function runJest(env, leftOut) {
  const folder = mkdtempSync(join(tmpdir(), 'letterbook-results-'));
  const resultFile = join(folder, 'result.json');
  const jest = createRequire(join(projectDir, 'package.json')).resolve('jest/bin/jest');
  const ignored = leftOut.flatMap((file) => ['--testPathIgnorePatterns', `${file}$`]);
  const args = [jest, '--json', `--outputFile=${resultFile}`, ...jestArguments, ...ignored];
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
    cwd: projectDir,
    env: { ...env, NODE_ENV: 'test' },
    stdio: ['ignore', 'ignore', 'inherit'], // the JSON goes to standard output as well
  });
  /** @type {'ended' | 'interrupted' | 'hung'} */
  let how = 'ended';
  for (const name of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(name, () => {
      how = 'interrupted';
      child.kill(name);
      setTimeout(() => child.kill('SIGKILL'), 10_000).unref();
    });
  }
  const watch = setInterval(() => {
    if (!existsSync(resultFile)) return;
    clearInterval(watch);
    setTimeout(() => {
      how = 'hung';
      child.kill('SIGKILL');
    }, 30_000).unref();
  }, 1_000);
  await new Promise((ended) => child.once('close', ended));
  clearInterval(watch);
  const result = existsSync(resultFile) ? JSON.parse(readFileSync(resultFile, 'utf8')) : null;
  rmSync(folder, { recursive: true, force: true });
  return { how, result };
}

/**
 * @param {'ended' | 'interrupted' | 'hung'} how
 * @param {JestResult | null} result
 * @returns {number}
 */
function conclude(how, result) {
  if (how === 'hung')
    terminal.line(
      'jest did not end by itself: a test left something open. Look for a server or timer that is not stopped.',
    );
  if (how === 'interrupted') terminal.line('The tests were interrupted.');
  if (result === null) {
    terminal.line('jest ended without a result: the reason is above.');
    return 1;
  }
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, numRuntimeErrorTestSuites } = result;
  if (numRuntimeErrorTestSuites > 0) terminal.line(`${numRuntimeErrorTestSuites} test files could not be run at all.`);
  const failed = numFailedTests + numRuntimeErrorTestSuites;
  terminal.line(`${numPassedTests} passed, ${failed} failed, ${numPendingTests + numTodoTests} skipped`);
  return result.success && failed === 0 && how === 'ended' ? 0 : 1;
}

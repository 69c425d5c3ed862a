// @ts-check
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startDovecot } from './dovecot.mjs';
import { freePort } from './ports.mjs';
import { startPostgres } from './postgres.mjs';
import { ProcessRecords } from './processes.mjs';
import { SetupError } from './setup-error.mjs';
import { findTemporal, startTemporal } from './temporal.mjs';

/** What runs of this user have started: a file per run, named by its folder. */
const runsDir = join(tmpdir(), `letterbook-test-runs-${process.getuid?.() ?? 0}`);

/**
 * @typedef {{ env: Record<string, string>, stop: () => Promise<void> }} TestServers
 */

/**
 * Starts the servers that tests need and the environment does not name already, on free ports, with all they write in one
 * temporary folder. What a killed run left behind is ended first.
 * @param {{ env: NodeJS.ProcessEnv, say?: (line: string) => void }} wish
 * @returns {Promise<TestServers>}
 * @throws {SetupError}
 */
export async function startTestServers({ env, say = () => {} }) {
  await endLeftoverRuns(say);
  const dir = mkdtempSync(join(tmpdir(), 'letterbook-test-'));
  chmodSync(dir, 0o755); // the servers' own accounts must reach their folders in it
  const records = new ProcessRecords(join(runsDir, `${dir.split('/').pop()}.json`));
  await records.takeOver();
  const run = { env, dir, records, say };
  /** @type {(() => Promise<unknown>)[]} */
  const stops = [];
  const stop = async () => {
    await Promise.all(stops.map((end) => end()));
    records.close();
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    const parts = await Promise.allSettled([postgresFor(run), temporalFor(run), dovecotFor(run)]);
    for (const part of parts) if (part.status === 'fulfilled') stops.push(part.value.stop);
    for (const part of parts) if (part.status === 'rejected') throw part.reason;
    const found = parts.map((part) => (part.status === 'fulfilled' ? part.value.env : {}));
    return { env: Object.assign({}, ...found), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * @typedef {{ env: NodeJS.ProcessEnv, dir: string, records: ProcessRecords, say: (line: string) => void }} Run
 */

const nothing = { env: {}, stop: () => Promise.resolve() };

/** @param {Run} run @returns {Promise<TestServers>} */
async function postgresFor({ env, dir, records, say }) {
  if (env.LETTERBOOK_TEST_POSTGRES_URL) return nothing;
  const logFile = join(dir, 'postgres.log');
  const started = await startPostgres({ home: dir, port: await freePort(), records, logFile, use: 'throwaway', say });
  const url = started.ownerUrl.replace(/\/[^/]*$/, '/postgres');
  return { env: { LETTERBOOK_TEST_POSTGRES_URL: url }, stop: async () => void (await started.process.stop(5_000)) };
}

/** @param {Run} run @returns {Promise<TestServers>} */
async function temporalFor({ env, dir, records, say }) {
  if (env.LETTERBOOK_TEST_TEMPORAL_ADDRESS) return nothing;
  const program = await findTemporal({ env, say });
  const port = await freePort();
  const started = await startTemporal({
    program,
    port,
    uiPort: null,
    databaseFile: null,
    records,
    logFile: join(dir, 'temporal.log'),
  });
  return {
    env: { LETTERBOOK_TEST_TEMPORAL_ADDRESS: started.address },
    stop: async () => void (await started.process.stop(5_000)),
  };
}

/** @param {Run} run @returns {Promise<TestServers>} */
async function dovecotFor({ env, dir, records }) {
  if (env.LETTERBOOK_TEST_DOVECOT !== undefined && env.LETTERBOOK_TEST_DOVECOT !== '') return nothing;
  if (env.LETTERBOOK_TEST_WITHOUT_DOVECOT === '1') return nothing;
  const started = await startDovecot({ dir: join(dir, 'dovecot'), records });
  const answer = { ...started, process: undefined, stop: undefined };
  return { env: { LETTERBOOK_TEST_DOVECOT: JSON.stringify(answer) }, stop: started.stop };
}

/**
 * Ends the servers of runs that were killed, and removes their folders. Runs that go on are left alone.
 * @param {(line: string) => void} [say]
 */
export async function endLeftoverRuns(say = () => {}) {
  mkdirSync(runsDir, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(runsDir).filter((file) => file.endsWith('.json'))) {
    const records = new ProcessRecords(join(runsDir, name));
    try {
      await records.takeOver({ say });
    } catch (error) {
      if (error instanceof SetupError) continue; // it is running
      throw error;
    }
    records.close();
    rmSync(join(tmpdir(), name.replace(/\.json$/, '')), { recursive: true, force: true });
  }
}

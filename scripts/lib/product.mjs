// @ts-check
import { join } from 'node:path';

import { lastLines } from './commands.mjs';
import { projectDir } from './places.mjs';
import { endOfLog, startProcess } from './processes.mjs';
import { SetupError } from './setup-error.mjs';

/**
 * The environment of our own processes. What belongs to the owner of the database is not in it.
 * @param {{ env: NodeJS.ProcessEnv, home: string, appUrl: string, temporalAddress: string, temporalUiUrl: string | null, port: number }} of
 * @returns {NodeJS.ProcessEnv}
 */
export function productEnvironment({ env, home, appUrl, temporalAddress, temporalUiUrl, port }) {
  return {
    ...env,
    DATABASE_URL: appUrl,
    DATABASE_OWNER_URL: undefined,
    TEMPORAL_ADDRESS: temporalAddress,
    LETTERBOOK_HOME: home,
    LETTERBOOK_PORT: String(port),
    // Half of the threads may wait for the DNS; files and zlib have the others.
    UV_THREADPOOL_SIZE: env.UV_THREADPOOL_SIZE ?? '16',
    // glibc would keep freed memory for each of these threads apart: a hundred megabytes in an import.
    MALLOC_ARENA_MAX: env.MALLOC_ARENA_MAX ?? '2',
    LETTERBOOK_ALLOWED_NETWORKS: env.LETTERBOOK_ALLOWED_NETWORKS ?? '127.0.0.0/8,::1/128',
    ...(temporalUiUrl === null ? {} : { LETTERBOOK_TEMPORAL_UI_URL: temporalUiUrl }),
  };
}

/** For Node, in a worker: most of what an import makes is garbage at once, and young garbage is collected half as often so. Megabytes. */
export const workerOptions = ['--max-semi-space-size=32'];

/**
 * @param {{ name: 'API' | 'Worker' | 'History', args: string[], home: string, env: NodeJS.ProcessEnv, records: import('./processes.mjs').ProcessRecords }} wish
 * @returns {Promise<import('./processes.mjs').Running>}
 */
export function startProduct({ name, args, home, env, records }) {
  const [entry = '', ...options] = args;
  return startProcess({
    name,
    command: process.execPath,
    args: [
      '--enable-source-maps',
      ...(entry === 'worker.js' ? workerOptions : []),
      join(projectDir, 'dist', entry),
      ...options,
    ],
    cwd: projectDir,
    env,
    records,
    logFile: join(home, 'logs', `${name.toLowerCase()}.log`),
  });
}

/**
 * Waits until the product says that it is ready: database, Temporal and a polling worker are there. What was erased and came back with a
 * restored database is waited for as long as it takes to go again: the worker that this would end is the one that erases.
 * @param {{ apiUrl: string, processes: import('./processes.mjs').Running[], home: string, timeoutMs?: number, say?: (line: string) => void }} wait
 * @throws {SetupError} one of its processes has ended, or it takes too long
 */
export async function untilReady({ apiUrl, processes, home, timeoutMs = 120_000, say = () => undefined }) {
  let deadline = Date.now() + timeoutMs;
  let isTold = false;
  let said = 'it does not answer';
  while (Date.now() < deadline) {
    const over = processes.find((running) => running.hasEnded());
    if (over) {
      const logFile = join(home, 'logs', `${over.name.toLowerCase()}.log`);
      const how = `${over.name} has ended (${await over.ended})`;
      throw new SetupError(`${how}: ${lastLines(endOfLog(logFile), 2)}.`, `Its log is ${logFile}.`);
    }
    const answer = await readiness(apiUrl);
    if (answer.kind === 'ready') return;
    if (answer.kind === 'erases') {
      deadline = Date.now() + timeoutMs;
      if (!isTold) say('the database was restored: what had been erased is erased again first');
      isTold = true;
    }
    said = answer.said;
    await new Promise((wake) => setTimeout(wake, 50));
  }
  throw new SetupError(`Letterbook does not get ready: ${said}.`, `Its logs are in ${join(home, 'logs')}.`);
}

/**
 * @param {string} apiUrl
 * @returns {Promise<{ kind: 'ready' | 'erases' | 'not-ready', said: string }>} `erases`: nothing is missing but that
 */
async function readiness(apiUrl) {
  try {
    const response = await fetch(`${apiUrl}/readyz`, { signal: AbortSignal.timeout(5_000) });
    const said = (await response.text()).slice(0, 300);
    if (response.status === 200) return { kind: 'ready', said };
    return { kind: said.includes('"values":["erasures"]') ? 'erases' : 'not-ready', said };
  } catch {
    return { kind: 'not-ready', said: 'it does not answer' };
  }
}

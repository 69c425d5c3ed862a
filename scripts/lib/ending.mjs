// @ts-check
import { endCommands } from './commands.mjs';

/** Together under 15 s: those who write first, then those they write to. */
const writersGraceMs = 10_500;
const serversGraceMs = 3_500;
const servers = new Set(['Postgres', 'Temporal', 'Dovecot']);

/**
 * Ends everything in order: API and worker, which finish what they have begun, then the servers.
 * @param {import('./processes.mjs').ProcessRecords} records
 * @returns {Promise<string[]>} the names of those that had to be killed
 */
export async function endInOrder(records) {
  records.beginClosing();
  endCommands();
  const isServer = (/** @type {import('./processes.mjs').Running} */ running) => servers.has(running.name);
  const writers = records.running.filter((running) => !isServer(running));
  const killed = await endAll(writers, writersGraceMs);
  killed.push(...(await endAll(records.running.filter(isServer), serversGraceMs)));
  records.close();
  return killed;
}

/**
 * @param {import('./processes.mjs').Running[]} running
 * @param {number} graceMs
 * @returns {Promise<string[]>}
 */
async function endAll(running, graceMs) {
  const ends = await Promise.all(running.map(async (one) => ({ name: one.name, how: await one.stop(graceMs) })));
  return ends.filter(({ how }) => how === 'killed').map(({ name }) => name);
}

/**
 * Calls back once for Ctrl-C, SIGTERM or a terminal that goes away; npm and an impatient hand send them twice.
 * @param {(signal: NodeJS.Signals) => void} onEnd
 */
export function onEndSignal(onEnd) {
  let told = false;
  for (const name of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(name, () => {
      if (!told) onEnd(name);
      told = true;
    });
  }
}

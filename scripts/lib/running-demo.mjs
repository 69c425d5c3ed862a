// @ts-check
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { homeDir } from './places.mjs';
import { startOf } from './processes.mjs';
import { SetupError } from './setup-error.mjs';

/** @typedef {{apiUrl: string, lmtp: {host: string, port: number}}} DemoPlaces */
/** @typedef {DemoPlaces & {apiKey: string}} RunningDemo */

const fileOf = (/** @type {string} */ home) => join(home, 'demo.json');

/** Tells other terminals where the demo is. @param {string} home @param {DemoPlaces} places */
export function noteDemo(home, places) {
  writeFileSync(fileOf(home), `${JSON.stringify({ pid: process.pid, ...places })}\n`, { mode: 0o600 });
}

/**
 * The demo that `npm start` runs on this data directory.
 * @param {string} home
 * @returns {Promise<RunningDemo>}
 * @throws {SetupError} nothing runs, or it runs without the demo
 */
export async function runningDemo(home) {
  const owner = read(join(home, 'processes.json'))?.owner;
  const runs =
    typeof owner?.pid === 'number' && owner.startedAt !== '' && (await startOf(owner.pid)) === owner.startedAt;
  if (!runs) {
    const elsewhere = `If it runs with another data directory than ${home}, say so with LETTERBOOK_HOME.`;
    throw new SetupError('Letterbook is not running.', `Start it with \`npm start\` in another terminal. ${elsewhere}`);
  }
  const demo = read(fileOf(home));
  if (demo?.pid !== owner.pid) {
    throw new SetupError(
      'Letterbook is running, but its demo mailbox is not there.',
      'Wait until `npm start` has shown the timeline; if it was started with LETTERBOOK_DEMO=off, start it without.',
    );
  }
  const { apiUrl, lmtp } = demo;
  return { apiUrl, lmtp, apiKey: readFileSync(join(home, 'api-key'), 'utf8').trim() };
}

/** The command that a second terminal needs. @param {string} home */
export function deliverCommand(home) {
  return home === homeDir({}) ? 'npm run deliver' : `LETTERBOOK_HOME=${home} npm run deliver`;
}

/** @param {string} file @returns {any} null where it is not there or half written */
function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}

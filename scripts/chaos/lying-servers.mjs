// @ts-check
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { projectDir } from '../lib/places.mjs';

const sessionsOfLongRun = 10_000;
const faultsOfLongRun = 1_000;

/**
 * How many sessions on lying servers a run begins with: as many as are wished, else the whole of them for a long run, and none for a short one.
 * @param {{ sessions: string | undefined, faults: number }} wish
 * @returns {number}
 */
export function sessionsOf({ sessions, faults }) {
  if (sessions !== undefined) return Number(sessions);
  return faults >= faultsOfLongRun ? sessionsOfLongRun : 0;
}

/**
 * Plays rounds of mailboxes on servers that lie anywhere in their answers (`npm run fuzz`), in a process of its own, which prints its own report.
 * @param {{ sessions: number, seed: number }} wish
 * @returns {Promise<number>} its exit code: 0 where nothing was found, or nothing was asked for
 */
export async function playLyingServers({ sessions, seed }) {
  if (sessions === 0) return 0;
  const amounts = ['--mutations', '0', '--recorded', '0', '--sessions', String(sessions), '--seed', String(seed)];
  const fuzz = spawn(process.execPath, [join(projectDir, 'scripts/fuzz.mjs'), ...amounts], { stdio: 'inherit' });
  const [code] = await once(fuzz, 'close');
  return code ?? 1;
}

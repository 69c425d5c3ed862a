// @ts-check
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const probe = fileURLToPath(new URL('memory-probe.cjs', import.meta.url));

/** Put before the program of a worker: it can be asked for its memory. */
export const probeArguments = ['--expose-gc', '--require', probe];

/** @param {string} home @param {string} worker its name */
export function probeEnvironment(home, worker) {
  return { LETTERBOOK_BENCH_MEMORY: fileOf(home, worker) };
}

/**
 * What a worker holds once its garbage is gone.
 * @param {{home: string, worker: string, pid: number}} of
 * @returns {Promise<{rssMegabytes: number, heapMegabytes: number}>}
 */
export async function memoryOf({ home, worker, pid }) {
  const file = fileOf(home, worker);
  rmSync(file, { force: true });
  process.kill(pid, 'SIGUSR2');
  for (let tries = 0; !existsSync(file); tries++) {
    if (tries > 600) throw new Error('The worker does not tell its memory.');
    await new Promise((wake) => setTimeout(wake, 50));
  }
  const { rss, heapUsed, external } = JSON.parse(readFileSync(file, 'utf8'));
  return { rssMegabytes: rss / 2 ** 20, heapMegabytes: (heapUsed + external) / 2 ** 20 };
}

/** @param {string} home @param {string} worker */
function fileOf(home, worker) {
  return join(home, `memory-${worker.toLowerCase()}.json`);
}

// @ts-check
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const probe = fileURLToPath(new URL('memory-probe.cjs', import.meta.url));

/** Put before the program of a worker: it can be asked for its memory. */
export const probeArguments = ['--expose-gc', '--require', probe];

/**
 * What a worker holds once its garbage is gone.
 * @param {number} pid
 * @returns {Promise<{rssMegabytes: number, heapMegabytes: number}>}
 */
export async function memoryOf(pid) {
  const file = join(tmpdir(), `letterbook-bench-memory-${pid}.json`);
  process.kill(pid, 'SIGUSR2');
  for (let tries = 0; !existsSync(file); tries++) {
    if (tries > 600) throw new Error('The worker does not tell its memory.');
    await new Promise((wake) => setTimeout(wake, 50));
  }
  const { rss, heapUsed, external } = JSON.parse(readFileSync(file, 'utf8'));
  rmSync(file);
  return { rssMegabytes: rss / 2 ** 20, heapMegabytes: (heapUsed + external) / 2 ** 20 };
}

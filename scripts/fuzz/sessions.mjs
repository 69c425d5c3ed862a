// @ts-check
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { beyondBounds, fromSource, row } from './sources.mjs';

/** So many findings are played again to find the fewest lies that they take. */
const mostExplained = 10;

/** @typedef {typeof import('../../test/fuzz/session-run')} Sessions */
/** @typedef {import('../../test/fuzz/session-run').SessionRunResult} Played */

/**
 * Plays sessions with lying servers.
 * @param {import('./messages.mjs').FuzzRun} run
 * @param {{ sessions: number }} wish
 * @returns {Promise<{ findings: number, lines: string[] }>}
 */
export async function fuzzSessions({ terminal, seed, from, out }, { sessions }) {
  if (sessions === 0) return { findings: 0, lines: [] };
  /** @type {Sessions} */
  const { runSessions, fewestLies } = fromSource('test/fuzz/session-run.ts');
  /** @type {import('../../test/support/sync-bench').SyncBench} */
  const bench = await fromSource('test/support/sync-bench.ts').createSyncBench(0);
  /** @type {typeof import('../../test/fuzz/loop-watch')} */
  const { watchLoop } = fromSource('test/fuzz/loop-watch.ts');
  const watch = watchLoop();
  const began = performance.now();
  try {
    const run = { seed, from, to: from + sessions, bench };
    const result = await terminal.step('Sessions', ({ progress }) =>
      runSessions({ ...run, progress: (done) => progress(done, sessions, 'sessions') }),
    );
    const fared = watch.stop();
    const seconds = (performance.now() - began) / 1_000;
    for (const [index, finding] of result.findings.entries()) {
      const least = index < mostExplained ? await fewestLies(run, finding) : finding;
      mkdirSync(out, { recursive: true });
      writeFileSync(join(out, `session-${seed}-${finding.number}.json`), JSON.stringify({ seed, ...least }, null, 2));
    }
    const beyond = beyondBounds(fared);
    return {
      findings: result.findings.length + beyond.length,
      lines: [...table(result, { fared, seconds }), ...beyond],
    };
  } finally {
    await bench.close();
  }
}

/** @param {Played} result @param {{ fared: import('../../test/fuzz/loop-watch').Fared, seconds: number }} how */
function table(result, { fared, seconds }) {
  return [
    row('sessions', result.sessions),
    row('lies told', result.lies),
    row('longest session, seconds', (result.longestMs / 1_000).toFixed(1)),
    row('longest stall of the event loop, ms', fared.longestStallMs),
    row('memory of the process at most, MB', fared.peakRssMegabytes),
    row('seconds', seconds.toFixed(0)),
    ...result.findings.map(({ number, complaint }) => `  session ${number}: ${complaint}`),
  ];
}

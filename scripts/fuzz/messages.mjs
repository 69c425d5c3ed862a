// @ts-check
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { beyondBounds, fromSource, row } from './sources.mjs';

/** @typedef {{ terminal: import('../lib/terminal.mjs').Terminal, seed: string, from: number, out: string }} FuzzRun */

/**
 * Reads damaged messages, and records some of them.
 * @param {FuzzRun} run
 * @param {{ mutations: number, recorded: number }} wish
 * @returns {Promise<{ findings: number, lines: string[] }>}
 */
export async function fuzzMessages({ terminal, seed, from, out }, { mutations, recorded }) {
  if (mutations === 0) return { findings: 0, lines: [] };
  const { defaultLimits: limits } = fromSource('src/config/limits.ts');
  const letters = await fromSource('test/fuzz/corpus.ts').corpus();
  const pool = fromSource('src/mail/parse/parse-pool.ts').createParsePool({
    threads: limits.parseThreads,
    timeoutMs: limits.parseTimeoutMs,
    heapMegabytes: limits.parseHeapMegabytes,
    limits,
  });
  const began = performance.now();
  try {
    const result = await terminal.step('Messages', ({ progress }) =>
      fromSource('test/fuzz/mime-run.ts').runMessages({
        ...{ seed, corpus: letters, from, to: from + mutations, pool, limits },
        progress: (/** @type {number} */ done) => progress(done, mutations, 'messages'),
      }),
    );
    const seconds = (performance.now() - began) / 1_000;
    const complaints = await terminal.step('Recorded', () =>
      recordSome({ seed, from, letters, recorded: Math.min(recorded, mutations) }),
    );
    keep(out, seed, result.findings);
    const beyond = beyondBounds(result);
    return {
      findings: result.findings.length + complaints.length + beyond.length,
      lines: [
        ...table({ result, mutations, seconds, letters: letters.length }),
        row('recorded in a database', Math.min(recorded, mutations)),
        ...complaints,
        ...beyond,
      ],
    };
  } finally {
    await pool.close();
  }
}

/** @param {{ seed: string, from: number, letters: Buffer[], recorded: number }} some @returns {Promise<string[]>} */
function recordSome({ seed, from, letters, recorded }) {
  const { mutantOf } = fromSource('test/fuzz/mime-mutants.ts');
  const raws = Array.from({ length: recorded }, (_, index) => mutantOf(seed, from + index, letters).raw);
  return fromSource('test/fuzz/mime-record.ts').recordMessages(raws);
}

/** @typedef {{ number: number, name: string, complaint: string, raw: Buffer }} Finding */
/** @typedef {{ parsed: number, parked: Record<string, number>, longestStallMs: number, peakRssMegabytes: number, findings: Finding[] }} Read */

/** @param {string} out @param {string} seed @param {Finding[]} findings */
function keep(out, seed, findings) {
  for (const { number, name, complaint, raw } of findings) {
    mkdirSync(out, { recursive: true });
    writeFileSync(join(out, `message-${seed}-${number}.eml`), raw);
    writeFileSync(
      join(out, `message-${seed}-${number}.json`),
      JSON.stringify({ seed, number, name, complaint }, null, 2),
    );
  }
}

/** @param {{ result: Read, mutations: number, seconds: number, letters: number }} run */
function table({ result, mutations, seconds, letters }) {
  return [
    row('letters that were damaged', letters),
    row('messages', mutations),
    row('read', result.parsed),
    ...Object.entries(result.parked).map(([code, count]) => row(`parked: ${code}`, count)),
    row('longest stall of the main thread, ms', result.longestStallMs),
    row('memory of the process at most, MB', result.peakRssMegabytes),
    row('seconds', seconds.toFixed(0)),
    ...result.findings.map(({ number, complaint }) => `  message ${number}: ${complaint}`),
  ];
}

import type { ParseOutcome } from '../../src/domain/message';
import type { ParseLimits } from '../../src/mail/parse/limit-breach';
import type { ParsePool } from '../../src/mail/parse/parse-pool';
import { watchLoop } from './loop-watch';
import { complaintsOf } from './mime-oracle';
import { mutantOf, smallest, type Mutant } from './mime-mutants';

/** A message of which something can be said that must not be. */
export interface MessageFinding {
  number: number;
  name: string;
  complaint: string;
  /** The shortest message found that shows it. */
  raw: Buffer;
}

export interface MessageRun {
  seed: string;
  corpus: readonly Buffer[];
  from: number;
  to: number;
  pool: ParsePool;
  limits: ParseLimits;
  progress?: (done: number) => void;
}

export interface MessageRunResult {
  parsed: number;
  /** Messages beyond a limit, by the limit. */
  parked: Record<string, number>;
  /** For how long the main thread stood still at most while messages were read; loop-watch.ts says what counts. */
  longestStallMs: number;
  peakRssMegabytes: number;
  findings: MessageFinding[];
}

/** So many are made, then read, then looked at: only the reading is what the product would do in its main thread. */
const atOnce = 250;

/** Reads the messages with these numbers, each twice, in the threads of the pool, and says what is wrong with what came of them. */
export async function runMessages(run: MessageRun): Promise<MessageRunResult> {
  const result: MessageRunResult = { parsed: 0, parked: {}, longestStallMs: 0, peakRssMegabytes: 0, findings: [] };
  for (let from = run.from; from < run.to; from += atOnce) {
    const numbers = Array.from({ length: Math.min(atOnce, run.to - from) }, (_, index) => from + index);
    const mutants = numbers.map((number) => ({ number, ...mutantOf(run.seed, number, run.corpus) }));
    const watch = watchLoop();
    const outcomes = await Promise.all(mutants.map(({ raw }) => readTwice(run, raw)));
    const fared = watch.stop();
    result.longestStallMs = Math.max(result.longestStallMs, fared.longestStallMs);
    result.peakRssMegabytes = Math.max(result.peakRssMegabytes, fared.peakRssMegabytes);
    for (const [index, mutant] of mutants.entries()) {
      const outcome = outcomes[index];
      if (outcome === undefined) continue;
      count(result, outcome.first);
      const complaint = complaintOf(run, mutant.raw, outcome);
      if (complaint !== null) result.findings.push(await findingOf(run, mutant, complaint));
    }
    run.progress?.(from + numbers.length - run.from);
  }
  return result;
}

interface ReadTwice {
  first: ParseOutcome;
  second: ParseOutcome;
}

async function readTwice({ pool }: Pick<MessageRun, 'pool'>, raw: Buffer): Promise<ReadTwice> {
  const first = await pool.parse({ kind: 'buffer', raw });
  return { first, second: await pool.parse({ kind: 'buffer', raw }) };
}

function complaintOf({ limits }: Pick<MessageRun, 'limits'>, raw: Buffer, { first, second }: ReadTwice): string | null {
  if (JSON.stringify(first) !== JSON.stringify(second)) return 'read differently the second time';
  try {
    return complaintsOf(raw, first, limits)[0] ?? null;
  } catch (error) {
    return `thrown: ${error instanceof Error ? error.message : String(error)}`;
  }
}

async function findingOf(
  run: MessageRun,
  mutant: Mutant & { number: number },
  complaint: string,
): Promise<MessageFinding> {
  const kind = (text: string): string => text.split(' ').slice(0, 3).join(' ');
  const isCheap = mutant.raw.length < 100_000 && !/^parked as (?:parse-timeout|parse-memory|thread)/.test(complaint);
  const raw = isCheap
    ? await smallest(mutant.raw, async (shorter) => {
        const still = complaintOf(run, shorter, await readTwice(run, shorter));
        return still !== null && kind(still) === kind(complaint);
      })
    : mutant.raw;
  return { number: mutant.number, name: mutant.name, complaint, raw };
}

function count(result: MessageRunResult, outcome: ParseOutcome): void {
  if (outcome.kind === 'parsed') result.parsed += 1;
  else result.parked[outcome.code] = (result.parked[outcome.code] ?? 0) + 1;
}

// @ts-check
import { table } from '../demo/table.mjs';
import { median } from './processes.mjs';

/** @typedef {import('./baselines.mjs').Result} Result */
/** @typedef {Awaited<ReturnType<typeof import('./import.mjs').measuredImport>>} Imported */
/** @typedef {{fetch: Result[], parse: Result[], mbsync: Result[], letterbook: Imported[]}} Runs */
/** @typedef {{runs: number, seconds: number, rate: number, cpuSeconds: number, peakMegabytes: number | null}} Middle the medians of some runs */

/** What is asked of the product: a share of what each baseline does in a second, and a ceiling for memory. */
const goals = { overParse: 0.9, peakMegabytes: 650 };

/** @param {number} messages @param {Runs} runs */
export function summaryOf(messages, runs) {
  const whole = runs.letterbook.map((run) => ({
    ...run,
    cpuSeconds: Object.values(run.cpuSeconds).reduce((sum, one) => sum + one, 0),
  }));
  const middle = {
    fetch: middleOf(messages, runs.fetch),
    parse: middleOf(messages, runs.parse),
    mbsync: middleOf(messages, runs.mbsync),
    letterbook: middleOf(messages, whole),
  };
  const over = (/** @type {Middle | null} */ baseline) =>
    baseline === null || middle.letterbook === null ? null : middle.letterbook.rate / baseline.rate;
  return {
    messages,
    medians: middle,
    ratios: { fetch: over(middle.fetch), parse: over(middle.parse), mbsync: over(middle.mbsync) },
    goals,
    cpuSeconds: cpuByProcess(runs.letterbook),
    runs,
  };
}

/** @param {number} messages @param {Result[]} results @returns {Middle | null} */
function middleOf(messages, results) {
  if (results.length === 0) return null;
  const seconds = median(results.map((result) => result.seconds));
  const peaks = results.flatMap(({ peakMegabytes }) => peakMegabytes ?? []);
  return {
    runs: results.length,
    seconds,
    rate: messages / seconds,
    cpuSeconds: median(results.map((result) => result.cpuSeconds)),
    peakMegabytes: peaks.length === 0 ? null : Math.max(...peaks),
  };
}

/** @param {Imported[]} runs @returns {Record<string, number>} */
function cpuByProcess(runs) {
  const names = Object.keys(runs[0]?.cpuSeconds ?? {});
  return Object.fromEntries(names.map((name) => [name, median(runs.map(({ cpuSeconds }) => cpuSeconds[name] ?? 0))]));
}

/** @param {ReturnType<typeof summaryOf>} summary @returns {string[]} */
export function importTable({ messages, medians, ratios, cpuSeconds, runs }) {
  const columns = ['', 'seconds', 'messages/s', 'CPU s', 'peak MB', 'Letterbook is'].map((title, index) => ({
    title,
    width: index === 0 ? 46 : 13,
    grows: 0,
  }));
  const row = (/** @type {string} */ name, /** @type {Middle | null} */ middle, /** @type {number | null} */ ratio) =>
    middle === null
      ? [name, 'not measured']
      : [
          name,
          middle.seconds.toFixed(2),
          middle.rate.toFixed(0),
          middle.cpuSeconds.toFixed(1),
          middle.peakMegabytes?.toFixed(0) ?? '?',
          ratio === null ? '' : `${ratio.toFixed(2)} x`,
        ];
  const rows = [
    row('imapflow, thrown away', medians.fetch, ratios.fetch),
    row('imapflow + simpleParser, thrown away', medians.parse, ratios.parse),
    row('mbsync to a Maildir, with fsync', medians.mbsync, ratios.mbsync),
    row('Letterbook (CPU of all, peak of its worker)', medians.letterbook, null),
  ];
  const shares = Object.entries(cpuSeconds).map(([name, seconds]) => `${name} ${seconds.toFixed(1)}`);
  const [last] = runs.letterbook.slice(-1);
  return [
    '',
    `  Import of ${messages} messages, median of ${medians.letterbook?.runs ?? 0} runs in turns`,
    '',
    ...table(columns, rows, 140),
    '',
    `  CPU seconds of Letterbook: ${shares.join(', ')}`,
    `  Seconds are counted from the first listing, ${last?.startSeconds.toFixed(2)} s after the mailbox was asked for, to the last ledger row; all was searchable after ${last?.searchableSeconds.toFixed(2)} s`,
    `  Asked for: at least ${goals.overParse} x simpleParser, worker under ${goals.peakMegabytes} MB`,
  ];
}

/** @param {Awaited<ReturnType<typeof import('./sweep.mjs').measuredSweep>>} sweep */
export function sweepLine({ folders, times, medianMs, slowestMs }) {
  return `\n  Sweep of ${folders} folders without changes: ${medianMs.toFixed(1)} ms (median of ${times}, slowest ${slowestMs.toFixed(1)} ms); asked for: 50 ms`;
}

/** @typedef {(dovecot: import('../lib/dovecot.mjs').Dovecot) => Promise<{result: unknown, lines: string[]}>} Bench */

/**
 * A bench: what measures it, and the lines that show it.
 * @template Result
 * @param {(dovecot: import('../lib/dovecot.mjs').Dovecot) => Promise<Result>} measure
 * @param {(result: Result) => string[]} linesOf
 * @returns {Bench}
 */
export function shown(measure, linesOf) {
  return async (dovecot) => {
    const result = await measure(dovecot);
    return { result, lines: linesOf(result) };
  };
}

// @ts-check
import { table } from '../demo/table.mjs';
import { pageSize, plainCases } from './timeline-cases.mjs';

/** @typedef {import('./timeline.mjs').CaseResult} CaseResult */

/** @param {import('./timeline.mjs').TimelineResult} result @returns {string[]} */
export function timelineTable({ messages, records, generateSeconds, baseline, plain, cases, goals }) {
  const titles = ['', 'pages', 'shown', 'DB p50', 'DB p99', 'DB max', 'DB CPU', 'HTTP p50', 'HTTP p99', 'HTTP max'];
  const columns = titles.map((title, index) => ({ title, width: index === 0 ? 54 : 8, grows: 0 }));
  const ms = (/** @type {number} */ value) => value.toFixed(1);
  const timing = (/** @type {import('./timeline.mjs').Timing} */ { p50Ms, p99Ms, maxMs }) =>
    [p50Ms, p99Ms, maxMs].map(ms);
  const row = (/** @type {CaseResult} */ { name, pages, shown, database, databaseCpuMs, http }) => [
    name,
    String(pages),
    shown.toFixed(1),
    ...timing(database),
    ms(databaseCpuMs),
    ...timing(http),
  ];
  const plainRows = cases.slice(0, plainCases.length).map(row);
  const goal = ['  asked for', '', '', '', ms(goals.databaseP99Ms), '', '', '', ms(goals.httpP99Ms)];
  const scan = ['an index scan of such a page', '', '', ...timing(baseline)];
  return [
    '',
    `  Timelines, pages of ${pageSize} in ms: ${messages} messages, ${records} records, made in ${generateSeconds} s (asked for: ${goals.generateSeconds} s)`,
    '',
    ...table(columns, [scan, ...plainRows, row(plain), goal, ...cases.slice(plainCases.length).map(row)], 150),
    '',
    `  Filtered pages are of the record with a quarter of the mail, half of them anywhere in it; where little fits they are short, and go on.`,
  ];
}

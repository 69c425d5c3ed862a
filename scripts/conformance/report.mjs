// @ts-check

/**
 * @typedef {object} FileResult
 * @property {string} file
 * @property {number} ms of reading it, alone
 * @property {string} outcome `recorded`, or `parked: <code>`, or `lost`
 * @property {boolean} linked
 * @property {string[]} differences lines, where an expected result was there
 */

const slowMs = 1_000;

/**
 * @param {FileResult[]} results
 * @param {{ seconds: number, compared: number }} run
 * @returns {string[]} lines
 */
export function reportOf(results, { seconds, compared }) {
  const counts = new Map();
  for (const { outcome } of results) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  const slowest = [...results].sort((one, other) => other.ms - one.ms).slice(0, 5);
  const differing = results.filter(({ differences }) => differences.length > 0);
  return [
    row('files', results.length),
    ...[...counts].sort().map(([outcome, count]) => row(outcome, count)),
    row('linked to a record', results.filter(({ linked }) => linked).length),
    row('seconds', seconds.toFixed(1)),
    row('slowest', `${slowest.map(({ file, ms }) => `${file} ${ms.toFixed(0)} ms`).join(', ')}`),
    ...(compared === 0
      ? []
      : ['', `Compared with expected results: ${compared}; as expected: ${compared - differing.length}`]),
    ...differing.flatMap(({ file, differences }) => [`  ${file}`, ...differences.map((line) => `    ${line}`)]),
  ];
}

/**
 * What must not be: a file without an outcome, one that takes too long, one that ended its thread.
 * @param {FileResult[]} results
 * @returns {string[]} lines, none where all is well
 */
export function complaintsOf(results) {
  return results.flatMap(({ file, ms, outcome }) => [
    ...(outcome === 'lost' ? [`${file} is not in the ledger`] : []),
    ...(ms > slowMs ? [`${file} took ${ms.toFixed(0)} ms`] : []),
    ...(/thread-died|parse-memory|parse-timeout/.test(outcome) ? [`${file} ended its thread (${outcome})`] : []),
  ]);
}

/**
 * @param {string} label
 * @param {string | number} value
 */
function row(label, value) {
  return `${label.padEnd(28)} ${typeof value === 'number' ? String(value).padStart(6) : value}`;
}

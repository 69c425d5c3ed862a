// @ts-check
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { register } from 'tsx/cjs/api';

import { projectDir } from '../lib/places.mjs';

register();
const require = createRequire(join(projectDir, 'package.json'));

/** What a file of the sources or the tests exports, without a build. @param {string} path @returns {any} */
export function fromSource(path) {
  return require(join(projectDir, path));
}

/** What a run may take: memory of the process, and a time for which nobody else has their turn. */
const most = { megabytes: 1_024, stallMs: 200 };

/**
 * What of a run went beyond its bounds, as lines of its report.
 * @param {{ longestStallMs: number, peakRssMegabytes: number }} fared
 * @returns {string[]}
 */
export function beyondBounds({ longestStallMs, peakRssMegabytes }) {
  return [
    ...(peakRssMegabytes > most.megabytes
      ? [`  memory: ${peakRssMegabytes} MB, and ${most.megabytes} are the most`]
      : []),
    ...(longestStallMs > most.stallMs
      ? [`  the event loop stood still for ${longestStallMs} ms, and ${most.stallMs} are the most`]
      : []),
  ];
}

/**
 * One line of a table.
 * @param {string} label
 * @param {string | number} value
 */
export function row(label, value) {
  return `${label.padEnd(44)} ${String(value).padStart(8)}`;
}

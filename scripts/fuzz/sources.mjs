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

/**
 * One line of a table.
 * @param {string} label
 * @param {string | number} value
 */
export function row(label, value) {
  return `${label.padEnd(44)} ${String(value).padStart(8)}`;
}

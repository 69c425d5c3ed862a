// @ts-check
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { projectDir } from './places.mjs';

/**
 * The files of a folder of the clone, sorted, as paths relative to the clone.
 * @param {string} folder
 * @returns {string[]}
 */
export function filesIn(folder) {
  const root = join(projectDir, folder);
  if (!existsSync(root)) return [];
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(projectDir.length + 1))
    .sort();
}

/**
 * One hash over the names and contents of files, and over further words (versions, settings) that a result depends on.
 * @param {string[]} files relative to the clone
 * @param {string[]} [words]
 * @returns {string}
 */
export function fingerprintOf(files, words = []) {
  const hash = createHash('sha256').update(words.join('\0'));
  for (const file of files) hash.update(`\0${file}\0`).update(readFileSync(join(projectDir, file)));
  return hash.digest('hex');
}

/**
 * The version of an installed package.
 * @param {string} name
 * @returns {string}
 */
export function versionOf(name) {
  return JSON.parse(readFileSync(join(projectDir, 'node_modules', name, 'package.json'), 'utf8')).version;
}

/**
 * Does some work unless its result is there and was made of the same inputs; remembers them beside the result.
 * @param {{ stamp: string, fingerprint: string, result: string, work: () => Promise<void> }} job paths relative to the clone
 * @returns {Promise<'done' | 'unchanged'>}
 */
export async function onceFor({ stamp, fingerprint, result, work }) {
  const file = join(projectDir, stamp);
  const known = existsSync(file) ? readFileSync(file, 'utf8') : '';
  if (known === fingerprint && existsSync(join(projectDir, result))) return 'unchanged';
  await work();
  writeWhole(file, fingerprint);
  return 'done';
}

/**
 * Writes a file so that nobody ever reads half of it.
 * @param {string} file
 * @param {string | Uint8Array} content
 */
export function writeWhole(file, content) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new-${process.pid}`, content);
  renameSync(`${file}.new-${process.pid}`, file);
}

// @ts-check
import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { freemem } from 'node:os';
import { join } from 'node:path';

import { run } from '../lib/commands.mjs';
import { placeOf, serverAccount } from '../lib/places.mjs';

const megabytes = 1_024;
/** What is full is in memory: the machine must have room for it, and for all the rest. */
const memoryNeeded = 3 * megabytes * 1_048_576;

/**
 * A disk that can be filled: Postgres and Temporal keep their data on it.
 * @typedef {object} SmallDisk
 * @property {string} dir
 * @property {() => number} fill until nothing more goes on it; how many bytes that took
 * @property {() => void} empty
 * @property {() => Promise<void>} remove
 */

/**
 * Mounts a small tmpfs where Postgres can reach it, as root may.
 * @param {{home: string, say: (line: string) => void}} wish
 * @returns {Promise<SmallDisk | string>} a string: why there is none
 */
export async function mountSmallDisk({ home, say }) {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root can mount a small file system';
  if (freemem() < memoryNeeded) return 'this machine has too little memory for a small disk in it';
  const dir = placeOf({ home, name: 'disk', account: await serverAccount(['postgres', 'nobody']), say });
  await unmount(dir);
  const mounted = await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=755`, 'letterbook-chaos', dir]);
  if (mounted.code !== 0) return `a small file system cannot be mounted here: ${mounted.stderr.trim()}`;
  const filler = join(dir, 'filler');
  return {
    dir,
    fill: () => fill(filler),
    empty: () => rmSync(filler, { force: true }),
    remove: () => unmount(dir),
  };
}

/** Also one of a run that was killed. @param {string} dir */
async function unmount(dir) {
  const isMounted = () => readFileSync('/proc/mounts', 'utf8').includes(` ${dir} tmpfs `);
  for (let tries = 0; tries < 50 && isMounted(); tries++) {
    await run('umount', [dir]);
    if (isMounted()) await new Promise((wake) => setTimeout(wake, 100));
  }
}

/** @param {string} file */
function fill(file) {
  const block = Buffer.alloc(1_048_576);
  const at = openSync(file, 'a');
  let bytes = 0;
  // Ever smaller blocks, so that not even one page is left.
  for (let size = block.length; size >= 4_096;) {
    try {
      bytes += writeSync(at, block, 0, size);
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOSPC') throw error;
      size /= 4;
    }
  }
  closeSync(at);
  return bytes;
}

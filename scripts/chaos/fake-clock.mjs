// @ts-check
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { run } from '../lib/commands.mjs';
import { unpackDebianPackages } from '../lib/debian-packages.mjs';
import { programPlace, serverAccount } from '../lib/places.mjs';
import { SetupError } from '../lib/setup-error.mjs';

/**
 * A clock of one process that can be put forward and back (libfaketime). What measures spans of time is left alone, as a step of a real clock leaves it.
 * @typedef {{env: Record<string, string>, step: (seconds: number) => void}} FakeClock
 */

/** @param {{dir: string, say: (line: string) => void}} wish @returns {Promise<FakeClock | string>} a string: why there is none */
export async function fakeClock({ dir, say }) {
  if (process.platform !== 'linux') return 'the clock of a process can be stepped on Linux only';
  const library = await findLibrary(say);
  if (!library.startsWith('/')) return library;
  const file = join(dir, 'clock');
  const step = (/** @type {number} */ seconds) => writeFileSync(file, `${seconds < 0 ? '' : '+'}${seconds}\n`);
  step(0);
  const env = {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_CACHE_DURATION: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    FAKETIME_DONT_RESET: '1',
    NO_FAKE_STAT: '1',
  };
  const tried = await run(process.execPath, ['-e', 'console.log(Date.now())'], {
    env: { ...process.env, ...env, FAKETIME: '+3600' },
    timeoutMs: 20_000,
  });
  return tried.code === 0 ? { env, step } : 'libfaketime does not go with this Node';
}

/** @param {(line: string) => void} say @returns {Promise<string>} its path, or why there is none */
async function findLibrary(say) {
  const release = (await run('sh', ['-c', '. /etc/os-release && echo "$ID-$VERSION_ID"'])).stdout.trim();
  const unpacked = programPlace(`faketime-${release}-${process.arch}`, await serverAccount(['nobody']));
  const found = libraryIn('/') ?? libraryIn(unpacked);
  if (found !== null) return found;
  try {
    await unpackDebianPackages({ names: ['libfaketime'], into: unpacked, say });
  } catch (error) {
    if (error instanceof SetupError) return `libfaketime cannot be had: ${error.problem}`;
    throw error;
  }
  return libraryIn(unpacked) ?? 'the package libfaketime holds no libfaketime.so.1';
}

/** The one for programs with threads. @param {string} root @returns {string | null} */
function libraryIn(root) {
  const parent = join(root, 'usr/lib');
  if (!existsSync(parent)) return null;
  const files = readdirSync(parent).map((name) => join(parent, name, 'faketime/libfaketimeMT.so.1'));
  return files.find((file) => existsSync(file)) ?? null;
}

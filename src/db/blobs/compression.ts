import { promisify } from 'node:util';
import { brotliCompress, brotliDecompress, constants, createBrotliCompress, type BrotliOptions } from 'node:zlib';
import type { Transform } from 'node:stream';

import { createGate } from '../../domain/gate';

/** The numbers of `blob.encoding`. */
export const encodings = { identity: 0, brotli: 1 } as const;
export type Encoding = (typeof encodings)[keyof typeof encodings];

// Quality 1: a fifth of gzip's time for the same size on mail. The sample says whether a big blob is worth the time at all.
const quality = 1;
const sampleBytes = 65_536;
const worthwhile = 0.95;

// All of a batch at once would leave the main thread a small share of a small machine.
const atOnce = createGate(3);

const compress = promisify<Buffer, BrotliOptions, Buffer>(brotliCompress);
const decompress = promisify<Buffer, Buffer>(brotliDecompress);

/** The bytes to store: compressed where that saves at least 5 %. Runs in libuv's threads. */
export async function packed(bytes: Buffer): Promise<{ encoding: Encoding; stored: Buffer }> {
  if (!(await pays(bytes))) return { encoding: encodings.identity, stored: bytes };
  const stored = await compressed(bytes);
  if (stored.length > bytes.length * worthwhile) return { encoding: encodings.identity, stored: bytes };
  return { encoding: encodings.brotli, stored };
}

/** Whether big bytes are worth compressing, by a sample of them; small ones are just tried. */
async function pays(bytes: Buffer): Promise<boolean> {
  if (bytes.length <= 4 * sampleBytes) return bytes.length > 0;
  // Mail begins with text even where the rest is an archive: the middle tells more.
  const middle = bytes.length >> 1;
  return isWorthCompressing(bytes.subarray(middle, middle + sampleBytes));
}

/** Whether a sample shrinks by at least 5 %. */
export async function isWorthCompressing(sample: Buffer): Promise<boolean> {
  return sample.length > 0 && (await compressed(sample)).length <= sample.length * worthwhile;
}

/** What `packed` made, as it was before. */
export async function unpacked(stored: Buffer, encoding: number): Promise<Buffer> {
  return encoding === encodings.brotli ? decompress(stored) : stored;
}

/** Compresses a stream as `packed` does. */
export function compressingStream(): Transform {
  return createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: quality }, chunkSize: 262_144 });
}

function compressed(bytes: Buffer): Promise<Buffer> {
  return atOnce.pass('', () => compressNow(bytes));
}

function compressNow(bytes: Buffer): Promise<Buffer> {
  return compress(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: quality, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
    // Room for the whole result, so that a message takes one turn of the thread pool.
    chunkSize: Math.max(64, bytes.length + 1_024),
  });
}

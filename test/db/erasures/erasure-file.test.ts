import { randomUUID } from 'node:crypto';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { appendToErasureFile, readErasureFile } from '../../../src/db/erasures/erasure-file';
import type { FiledErasure } from '../../../src/db/erasures/journal';

let directory: string;
let file: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'letterbook-erasures-'));
  file = join(directory, 'erasures.ndjson');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** `hashes` make a line long. */
function anErasure(hashes = 1): FiledErasure {
  const addressHashes = Array.from({ length: hashes }, () => 'ab'.repeat(32));
  return {
    tenantId: randomUUID(),
    id: randomUUID(),
    kind: 'person',
    targetId: null,
    addressHashes,
    heirId: null,
    actor: 'system',
    at: new Date(),
    ended: false,
  };
}

const idsOf = (erasures: FiledErasure[]) => erasures.map(({ id }) => id).sort();

test('several that append at once spoil none of the lines of another, however long', async () => {
  const writers = Array.from({ length: 4 }, () => Array.from({ length: 6 }, () => anErasure(10_000)));
  await Promise.all(writers.map((erasures) => appendToErasureFile(file, erasures)));
  expect(idsOf(await readErasureFile(file))).toEqual(idsOf(writers.flat()));
});

test('what another process was cut off in spoils no line before or after it', async () => {
  const [before, cut, after] = [anErasure(), anErasure(), anErasure()];
  await appendToErasureFile(file, [before]);
  await appendFile(file, `\n${JSON.stringify(cut).slice(0, 50)}`);
  await appendToErasureFile(file, [after]);
  expect(idsOf(await readErasureFile(file))).toEqual(idsOf([before, after]));
});

test('with nothing to write no file is made, and one that is there stays as it is', async () => {
  await appendToErasureFile(file, []);
  await expect(readFile(file)).rejects.toThrow('ENOENT');
  await writeFile(file, '');
  await appendToErasureFile(file, []);
  expect(await readFile(file, 'utf8')).toBe('');
});

test('files of several machines can be put together in any order', async () => {
  const erasures = [anErasure(), anErasure(), anErasure()];
  const other = join(directory, 'other.ndjson');
  await appendToErasureFile(file, erasures.slice(0, 2));
  await appendToErasureFile(other, erasures.slice(1));
  await appendFile(other, await readFile(file));
  expect(idsOf(await readErasureFile(other))).toEqual(idsOf(erasures));
});

test('an erasure that has ended on any of its lines has ended, whichever comes first', async () => {
  const [ended, open] = [anErasure(), anErasure()];
  await appendToErasureFile(file, [{ ...ended, ended: true }, open, ended]);
  const read = await readErasureFile(file);
  expect(idsOf(read)).toEqual(idsOf([ended, open]));
  expect(read.filter((one) => one.ended)).toEqual([{ ...ended, ended: true }]);
});

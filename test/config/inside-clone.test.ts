import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { readConfig } from '../../src/config/config';
import { insideClone } from '../../src/config/inside-clone';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'inside-clone-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

test('a directory anywhere below a repository is inside, also one that is not there yet', () => {
  mkdirSync(join(directory, '.git'));
  for (const path of [directory, join(directory, '.letterbook'), join(directory, 'a', 'b', 'c')]) {
    expect(insideClone(path)).toBe(true);
  }
});

test('so is one in a linked work tree, where .git is a file', () => {
  writeFileSync(join(directory, '.git'), 'gitdir: /elsewhere\n');
  expect(insideClone(join(directory, '.letterbook'))).toBe(true);
});

test('a directory beside a repository, or without one above it, is outside', () => {
  mkdirSync(join(directory, 'clone', '.git'), { recursive: true });
  expect(insideClone(join(directory, 'data'))).toBe(false);
  expect(insideClone('/')).toBe(false);
});

test('the configuration knows it of the data directory', () => {
  mkdirSync(join(directory, 'clone', '.git'), { recursive: true });
  const inside = (home: string) =>
    readConfig({
      DATABASE_URL: 'postgres://user@127.0.0.1/any',
      LETTERBOOK_SECRET_KEYS: `k1:${Buffer.alloc(32).toString('base64')}`,
      LETTERBOOK_HOME: home,
    }).homeInsideClone;
  expect(inside(join(directory, 'clone', '.letterbook'))).toBe(true);
  expect(inside(join(directory, 'data'))).toBe(false);
});

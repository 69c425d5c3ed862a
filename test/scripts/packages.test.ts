import { importScript } from '../support/import-script';

interface Lock {
  packages: Record<string, { version: string; optional?: boolean }>;
}

interface Packages {
  matches: (lock: Lock, installed: Lock) => boolean;
}

let packages: Packages;

beforeAll(async () => {
  packages = await importScript<Packages>('scripts/lib/packages.mjs');
});

const lock: Lock = {
  packages: {
    '': { version: '0.1.0' },
    'node_modules/fastify': { version: '5.0.0' },
    'node_modules/postgres-for-another-platform': { version: '18.0.0', optional: true },
  },
};

test('packages for other platforms may be absent', () => {
  expect(packages.matches(lock, { packages: { 'node_modules/fastify': { version: '5.0.0' } } })).toBe(true);
});

test('another version of a package asks for a new installation', () => {
  expect(packages.matches(lock, { packages: { 'node_modules/fastify': { version: '4.0.0' } } })).toBe(false);
});

test('an absent package asks for a new installation', () => {
  expect(packages.matches(lock, { packages: {} })).toBe(false);
});

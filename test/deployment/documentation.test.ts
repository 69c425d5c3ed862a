import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { limitVariable } from '../../src/config/config';
import { defaultLimits, type Limits } from '../../src/config/limits';
import type { FilterReason } from '../../src/domain/ledger';
import { mailboxStates } from '../../src/domain/mailbox-state';
import { defaultPolicy, presets } from '../../src/domain/policy';
import { settingsRead } from '../support/settings-read';

const root = join(__dirname, '..', '..');
const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((file) => join('docs', file)),
].filter((file) => file.endsWith('.md'));

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

/** The rows of the table between `<!-- name -->` and `<!-- /name -->`, cell by cell, without its head. */
function tableOf(file: string, name: string): string[][] {
  const table = new RegExp(`<!-- ${name} -->([^]*)<!-- /${name} -->`).exec(read(file))?.[1] ?? '';
  const rows = table.split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map((row) =>
    row
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}

test('the README has every setting that the configuration reads, and none that nothing reads', () => {
  const documented = tableOf('README.md', 'settings').map(([variable]) => variable);
  // Read by the migration alone.
  expect([...documented].sort()).toEqual([...settingsRead().settings, 'DATABASE_OWNER_URL'].sort());
});

test('the table of limits has each limit with its default', () => {
  const names = Object.keys(defaultLimits) as (keyof Limits)[];
  const expected = names.map((name) => [limitVariable(name), String(defaultLimits[name])]);
  const documented = tableOf('docs/operations.md', 'limits').map(([variable = '', value = '']) => [variable, value]);
  expect(documented).toEqual(expected);
});

test('"Where is my mail?" explains each list of the answer, and each reason for which mail is left out', () => {
  const [, section = ''] = /## Where is my mail\?([^]*?)\n## /.exec(read('docs/operations.md')) ?? [];
  const lists = ['messages', 'placements', 'failures'];
  const reasons = Object.keys({
    'before-start': true,
    'folder-role': true,
    unmatched: true,
    'answers-linked': true,
    'no-user': true,
    'no-subject': true,
    erased: true,
    removed: true,
  } satisfies Record<FilterReason, true>);
  expect([...lists, ...reasons].filter((word) => !section.includes(`\`${word}\``))).toEqual([]);
});

test('every limit can be set by the variable that the table names', () => {
  const documented = tableOf('docs/operations.md', 'limits').map(([variable]) => variable);
  expect([...documented].sort()).toEqual(settingsRead().limits);
});

test('the README has every route of the API, and none that is not there', () => {
  const files = readdirSync(join(root, 'src', 'api'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  const routes = files
    .flatMap((file) => [
      ...read(join('src', 'api', file)).matchAll(/\.(?:get|post|put|patch|delete)\(\s*['`](\/[^'`]+)['`]/g),
    ])
    .map(([, path = '']) => path.replace(/\$\{\w+\}/, 'pause').replace(/:(\w+)/g, '{$1}'));
  const documented = tableOf('README.md', 'calls').flatMap(([calls = '']) =>
    calls.split(' ').filter((call) => call.startsWith('/')),
  );
  // The page is a plugin's route.
  expect([...new Set(documented)].sort()).toEqual([...new Set([...routes, '/docs'])].sort());
});

test('every metric of the product is in the table of metrics', () => {
  const source = read('src/api/metrics.ts');
  const gauges = [...source.matchAll(/gauge\('([a-z_]+)'/g)].map(([, name = '']) => `letterbook_${name}`);
  const others = [...source.matchAll(/name: '(letterbook_[a-z_]+)'/g)].map(([, name = '']) => name);
  expect(gauges.length).toBeGreaterThan(3);
  const documented = tableOf('docs/operations.md', 'metrics').map(([metric]) => metric);
  expect([...documented].sort()).toEqual([...gauges, ...others].sort());
});

test('every value of a policy is explained, and every preset', () => {
  const first = (name: string) => tableOf('docs/policies.md', name).map(([cell]) => cell);
  expect(first('policy')).toEqual(Object.keys(defaultPolicy));
  expect(first('presets')).toEqual(Object.keys(presets));
});

test('every state of a mailbox is explained', () => {
  const documented = tableOf('docs/operations.md', 'states').map(([state]) => state);
  expect(documented).toEqual([...mailboxStates]);
});

test('every variable that a script reads is explained in README.md or operations.md', () => {
  const scripts = readdirSync(join(root, 'scripts'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.mjs'),
  );
  const names = scripts.flatMap(
    (file) => read(join('scripts', file)).match(/\b(?:LETTERBOOK|TEMPORAL|DATABASE)_[A-Z_]+[A-Z]\b/g) ?? [],
  );
  const pages = `${read('README.md')}${read('docs/operations.md')}`;
  // What the tests' own set-up hands to them is nobody else's business.
  const toExplain = names.filter((name) => !name.startsWith('LETTERBOOK_TEST_'));
  expect(toExplain.filter((name) => !pages.includes(`\`${name}\``))).toEqual([]);
});

test('every step of the way of a message names a file that is there', () => {
  const files = tableOf('docs/ARCHITECTURE.md', 'steps').map((cells) => cells.at(-1) ?? '');
  expect(files.length).toBeGreaterThan(10);
  expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
});

test.each(pages)('the links of %s lead somewhere', (page) => {
  const targets = [...read(page).matchAll(/\]\(([^)]+)\)/g)].map(([, target = '']) => target);
  const local = targets.filter((target) => !/^https?:/.test(target));
  const broken = local.filter((target) => !leadsSomewhere(page, target));
  expect(broken).toEqual([]);
});

function leadsSomewhere(page: string, target: string): boolean {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? page : join(dirname(page), path);
  if (!existsSync(join(root, file))) return false;
  return anchor === undefined || headingsOf(file).includes(anchor);
}

/** The anchors of a page's headings, as GitHub makes them. */
function headingsOf(file: string): string[] {
  const headings = [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

import { scopeOf, type Policy } from '../../src/domain/policy';

const all: Policy['folders'] = { mode: 'all', include: [], exclude: [] };

test('all folders are fetched, but those for drafts, junk and trash only get rows', () => {
  expect(scopeOf({ path: 'Projects', role: null }, all)).toBe('fetch');
  for (const role of ['drafts', 'junk', 'trash'] as const)
    expect(scopeOf({ path: 'X', role }, all)).toBe('ledger-only');
});

test('a folder with a role is fetched when it is named', () => {
  expect(scopeOf({ path: 'Junk', role: 'junk' }, { ...all, include: ['Junk'] })).toBe('fetch');
});

test('an excluded folder is ignored, even where it is also included', () => {
  expect(scopeOf({ path: 'Private', role: null }, { ...all, include: ['Private'], exclude: ['Priv*'] })).toBe('ignore');
});

test('selected folders are those that a name or a pattern includes', () => {
  const selected: Policy['folders'] = { mode: 'selected', include: ['inbox', 'Customers/*'], exclude: [] };
  expect(scopeOf({ path: 'INBOX', role: 'inbox' }, selected)).toBe('fetch');
  expect(scopeOf({ path: 'Customers/Ada', role: null }, selected)).toBe('fetch');
  expect(scopeOf({ path: 'Customers', role: null }, selected)).toBe('ignore');
  expect(scopeOf({ path: 'customers/Ada', role: null }, selected)).toBe('ignore');
});

test.each([
  ['a*b', 'ab', true],
  ['a*b', 'axb', true],
  ['a*b', 'a', false],
  ['aa*aa', 'aaa', false],
  ['*x*', 'axb', true],
  ['a*b*c', 'a-c-b', false],
  ['*', 'anything', true],
])('the pattern %s and the name %s', (pattern, path, matches) => {
  const scope = scopeOf({ path, role: null }, { mode: 'selected', include: [pattern], exclude: [] });
  expect(scope === 'fetch').toBe(matches);
});

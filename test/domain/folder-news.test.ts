import type { ListedFolder } from '../../src/domain/folder';
import { folderToWatch, isBehind, stateOf, type StoredFolder } from '../../src/domain/folder-news';
import { defaultPolicy } from '../../src/domain/policy';

const { folders: policy } = defaultPolicy;
const status = { uidValidity: '7', uidNext: 10, messages: 9, highestModseq: '100' };

function listed(path: string, changes: Partial<ListedFolder> = {}): ListedFolder {
  return { path, delimiter: '/', role: null, selectable: true, status, ...changes };
}

function stored(path: string, changes: Partial<StoredFolder> = {}): StoredFolder {
  const cursor = { uidValidity: '7', uidNext: 10, messages: 9, modseq: '100' };
  return { path, role: null, inScope: true, cursor, ...changes };
}

test('a server that is as the ledger has it has no news', () => {
  expect(isBehind([listed('INBOX')], [stored('INBOX')], policy)).toBe(false);
});

test.each([
  ['mail has come', { uidNext: 11 }],
  ['mail has gone', { messages: 8 }],
  ['a flag has changed', { highestModseq: '101' }],
  ['the numbering began anew', { uidValidity: '8' }],
])('%s: there is news', (_what, change) => {
  expect(isBehind([listed('INBOX', { status: { ...status, ...change } })], [stored('INBOX')], policy)).toBe(true);
});

test('a modseq that only one side knows is no news', () => {
  const unknown = listed('INBOX', { status: { ...status, highestModseq: null } });
  expect(isBehind([unknown], [stored('INBOX')], policy)).toBe(false);
});

test('a folder that has come, gone or changed its name is news', () => {
  expect(isBehind([listed('INBOX'), listed('New')], [stored('INBOX')], policy)).toBe(true);
  expect(isBehind([listed('INBOX')], [stored('INBOX'), stored('Old')], policy)).toBe(true);
  expect(isBehind([listed('After')], [stored('Before')], policy)).toBe(true);
});

test('a folder that cannot be opened any more is news as long as the ledger has its mail', () => {
  const closed = listed('Clients', { selectable: false, status: null });
  expect(isBehind([closed, listed('Clients/Acme')], [stored('Clients'), stored('Clients/Acme')], policy)).toBe(true);
  expect(isBehind([closed], [stored('Clients', { inScope: false, cursor: null })], policy)).toBe(false);
});

test('a folder that the policy wants otherwise than the ledger has it is news, whatever its state', () => {
  const junk = listed('Junk', { role: 'junk' });
  const ledgerOnly = stored('Junk', { role: 'junk', inScope: false });
  expect(isBehind([junk], [ledgerOnly], policy)).toBe(false);
  expect(isBehind([junk], [ledgerOnly], { ...policy, include: ['Junk'] })).toBe(true);
  expect(isBehind([listed('Noise')], [stored('Noise')], { ...policy, exclude: ['Noise'] })).toBe(true);
});

test('a folder that was never listed, or whose state the server does not tell, is looked at', () => {
  expect(isBehind([listed('INBOX')], [stored('INBOX', { cursor: null })], policy)).toBe(true);
  expect(isBehind([listed('INBOX', { status: null })], [stored('INBOX')], policy)).toBe(true);
});

test('mail in a folder out of scope is no news', () => {
  const scope = { ...policy, exclude: ['Noise'] };
  const noisy = listed('Noise', { status: { ...status, uidNext: 99 } });
  expect(isBehind([listed('INBOX'), noisy], [stored('INBOX'), stored('Noise', { inScope: false })], scope)).toBe(false);
  expect(stateOf([listed('INBOX'), noisy], scope)).toBe(stateOf([listed('INBOX'), listed('Noise')], scope));
});

test('two sweeps are the same whatever the order of the folders', () => {
  const [a, b] = [listed('A'), listed('B')];
  expect(stateOf([a, b], policy)).toBe(stateOf([b, a], policy));
  expect(stateOf([a, b], policy)).not.toBe(stateOf([a, listed('B', { status: null })], policy));
});

describe('the folder that IDLE watches', () => {
  test('is INBOX, also where no folder is known yet', () => {
    expect(folderToWatch([stored('Sent'), stored('INBOX')], policy, 'other')).toBe('INBOX');
    expect(folderToWatch([], policy, 'other')).toBe('INBOX');
  });

  test('is the first in scope where INBOX is out of it', () => {
    const scope = { mode: 'selected' as const, include: ['Customers*'], exclude: [] };
    expect(folderToWatch([stored('INBOX'), stored('Customers/A')], scope, 'other')).toBe('Customers/A');
  });

  test('is the folder of all mail at Gmail', () => {
    const gmail = [stored('INBOX', { role: 'inbox' }), stored('[Gmail]/All', { role: 'all' })];
    expect(folderToWatch(gmail, policy, 'gmail')).toBe('[Gmail]/All');
    expect(folderToWatch(gmail, policy, 'other')).toBe('INBOX');
  });
});

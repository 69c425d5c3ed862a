import { defaultPolicy } from '../../src/domain/policy';
import { mergePolicy } from '../../src/domain/policy-merge';

test('nothing said is the default', () => {
  expect(mergePolicy(null, {})).toEqual(defaultPolicy);
  expect(mergePolicy(null, { preset: 'register' })).toEqual(defaultPolicy);
});

test('single values win over the preset', () => {
  expect(mergePolicy(null, { preset: 'lead-history', attachments: 'store' })).toEqual({
    ...defaultPolicy,
    unmatched: 'drop',
    attachments: 'store',
  });
});

test('of the folders only what is given changes', () => {
  const present = mergePolicy(null, { folders: { include: ['A'], exclude: ['B'] } });
  expect(mergePolicy(present, { folders: { exclude: [] } }).folders).toEqual({
    mode: 'all',
    include: ['A'],
    exclude: [],
  });
});

test('a preset for a mailbox that is there replaces everything but its start', () => {
  const present = mergePolicy(null, { start: { from: 'date', date: '2026-01-01' }, refreshSeconds: 60 });
  const changed = mergePolicy(present, { preset: 'unread-inbox' });
  expect(changed).toMatchObject({ start: { from: 'date', date: '2026-01-01' }, markSeen: true, refreshSeconds: 300 });
});

test('an activity has no conditions unless they are given', () => {
  const { activity } = mergePolicy(null, { activity: { type: 'email', status: 'done' } });
  expect(activity).toEqual({ type: 'email', status: 'done', requireUser: false, requireSubject: false });
});

test('merging changes neither the defaults nor the presets', () => {
  mergePolicy(null, { preset: 'unread-inbox' }).folders.include.push('more');
  expect(mergePolicy(null, { preset: 'unread-inbox' }).folders.include).toEqual(['INBOX']);
  expect(defaultPolicy.folders.include).toEqual([]);
});

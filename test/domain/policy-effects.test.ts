import { effectSentence } from '../../src/domain/effect-words';
import { languages } from '../../src/domain/languages';
import { defaultPolicy, presets, type Policy } from '../../src/domain/policy';
import { effectCodes, messagesToFetch, policyEffects, scopeChanges } from '../../src/domain/policy-effects';

const changed = (change: Partial<Policy>) => policyEffects(defaultPolicy, { ...defaultPolicy, ...change });

test('each value that is changed has its effect, and what stays has none', () => {
  expect(changed({})).toEqual([]);
  expect(changed({ refreshSeconds: 60, visibility: 'full' })).toEqual(['refresh-time', 'visibility-of-new-mail']);
  expect(changed({ unmatched: 'drop' })).toEqual(['unmatched-new-mail-dropped']);
  expect(changed({ removals: 'mirror' })).toEqual(['removals-mirrored']);
  expect(changed({ flags: 'ignore', markSeen: true })).toEqual(['flags-ignored', 'new-mail-marked-seen']);
});

/** Another value for each field of a policy; folders are told by name, and a start point cannot be changed. */
const others: Omit<Policy, 'folders' | 'start'> = {
  refreshSeconds: 60,
  removals: 'mirror',
  removalGraceSeconds: 0,
  flags: 'ignore',
  markSeen: true,
  attachments: 'drop',
  maxMessageBytes: 1,
  unmatched: 'drop',
  matchKinds: [],
  matchHeaders: [],
  matchTypes: [],
  gmailAddresses: 'fold-dots-and-tags',
  companyDomains: 'link',
  severalCompanies: 'link-none',
  visibility: 'full',
  activity: { type: 'email', status: 'done', requireUser: true, requireSubject: false },
  activityOnDelete: 'note',
  onStop: 'delete',
  deletionUndoSeconds: 60,
};

test('there is no value of a policy whose change says nothing', () => {
  expect([...Object.keys(others), 'folders', 'start'].sort()).toEqual(Object.keys(defaultPolicy).sort());
  for (const [name, value] of Object.entries(others)) {
    expect([name, changed({ [name]: value })]).toEqual([name, [expect.any(String)]]);
    const back = policyEffects({ ...defaultPolicy, [name]: value }, defaultPolicy);
    expect([name, back]).toEqual([name, [expect.any(String)]]);
  }
});

test('activities that begin, become others and end are told apart', () => {
  const activity = { type: 'email', status: 'done', requireUser: true, requireSubject: true };
  const making = { ...defaultPolicy, activity };
  expect(changed({ activity })).toEqual(['activities-of-new-mail']);
  expect(policyEffects(making, { ...making, activity: { ...activity, status: 'open' } })).toEqual([
    'activities-of-new-mail',
  ]);
  expect(policyEffects(making, defaultPolicy)).toEqual(['no-activities-of-new-mail']);
  expect(changed(presets.activities)).toEqual(['mail-matched-again', 'activities-of-new-mail']);
});

test('that stopping a mailbox will delete it is said when it begins to, and when it ends', () => {
  const deleting: Policy = { ...defaultPolicy, onStop: 'delete' };
  expect(policyEffects(defaultPolicy, deleting)).toEqual(['stop-deletes']);
  expect(policyEffects(deleting, defaultPolicy)).toEqual(['stop-keeps']);
  expect(effectSentence('stop-deletes', 'en')).toContain('deletes it');
});

test('several values of matching are one effect', () => {
  expect(changed({ matchKinds: ['business'], matchHeaders: ['From'] })).toEqual(['mail-matched-again']);
});

describe('folders', () => {
  const inbox = { path: 'INBOX', role: 'inbox', inScope: true, genId: 1 } as const;
  const trash = { path: 'Trash', role: 'trash', inScope: false, genId: 2 } as const;
  const container = { path: 'Clients', role: null, inScope: false, genId: null } as const;
  const withFolders = (folders: Partial<Policy['folders']>): Policy => ({
    ...defaultPolicy,
    folders: { ...defaultPolicy.folders, ...folders },
  });

  test('are named where their scope changes, with what it was and will be', () => {
    const after = withFolders({ include: ['Trash'], exclude: ['INBOX'] });
    expect(scopeChanges([inbox, trash], defaultPolicy, after)).toEqual([
      { folder: inbox, from: 'fetch', to: 'ignore' },
      { folder: trash, from: 'ledger-only', to: 'fetch' },
    ]);
  });

  test('that cannot be opened are in no scope', () => {
    expect(scopeChanges([container], defaultPolicy, withFolders({ exclude: ['*'] }))).toEqual([]);
  });

  const ledger = { rows: 5, recorded: 2, leftOut: 3 };

  test('are fetched by number only where the ledger has all of it and no start point divides it', () => {
    const everything = { from: 'everything' } as const;
    expect(messagesToFetch({ from: 'ledger-only', to: 'fetch' }, ledger, everything)).toBe(3);
    expect(messagesToFetch({ from: 'ledger-only', to: 'fetch' }, ledger, { from: 'now' })).toBeNull();
    expect(messagesToFetch({ from: 'ignore', to: 'fetch' }, ledger, everything)).toBeNull();
    expect(messagesToFetch({ from: 'fetch', to: 'ignore' }, ledger, everything)).toBe(0);
  });
});

test.each(languages)('every effect has a sentence of its own in %s', (language) => {
  const sentences = effectCodes.map((code) => effectSentence(code, language));
  expect(new Set(sentences).size).toBe(effectCodes.length);
  for (const sentence of sentences) expect(sentence).toMatch(/^\p{Lu}.*\.$/u);
});

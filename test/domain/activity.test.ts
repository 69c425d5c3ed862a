import {
  activityOf,
  refusalOf,
  type ActivityAddress,
  type ActivityFacts,
  type ActivityParty,
} from '../../src/domain/activity';

// Who is who. Ann and Bob are users, Ann by two addresses; a mailbox of Bob's and one of nobody's are ours too.
const addressOf: Record<string, string> = {
  ann: 'ann@us.example',
  annAlias: 'a.lias@us.example',
  bob: 'bob@us.example',
  bobsMailbox: 'sales@us.example',
  info: 'info@us.example',
  carl: 'carl@a.example',
  carlHome: 'carl@home.example',
  cora: 'cora@a.example',
  dan: 'dan@b.example',
  nick: 'nick@nowhere.example',
  lea: 'lea@lead.example',
  ida: 'ida@broker.example',
  headA: 'office@a.example',
  contactAndLead: 'mix@a.example',
  contactAndBroker: 'mid@a.example',
  twoCompanies: 'two@ab.example',
  leadAndBroker: 'lb@x.example',
  userAndContact: 'uc@us.example',
  stan: 'stan@out.example',
  sue: 'sue@out.example',
  filed: '1001.info@us.example',
  filedToBob: '1002.sales@us.example',
  filedUnknown: '9999.info@us.example',
};

const contact = (recordId: string, companyId: string | null) => ({ recordId, type: 'contact', companyId });

const known: Pick<ActivityFacts, 'ours' | 'records'> = {
  ours: new Map([
    ['ann@us.example', 'ann'],
    ['a.lias@us.example', 'ann'],
    ['bob@us.example', 'bob'],
    ['uc@us.example', 'ann'],
    ['sales@us.example', 'bob'],
    ['info@us.example', null],
  ]),
  records: new Map([
    ['carl@a.example', [contact('carl', 'A')]],
    ['carl@home.example', [contact('carl', 'A')]],
    ['cora@a.example', [contact('cora', 'A')]],
    ['dan@b.example', [contact('dan', 'B')]],
    ['nick@nowhere.example', [contact('nick', null)]],
    ['lea@lead.example', [{ recordId: 'lea', type: 'lead', companyId: 'B' }]],
    ['ida@broker.example', [{ recordId: 'ida', type: 'intermediary', companyId: null }]],
    ['office@a.example', [{ recordId: 'A', type: 'company', companyId: null }]],
    ['mix@a.example', [{ recordId: 'mixLead', type: 'lead', companyId: 'B' }, contact('mix', 'A')]],
    ['mid@a.example', [{ recordId: 'midBroker', type: 'intermediary', companyId: null }, contact('mid', 'A')]],
    ['two@ab.example', [contact('twoA', 'A'), contact('twoB', 'B')]],
    [
      'lb@x.example',
      [
        { recordId: 'lbLead', type: 'lead', companyId: null },
        { recordId: 'lbBroker', type: 'intermediary', companyId: null },
      ],
    ],
    ['uc@us.example', [contact('uc', 'B')]],
  ]),
};

/** What links by number make of addresses (matching.test.ts). */
const filedAt = new Map([
  ['1001.info@us.example', 'P'],
  ['1002.sales@us.example', 'Q'],
]);
const project = (recordId: string) => ({ recordId, type: 'project', companyId: null });

/**
 * `ann > carl, dan + stan` is From, To, Cc; `stan/ann > carl` has Ann as Sender. Expected: `owner | users | contacts | external | companies |
 * projects`, each in its order, a dash for nobody. A contact is told by its record, whoever is external by the address's name.
 */
type Case = [fact: string, mail: string, expected: string];

const underLinkNone: Case[] = [
  // Sent by a user: that user owns it.
  ['a user writes to a contact', 'ann > carl', 'ann | - | carl | - | A | -'],
  ['a user writes to a stranger', 'ann > stan', 'ann | - | - | stan | - | -'],
  ['a user writes to a lead, who is no contact', 'ann > lea', 'ann | - | - | lea | - | -'],
  ['a user writes to an intermediary', 'ann > ida', 'ann | - | - | ida | - | -'],
  ['a user writes to a user', 'ann > bob', 'ann | bob | - | - | - | -'],
  ['a user writes to themselves', 'ann > ann', 'ann | - | - | - | - | -'],
  ['a user writes to their other address', 'ann > annAlias', 'ann | - | - | - | - | -'],
  ['an alias of a user is the user', 'annAlias > carl', 'ann | - | carl | - | A | -'],
  ['the address of a mailbox is its owner', 'bobsMailbox > carl', 'bob | - | carl | - | A | -'],
  ['a mailbox without an owner sends', 'info > carl', '- | - | carl | - | A | -'],
  ['a user writes to a mailbox without an owner', 'ann > info', 'ann | - | - | - | - | -'],
  ['the sending user wins over one in To', 'ann > bob, carl', 'ann | bob | carl | - | A | -'],
  ['a user in Cc of a user is a participant', 'ann > carl + bob', 'ann | bob | carl | - | A | -'],
  ['nobody but the sending user', 'ann >', 'ann | - | - | - | - | -'],
  ['recipients stand in Cc alone', 'ann > + carl', 'ann | - | carl | - | A | -'],
  ['Sender is a user where From is none', 'stan/ann > carl', 'ann | - | carl | stan | A | -'],
  ['From wins over Sender', 'ann/bob > carl', 'ann | bob | carl | - | A | -'],
  ['Sender repeats From', 'ann/ann > carl', 'ann | - | carl | - | A | -'],
  ['two users in From', 'ann, bob > carl', 'ann | bob | carl | - | A | -'],
  ['a user who is a contact too is a user', 'userAndContact > carl', 'ann | - | carl | - | A | -'],

  // Sent by somebody else: the first user among To, then Cc.
  ['a contact writes to a user', 'carl > ann', 'ann | - | carl | - | A | -'],
  ['a contact writes to two users, in their order', 'carl > bob, ann', 'bob | ann | carl | - | A | -'],
  ['a user in To goes before one in Cc', 'carl > bob + ann', 'bob | ann | carl | - | A | -'],
  ['the only user stands in Cc', 'carl > stan + ann', 'ann | - | carl | stan | A | -'],
  ['the first of two users in Cc', 'carl > stan + bob, ann', 'bob | ann | carl | stan | A | -'],
  ['the first in To is no user', 'carl > stan, ann', 'ann | - | carl | stan | A | -'],
  ['one user in To and Cc', 'carl > ann + ann', 'ann | - | carl | - | A | -'],
  ['one user by two addresses', 'carl > ann + annAlias', 'ann | - | carl | - | A | -'],
  ['a contact writes to the mailbox of a user', 'carl > bobsMailbox', 'bob | - | carl | - | A | -'],
  ['a contact writes to a mailbox without an owner', 'carl > info', '- | - | carl | - | A | -'],
  ['a mailbox without an owner, and a user in Cc', 'carl > info + bob', 'bob | - | carl | - | A | -'],
  ['a stranger writes to a user', 'stan > ann', 'ann | - | - | stan | - | -'],
  ['a lead writes to a user', 'lea > ann', 'ann | - | - | lea | - | -'],
  ['an intermediary writes to a user', 'ida > ann', 'ann | - | - | ida | - | -'],
  ['an intermediary writes of a contact', 'ida > ann + carl', 'ann | - | carl | ida | A | -'],
  ['a lead copies a contact', 'lea > ann + carl', 'ann | - | carl | lea | A | -'],

  // No user at all.
  ['a contact writes to a stranger', 'carl > stan', '- | - | carl | stan | A | -'],
  ['a stranger writes to a stranger', 'stan > sue', '- | - | - | stan, sue | - | -'],
  ['a contact writes to a colleague', 'carl > cora', '- | - | carl, cora | - | A | -'],
  ['nobody is named', '>', '- | - | - | - | - | -'],

  // Contacts and their companies.
  ['two contacts of a company', 'ann > carl, cora', 'ann | - | carl, cora | - | A | -'],
  ['two contacts of a company, in To and Cc', 'ann > carl + cora', 'ann | - | carl, cora | - | A | -'],
  ['a contact by two addresses', 'ann > carl, carlHome', 'ann | - | carl | - | A | -'],
  ['a contact without a company', 'ann > nick', 'ann | - | nick | - | - | -'],
  ['a contact without a company beside one with', 'ann > nick, carl', 'ann | - | nick, carl | - | A | -'],
  ['a contact and a lead of another company', 'ann > carl, lea', 'ann | - | carl | lea | A | -'],
  ['a contact and an intermediary', 'ann > carl, ida', 'ann | - | carl | ida | A | -'],
  ['a contact and a stranger', 'ann > carl, stan', 'ann | - | carl | stan | A | -'],
  ['a contact goes before a lead of the same address', 'ann > contactAndLead', 'ann | - | mix | - | A | -'],
  ['a contact goes before an intermediary', 'ann > contactAndBroker', 'ann | - | mid | - | A | -'],
  ['a lead that is an intermediary too', 'ann > leadAndBroker', 'ann | - | - | leadAndBroker | - | -'],
  ["the company's own address names it", 'ann > headA', 'ann | - | - | headA | A | -'],
  ["a contact and the company's own address", 'ann > headA + carl', 'ann | - | carl | headA | A | -'],

  // Contacts of several companies.
  ['contacts of two companies', 'ann > carl, dan', 'ann | - | - | carl, dan | - | -'],
  ['contacts of two companies, in To and Cc', 'ann > carl + dan', 'ann | - | - | carl, dan | - | -'],
  ['contacts of two companies, one sends', 'carl > ann + dan', 'ann | - | - | carl, dan | - | -'],
  ['the third has no company', 'ann > carl, dan, nick', 'ann | - | - | carl, dan, nick | - | -'],
  ['and a stranger', 'ann > carl, stan, dan', 'ann | - | - | carl, stan, dan | - | -'],
  ['one address of contacts of two companies', 'ann > twoCompanies', 'ann | - | - | twoCompanies | - | -'],
  ["a contact, and another company's own address", 'ann > dan, headA', 'ann | - | - | dan, headA | - | -'],
  ['users stay participants beside them', 'ann > carl, dan + bob', 'ann | bob | - | carl, dan | - | -'],

  // Projects, by a number before an address of ours.
  ['a number files the mail at its project', 'carl > ann + filed', 'ann | - | carl | - | A | P'],
  ['a number before the mailbox of a user', 'carl > filedToBob', 'bob | - | carl | - | A | Q'],
  ['an unknown number files nothing', 'carl > ann + filedUnknown', 'ann | - | carl | - | A | -'],
  ['each number that is known', 'carl > filedUnknown, filed, filedToBob', 'bob | - | carl | - | A | P, Q'],
];

const underLinkAll: Case[] = [
  ['one company is as ever', 'ann > carl', 'ann | - | carl | - | A | -'],
  ['contacts of two companies stay participants of both', 'ann > carl, dan', 'ann | - | carl, dan | - | A, B | -'],
  ['one that sends is a participant too', 'carl > ann + dan', 'ann | - | carl, dan | - | A, B | -'],
  ['one address of contacts of two companies', 'ann > twoCompanies', 'ann | - | twoA | - | A, B | -'],
  ["a contact, and another company's own address", 'ann > dan, headA', 'ann | - | dan | headA | B, A | -'],
  ['the third has no company', 'ann > carl, dan, nick', 'ann | - | carl, dan, nick | - | A, B | -'],
];

test.each(underLinkNone)('link-none: %s (%s)', (_fact, mail, expected) => {
  expect(told(mail, { severalCompanies: 'link-none' })).toBe(expected);
});

test.each(underLinkAll)('link-all: %s (%s)', (_fact, mail, expected) => {
  expect(told(mail, { severalCompanies: 'link-all' })).toBe(expected);
});

test('there are at least sixty cases, and no two alike', () => {
  const cases = [...underLinkNone.map(([, mail]) => `none ${mail}`), ...underLinkAll.map(([, mail]) => `all ${mail}`)];
  expect(new Set(cases).size).toBeGreaterThanOrEqual(60);
  expect(new Set(cases).size).toBe(cases.length);
});

// What people linked, and what they took away.
test.each<[string, Partial<ActivityFacts>, string, string]>([
  [
    'a company linked by hand stands where no contact names one',
    { byHand: [{ recordId: 'B', type: 'company', companyId: null }] },
    'ann > stan',
    'ann | - | - | stan | B | -',
  ],
  [
    'a company linked by hand stands in place of those of contacts',
    { byHand: [{ recordId: 'B', type: 'company', companyId: null }] },
    'ann > carl',
    'ann | - | carl | - | B | -',
  ],
  [
    'a company linked by hand settles between two',
    { byHand: [{ recordId: 'A', type: 'company', companyId: null }] },
    'ann > carl, dan',
    'ann | - | carl, dan | - | A | -',
  ],
  [
    'a contact linked by hand names a company',
    { byHand: [contact('dan', 'B')] },
    'ann > stan',
    'ann | - | - | stan | B | -',
  ],
  [
    'a project linked by hand',
    { byHand: [{ recordId: 'R', type: 'project', companyId: null }] },
    'ann > carl',
    'ann | - | carl | - | A | R',
  ],
  [
    'an opportunity linked by hand, beside a number',
    { byHand: [{ recordId: 'R', type: 'opportunity', companyId: 'A' }] },
    'ann > carl + filed',
    'ann | - | carl | - | A | P, R',
  ],
  [
    'a ticket linked by hand names no company',
    { byHand: [{ recordId: 'T', type: 'ticket', companyId: 'B' }] },
    'ann > carl',
    'ann | - | carl | - | A | -',
  ],
  [
    'a contact whose link was taken away is external',
    { suppressed: new Set(['carl']) },
    'ann > carl',
    'ann | - | - | carl | - | -',
  ],
  [
    'the other contact then names the company',
    { suppressed: new Set(['dan']) },
    'ann > carl, dan',
    'ann | - | carl | dan | A | -',
  ],
  [
    'a project whose link was taken away',
    { suppressed: new Set(['P']) },
    'carl > ann + filed',
    'ann | - | carl | - | A | -',
  ],
])('%s', (_fact, facts, mail, expected) => {
  expect(told(mail, { severalCompanies: 'link-none', ...facts })).toBe(expected);
});

test('an address that stands in several headers is told of the first', () => {
  const { parties } = activityOf(factsOf('carl > ann, stan + stan', {}));
  expect(parties).toEqual([
    { kind: 'contact', header: 'from', key: 'carl@a.example', recordId: 'carl' },
    { kind: 'external', header: 'to', key: 'stan@out.example', recordId: null },
  ]);
});

test('whoever is external is told with a record, where one has the address', () => {
  const { parties } = activityOf(factsOf('ann > lea, carl, dan', { severalCompanies: 'link-none' }));
  expect(parties.map((party) => (party.kind === 'external' ? party.recordId : null))).toEqual(['lea', 'carl', 'dan']);
});

describe('mail is refused', () => {
  const users = new Set(['ann@us.example']);
  const both = { type: 'email', status: 'done', requireUser: true, requireSubject: true };
  const neither = { ...both, requireUser: false, requireSubject: false };

  test.each<[string, Parameters<typeof refusalOf>[0], string[], string, ReturnType<typeof refusalOf>]>([
    ['without a user', both, ['carl@a.example', 'stan@out.example'], 'Hello', 'no-user'],
    ['without a subject', both, ['ann@us.example'], '', 'no-subject'],
    ['with a subject of blanks', both, ['ann@us.example'], ' \u00a0\t', 'no-subject'],
    ['for the user first', both, ['stan@out.example'], '', 'no-user'],
    ['not with a user and a subject', both, ['stan@out.example', 'ann@us.example'], 'Hello', null],
    ['not where neither is asked for', neither, [], '', null],
    [
      'not for its subject where only a user is asked for',
      { ...neither, requireUser: true },
      ['ann@us.example'],
      '',
      null,
    ],
    ['not for its people where only a subject is asked for', { ...neither, requireSubject: true }, [], 'Hello', null],
    ['not where mail makes no activities', null, [], '', null],
  ])('%s', (_fact, policy, keys, subject, expected) => {
    expect(refusalOf(policy, { keys, subject }, users)).toBe(expected);
  });
});

test('what is answered says the company where nobody in the message has one, and the project in any case', () => {
  const byRule = [contact('dan', 'B'), project('P')];
  expect(told('ann > carl', { byRule })).toBe('ann | - | carl | - | A | P');
  expect(told('ann > stan', { byRule })).toBe('ann | - | - | stan | B | P');
  expect(told('ann > carl', { byRule, byHand: [contact('nick', 'C')] })).toBe('ann | - | carl | - | C | P');
});

test('of a message with more addresses than any has, only so many are looked at, and who sent it is', () => {
  const many = Array.from({ length: 40_000 }, (_, n) => ({ header: 'cc' as const, key: `c${String(n)}@out.example` }));
  const { addresses } = factsOf('ann > carl', {});
  const activity = activityOf(factsOf('ann > carl', { addresses: [...addresses, ...many] }));
  expect([activity.ownerUserId, activity.companyIds, activity.parties.length]).toEqual(['ann', ['A'], 4_999]);
});

function factsOf(mail: string, more: Partial<ActivityFacts>): ActivityFacts {
  const addresses = addressesOf(mail);
  const keys = addresses.map(({ key }) => key);
  const byRule = keys.flatMap((key) => filedAt.get(key) ?? []).map(project);
  const rule = { severalCompanies: 'link-none' as const, byHand: [], byRule, suppressed: new Set<string>() };
  return { addresses, ...known, ...rule, ...more };
}

function addressesOf(mail: string): ActivityAddress[] {
  const [senders = '', recipients = ''] = mail.split('>');
  const [from = '', sender = ''] = senders.split('/');
  const [to = '', cc = ''] = recipients.split('+');
  const of = (header: ActivityAddress['header'], names: string) =>
    names
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '')
      .map((name) => ({ header, key: addressOf[name] ?? `unknown name ${name}` }));
  return [...of('from', from), ...of('sender', sender), ...of('to', to), ...of('cc', cc)];
}

function told(mail: string, more: Partial<ActivityFacts>): string {
  const activity = activityOf(factsOf(mail, more));
  const nameOf = (key: string) => Object.keys(addressOf).find((name) => addressOf[name] === key) ?? key;
  const list = (names: string[]) => (names.length === 0 ? '-' : names.join(', '));
  const of = <Kind extends ActivityParty['kind']>(kind: Kind) =>
    activity.parties.filter((party): party is Extract<ActivityParty, { kind: Kind }> => party.kind === kind);
  return [
    activity.ownerUserId ?? '-',
    list(of('user').map(({ userId }) => userId)),
    list(of('contact').map(({ recordId }) => recordId)),
    list(of('external').map(({ key }) => nameOf(key))),
    list(activity.companyIds),
    list(activity.projectIds),
  ].join(' | ');
}

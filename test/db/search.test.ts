import { fillSearch, pendingSearchTenants } from '../../src/db/search-fill';
import { searchMessages, searchWords } from '../../src/db/search';
import type { Reader } from '../../src/db/timeline-read';
import { noConditions } from '../../src/db/timeline-conditions';
import { allMailRecord } from '../../src/db/timeline-write';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { aMailbox, aMessage, aRecord, aUser, type MessageOptions } from '../support/mail-rows';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

async function hits(reader: Reader, query: string, filter: Partial<Parameters<typeof searchMessages>[2]> = {}) {
  const found = await database.db.inTenant(reader.tenantId, (sql) =>
    searchMessages(sql, reader, {
      ...noConditions,
      words: searchWords(query),
      recordId: allMailRecord,
      since: null,
      until: null,
      ...filter,
    }),
  );
  return found.hits.map((hit) => hit.messageId);
}

async function stored(...messages: MessageOptions[]) {
  const tenantId = await database.newTenant();
  const mailbox = await aMailbox(database.db, tenantId);
  const ids: string[] = [];
  for (const message of messages) ids.push((await aMessage(database.db, mailbox, message)).id);
  await fillSearch(database.db, tenantId, 1_000);
  return { tenantId, mailbox, ids, tenant: { tenantId, userId: null, principal: -1 } satisfies Reader };
}

describe('words', () => {
  test.each([
    ['with and without umlaut', 'Angebot für Müller', 'muller'],
    ['decomposed and composed', 'Angebot für Mu\u0308ller', 'müller'],
    ['sharp s', 'Lindenstraße 5', 'lindenstrasse'],
    ['Romanian letters', 'Ofertă pentru știri', 'stiri oferta'],
    ['Dutch', 'De offerte is één dag geldig', 'een offerte'],
    ['without case', 'RECHNUNG', 'rechnung'],
    ['the beginning of the last word', 'Die Angebotsmappe', 'angebot'],
    ['a phrase', 'the quick brown fox', '"quick brown"'],
    ['a number in a reference', 'Rechnung RE-2024-4711', '4711'],
    ['the whole reference', 'Rechnung RE-2024-4711', 'RE-2024-4711'],
    ['a part of a domain', 'see www.acme.example/price_list.pdf', 'acme'],
    ['a file name', 'see price_list.pdf', 'price_list.pdf'],
    ['one of two words', 'only apples', 'pears or apples'],
    ['an amount', 'total 1.234,56 EUR', '1.234,56'],
  ])('%s', async (_name, text, query) => {
    const { tenant, ids } = await stored({ text });
    expect(await hits(tenant, query)).toEqual(ids);
  });

  test.each([
    ['words in another order than the phrase', 'brown quick', '"quick brown"'],
    ['an excluded word', 'apples and pears', 'apples -pears'],
    ['the beginning of a word that is not the last', 'Angebotsmappe grün', 'angebot grün'],
    ['punctuation alone', 'what? ...', '?! ...'],
    ['an empty query', 'anything', ''],
  ])('are not found: %s', async (_name, text, query) => {
    const { tenant } = await stored({ text });
    expect(await hits(tenant, query)).toEqual([]);
  });

  test('of name, subject and text count together', async () => {
    const { tenant, ids } = await stored({
      from: 'Erika Gabler <erika@kunde.example>',
      subject: 'Angebot',
      text: 'zwölf Stühle',
    });
    expect(await hits(tenant, 'erika angebot stühle kunde')).toEqual(ids);
    expect(await hits(tenant, 'erika -angebot')).toEqual([]);
  });

  test('in the subject weigh more than in the text', async () => {
    const { tenant, ids } = await stored(
      { text: 'turbine' },
      { subject: 'turbine', text: 'x' },
      { text: 'turbine and more' },
    );
    expect((await hits(tenant, 'turbine'))[0]).toBe(ids[1]);
  });

  test('of attached files are found', async () => {
    const { tenant, ids } = await stored({
      parts: [
        {
          n: 1,
          section: '2',
          contentType: 'application/pdf',
          charset: null,
          encoding: 'base64',
          disposition: 'attachment',
          filename: 'Wartungsvertrag.pdf',
          contentId: null,
          offset: 0,
          length: 0,
          role: 'attachment',
          kept: true,
        },
      ],
    });
    expect(await hits(tenant, 'wartungsvertrag')).toEqual(ids);
  });
});

test.each([
  ['private', { participants: 0, subject: 0, text: 0 }],
  ['metadata', { participants: 1, subject: 0, text: 0 }],
  ['subject', { participants: 1, subject: 1, text: 0 }],
  ['full', { participants: 1, subject: 1, text: 1 }],
] as const)('a colleague finds in %s mail only what that shows', async (visibility, expected) => {
  const tenantId = await database.newTenant();
  const owner = await aUser(database.db, tenantId);
  const colleague = await aUser(database.db, tenantId);
  const mailbox = await aMailbox(database.db, tenantId, { visibility, ownerUserId: owner.id });
  await aRecord(database.db, tenantId, { addresses: ['zora@kunde.example'] });
  await aMessage(database.db, mailbox, { from: 'Zora <zora@kunde.example>', subject: 'Turbine', text: 'Preis' });
  await fillSearch(database.db, tenantId, 10);

  const read = (userId: string, principal: number, query: string) => hits({ tenantId, userId, principal }, query);
  const counts = async (user: { id: string; principal: number }) => ({
    participants: (await read(user.id, user.principal, 'zora')).length,
    subject: (await read(user.id, user.principal, 'turbine')).length,
    text: (await read(user.id, user.principal, 'preis')).length,
  });
  expect(await counts(colleague)).toEqual(expected);
  expect(await counts(owner)).toEqual({ participants: 1, subject: 1, text: 1 });
  // An excluded word that the reader may not see must not tell that it is there.
  expect(await read(colleague.id, colleague.principal, 'zora -preis')).toHaveLength(
    expected.participants === 1 && expected.text === 0 ? 1 : 0,
  );
});

test('another tenant finds nothing', async () => {
  await stored({ text: 'zebrafink' });
  const other = await stored({ text: 'nothing of it' });
  expect(await hits(other.tenant, 'zebrafink')).toEqual([]);
});

test('a search can be held to a mailbox, an address, a record and a time', async () => {
  const tenantId = await database.newTenant();
  const tenant = { tenantId, userId: null, principal: -1 };
  const one = await aMailbox(database.db, tenantId);
  const two = await aMailbox(database.db, tenantId);
  const recordId = await aRecord(database.db, tenantId, { addresses: ['b@kunde.example'] });
  const a = await aMessage(database.db, one, {
    text: 'kiosk',
    from: 'a@kunde.example',
    sentAt: new Date('2026-01-01'),
  });
  const b = await aMessage(database.db, two, {
    text: 'kiosk',
    from: 'b@kunde.example',
    sentAt: new Date('2026-02-01'),
  });
  await fillSearch(database.db, tenantId, 10);

  expect(await hits(tenant, 'kiosk')).toEqual([b.id, a.id]);
  expect(await hits(tenant, 'kiosk', { sourceId: one.sourceId })).toEqual([a.id]);
  expect(await hits(tenant, 'kiosk', { addressKey: 'b@kunde.example' })).toEqual([b.id]);
  expect(await hits(tenant, 'kiosk', { recordId })).toEqual([b.id]);
  expect(await hits(tenant, 'kiosk', { until: new Date('2026-01-15') })).toEqual([a.id]);
  expect(await hits(tenant, 'kiosk', { since: new Date('2026-01-15') })).toEqual([b.id]);
});

test('a Bcc address finds the message only for those who hold the copy', async () => {
  const tenantId = await database.newTenant();
  const owner = await aUser(database.db, tenantId);
  const colleague = await aUser(database.db, tenantId);
  const mailbox = await aMailbox(database.db, tenantId, { ownerUserId: owner.id, visibility: 'full' });
  await aRecord(database.db, tenantId, { addresses: ['kunde@kunde.example'] });
  await aMessage(database.db, mailbox, { text: 'kiosk', to: ['kunde@kunde.example'], bcc: ['still@geheim.example'] });
  await fillSearch(database.db, tenantId, 10);
  const found = (user: { id: string; principal: number }, addressKey: string | null) =>
    hits({ tenantId, userId: user.id, principal: user.principal }, 'kiosk', { addressKey });

  expect(await found(owner, 'still@geheim.example')).toHaveLength(1);
  expect(await found(colleague, 'still@geheim.example')).toHaveLength(0);
  expect(await found(colleague, 'kunde@kunde.example')).toHaveLength(1);
  expect(await hits({ tenantId, userId: colleague.id, principal: colleague.principal }, 'geheim')).toEqual([]);
});

describe('filling', () => {
  test('writes what waits, once', async () => {
    const tenantId = await database.newTenant();
    const mailbox = await aMailbox(database.db, tenantId);
    await aMessage(database.db, mailbox, { text: 'one' });
    await aMessage(database.db, mailbox, { text: 'two' });

    expect(await pendingSearchTenants(database.db)).toContain(tenantId);
    expect(await fillSearch(database.db, tenantId, 1)).toBe(1);
    expect(await fillSearch(database.db, tenantId, 10)).toBe(1);
    expect(await fillSearch(database.db, tenantId, 10)).toBe(0);
    expect(await pendingSearchTenants(database.db)).not.toContain(tenantId);
  });

  test('takes a text of any size and kind', async () => {
    const words = Array.from({ length: 60_000 }, (_, n) => `w${n.toString(36)}ä`).join(' ');
    const { tenant, ids } = await stored(
      { text: words },
      { text: 'x'.repeat(200_000), subject: 'Riesenwort' },
      { text: '\u{1F600}\u{FDFA}'.repeat(50_000), subject: 'Zeichen' },
      { text: '', subject: '' },
    );
    expect(await hits(tenant, 'w7a')).toContain(ids[0]);
    expect(await hits(tenant, 'riesenwort')).toEqual([ids[1]]);
    expect(await hits(tenant, 'zeichen')).toEqual([ids[2]]);
  });
});

import { beginMerge } from '../../../src/db/merges/begin-merge';
import { mergeChunk } from '../../../src/db/merges/merge-chunk';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { aRecord, aUser } from '../../support/mail-rows';
import { Talk } from './talk';

/** More than one share of an operation. */
const long = 12;
const ada = 'ada@customer.example';

let database: TestDatabase;
let talk: Talk;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  talk = await Talk.in(database.db, await database.newTenant(), 2);
});

const record = (addresses: string[] = []) => aRecord(database.db, talk.mailbox.tenantId, { addresses });

/** A chain of answers, its first two from Ada, of whom the record is; each name is a letter. */
async function chain(messages: number): Promise<string> {
  let threadId = '';
  for (let n = 0; n < messages; n++) {
    const from = n < 2 ? { from: ada, to: ['bob@elsewhere.example'] } : {};
    threadId = await talk.send(letter(n), n === 0 ? [] : [letter(n - 1)], from);
  }
  return threadId;
}

const letter = (n: number) => String.fromCharCode('a'.charCodeAt(0) + n);
const letters = (count: number, sign = '') => Array.from({ length: count }, (_, n) => `${sign}${letter(n)}`).join(' ');

describe('what is undone stays undone, also when mail has come since:', () => {
  test('a thread that was taken away', async () => {
    const recordId = await record([ada]);
    const threadId = await chain(3);
    const unlinked = await talk.done(talk.unlink(threadId, recordId));
    await talk.send('d', ['c']);
    await talk.send('e', ['b'], { from: ada });
    expect(await talk.at(recordId)).toBe('-a -b -c -d -e');
    await talk.done(talk.undo(unlinked));
    expect(await talk.at(recordId)).toBe('a b c d e');
    await talk.send('f', ['e']);
    expect(await talk.at(recordId)).toBe('a b c d e f');
    expect(await talk.said(recordId)).toBe('');
    expect(await talk.links(threadId)).toMatchObject([{ recordId, mode: null, state: 'active', byRules: 6 }]);
  });

  test('a thread that was linked with what comes later', async () => {
    const recordId = await record();
    const threadId = await chain(2);
    const linked = await talk.done(talk.link(threadId, recordId, { mode: 'follow' }));
    await talk.send('c', ['b']);
    expect(await talk.at(recordId)).toBe('a b c');
    await talk.done(talk.undo(linked));
    expect(await talk.at(recordId)).toBe('');
    await talk.send('d', ['c']);
    expect(await talk.at(recordId)).toBe('');
    expect(await talk.links(threadId)).toEqual([]);
  });

  test('a thread that was linked again', async () => {
    const recordId = await record([ada]);
    const threadId = await chain(3);
    await talk.done(talk.unlink(threadId, recordId));
    const linked = await talk.done(talk.relink(threadId, recordId, { mode: 'follow' }));
    await talk.send('d', ['c']);
    await talk.done(talk.undo(linked));
    expect(await talk.at(recordId)).toBe('-a -b -c -d');
    expect(await talk.said(recordId)).toBe('unlinked');
    expect(await talk.links(threadId)).toMatchObject([{ recordId, state: 'unlinked' }]);
  });

  test('but what was said after it stands', async () => {
    const recordId = await record();
    const threadId = await chain(2);
    const linked = await talk.done(talk.link(threadId, recordId, { mode: 'snapshot' }));
    await talk.done(talk.relink(threadId, recordId, { mode: 'follow' }));
    await talk.done(talk.undo(linked));
    await talk.send('c', ['b']);
    expect(await talk.at(recordId)).toBe('a b c');
    expect(await talk.links(threadId)).toMatchObject([{ recordId, state: 'active', mode: 'follow' }]);
  });
});

test('a thread of many shares is taken away, linked again and that undone, whole each time', async () => {
  const recordId = await record([ada]);
  const threadId = await chain(long);
  expect(await talk.at(recordId)).toBe(letters(long));
  const unlinked = await talk.done(talk.unlink(threadId, recordId));
  expect(await talk.at(recordId)).toBe(letters(long, '-'));
  const linked = await talk.done(talk.relink(threadId, recordId));
  expect(await talk.at(recordId)).toBe(letters(long));
  await talk.done(talk.undo(linked));
  expect(await talk.at(recordId)).toBe(letters(long, '-'));
  await talk.done(talk.relink(threadId, recordId, { mode: 'follow' }));
  expect(await talk.at(recordId)).toBe(letters(long));
  expect(await talk.links(threadId)).toMatchObject([{ byRules: long }]);
  const again = await talk.done(talk.unlink(threadId, recordId));
  await talk.done(talk.undo(again));
  expect(await talk.at(recordId)).toBe(letters(long));
  expect(unlinked.linkId).toBe(linked.linkId);
});

test('what a member links again stays linked, beside mail that they do not see', async () => {
  const recordId = await record([ada]);
  const user = await aUser(database.db, talk.mailbox.tenantId, { addresses: ['eve@company.example'] });
  const reader = { tenantId: talk.mailbox.tenantId, userId: user.id, principal: user.principal };
  const threadId = await talk.send('a', [], { from: ada, to: ['eve@company.example', 'bob@elsewhere.example'] });
  await talk.send('b', ['a']);
  await talk.send('c', ['b'], { from: ada, to: ['eve@company.example'] });
  await talk.done(talk.unlink(threadId, recordId));
  expect(await talk.at(recordId)).toBe('-a -b -c');
  await talk.done(talk.relink(threadId, recordId, { as: { reader, actor: 'eve', note: null } }));
  await talk.send('d', ['c']);
  expect(await talk.at(recordId)).toMatch(/^a b c/);
  expect(await talk.said(recordId)).toBe('snapshot');
});

describe('mail that comes while a followed thread', () => {
  test('is being taken away goes with it, and brings nothing back', async () => {
    const recordId = await record();
    const threadId = await chain(3);
    await talk.done(talk.link(threadId, recordId, { mode: 'follow' }));
    const away = await talk.unlink(threadId, recordId);
    await talk.send('d', ['c']);
    await talk.step(away);
    await talk.send('e', ['d', 'c']);
    await talk.done(Promise.resolve(away));
    await talk.send('f', ['e', 'd', 'c']);
    expect(await talk.at(recordId)).toBe('');
    expect(await talk.said(recordId)).toBe('');
  });

  test('is linked again as it stands now is not followed', async () => {
    const recordId = await record();
    const threadId = await chain(3);
    await talk.done(talk.link(threadId, recordId, { mode: 'follow' }));
    const again = await talk.relink(threadId, recordId, { mode: 'snapshot' });
    await talk.send('d', ['c']);
    await talk.done(Promise.resolve(again));
    await talk.send('e', ['d']);
    expect(await talk.at(recordId)).toBe('a b c');
    expect(await talk.said(recordId)).toBe('snapshot');
  });
});

describe('threads with a link each that become one', () => {
  async function joined(recordId: string): Promise<string> {
    const one = await talk.send('a');
    const other = await talk.send('o');
    await talk.done(talk.link(one, recordId, { mode: 'follow' }));
    await talk.done(talk.link(other, recordId, { mode: 'follow' }));
    return talk.send('j', ['a', 'o']);
  }

  test('have one link, which is taken away, and linked again, as a whole', async () => {
    const recordId = await record();
    const threadId = await joined(recordId);
    expect(await talk.at(recordId)).toBe('a j o');
    expect(await talk.links(threadId)).toMatchObject([{ recordId, state: 'active', messages: 3 }]);
    await talk.done(talk.unlink(threadId, recordId));
    expect(await talk.links(threadId)).toMatchObject([{ recordId, state: 'unlinked', messages: 0 }]);
    await talk.send('k', ['j']);
    expect(await talk.at(recordId)).toBe('');
    expect(await talk.done(talk.link(threadId, recordId, { mode: 'snapshot' }))).toMatchObject({ kind: 'begun' });
    await talk.send('l', ['k']);
    expect(await talk.at(recordId)).toBe('a j k o');
  });

  test('have both links again when that is undone', async () => {
    const recordId = await record();
    const threadId = await joined(recordId);
    const away = await talk.done(talk.unlink(threadId, recordId));
    await talk.send('k', ['j']);
    await talk.done(talk.undo(away));
    await talk.send('l', ['k']);
    expect(await talk.at(recordId)).toBe('a j k l o');
    expect(await talk.rows('SELECT FROM thread_link WHERE state = $1', ['active'])).toHaveLength(2);
  });
});

test('a thread that two records had, which became one, is taken away from it as a whole', async () => {
  const [recordId, intoRecordId] = [await record(), await record()];
  const threadId = await chain(2);
  await talk.done(talk.link(threadId, recordId, { mode: 'follow' }));
  await talk.done(talk.link(threadId, intoRecordId, { mode: 'follow' }));
  const wish = { recordId, intoRecordId, actor: 'test', undoMs: 60_000 };
  const merge = await talk.locked((sql) => beginMerge(sql, talk.mailbox.tenantId, wish));
  if (merge.kind !== 'begun') throw new Error(merge.kind);
  const ref = { tenantId: talk.mailbox.tenantId, operationId: merge.operationId };
  while ((await mergeChunk(database.db, ref, 500)).kind === 'more');
  expect(await talk.links(threadId)).toMatchObject([{ recordId: intoRecordId, state: 'active', messages: 2 }]);
  await talk.done(talk.unlink(threadId, intoRecordId));
  await talk.send('c', ['b']);
  expect(await talk.links(threadId)).toMatchObject([{ recordId: intoRecordId, state: 'unlinked', messages: 0 }]);
  expect(await talk.at(intoRecordId)).toBe('');
});

describe('one message', () => {
  test('of a followed thread that is taken away by hand stays away', async () => {
    const recordId = await record();
    const threadId = await chain(3);
    await talk.done(talk.link(threadId, recordId, { mode: 'follow' }));
    const operationId = await talk.byHand('unlink', 'b', recordId);
    await talk.send('d', ['a', 'b', 'c']);
    expect(await talk.at(recordId)).toBe('-b a c d');
    await talk.done(talk.undo({ kind: '', linkId: '', operationId }));
    expect(await talk.at(recordId)).toBe('a b c d');
  });

  test('of a thread that was taken away stays linked by hand', async () => {
    const recordId = await record([ada]);
    const threadId = await chain(3);
    await talk.done(talk.unlink(threadId, recordId));
    await talk.byHand('link', 'b', recordId);
    await talk.send('d', ['b', 'c']);
    expect(await talk.at(recordId)).toBe('-a -c -d b');
  });
});

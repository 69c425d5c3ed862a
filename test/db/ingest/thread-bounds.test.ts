import { createHash } from 'node:crypto';

import { recordBatch } from '../../../src/db/ingest/record-batch';
import { referencesOf } from '../../../src/domain/references';
import { defaultLimits } from '../../../src/config/limits';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { aMailbox, aMessage, type TestMailbox } from '../../support/mail-rows';

let database: TestDatabase;
let mailbox: TestMailbox;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  mailbox = await aMailbox(database.db, await database.newTenant());
});

const rows = <Row extends object>(text: string, values: unknown[] = []) =>
  database.db.inTenant(mailbox.tenantId, (sql) => sql.query<Row>(text, values));

const threads = async () => (await rows('SELECT DISTINCT thread_id FROM message')).length;

/** A message that the provider puts into a thread of its own. */
async function ofProvider(source: TestMailbox, name: string, providerThreadId: string): Promise<string> {
  const messageKey = createHash('sha256').update(`key of ${name}`).digest('hex');
  await recordBatch(
    database.db,
    { ...source, fence: { epoch: 1, generation: 1 } },
    {
      genId: source.genId,
      cursor: null,
      part: 'live',
      versions: { parser: 1, code: 'test' },
      items: [
        {
          kind: 'recorded',
          uid: source.nextUid++,
          size: 1,
          internalDate: null,
          flags: 0,
          modseq: null,
          rawSha: createHash('sha256').update(name).digest(),
          blobId: null,
          rawState: 'none',
          providerId: null,
          providerThreadId,
          direction: 'incoming',
          message: {
            messageIdHeader: `<${name}@x>`,
            references: [],
            sentAt: null,
            subject: 'The same subject',
            from: [],
            sender: [],
            replyTo: [],
            to: [],
            cc: [],
            bcc: [],
            deliveredTo: [],
            text: name,
            textTruncated: false,
            parts: [],
            marks: [],
            messageKey,
          },
        },
      ],
    },
  );
  const [row] = await rows<{ thread_id: string }>('SELECT thread_id FROM message WHERE message_id_header = $1', [
    `<${name}@x>`,
  ]);
  return row?.thread_id ?? '';
}

test('the provider’s thread ids join within one mailbox, and mean nothing in another', async () => {
  const other = await aMailbox(database.db, mailbox.tenantId);
  const one = await ofProvider(mailbox, 'one', '17');
  expect(await ofProvider(mailbox, 'two', '17')).toBe(one);
  expect(await ofProvider(other, 'three', '17')).not.toBe(one);
});

test('nothing is joined by its subject', async () => {
  await aMessage(database.db, mailbox, { messageId: '<a@x>', subject: 'Offer' });
  await aMessage(database.db, mailbox, { messageId: '<b@x>', subject: 'Re: Offer' });
  expect(await threads()).toBe(2);
});

test('of 5,000 references a bounded number joins: the first and the last of them', async () => {
  const all = Array.from({ length: 5_000 }, (_, n) => `<${String(n)}@x>`);
  for (const n of [0, 2_500, 4_999]) await aMessage(database.db, mailbox, { messageId: `<${String(n)}@x>` });
  const references = referencesOf({ references: all.join(' '), inReplyTo: '' }, defaultLimits.maxReferences);
  await aMessage(database.db, mailbox, { messageId: '<long@x>', references });
  expect(await threads()).toBe(2);
  const [{ refs, known } = { refs: 0, known: 0 }] = await rows<{ refs: number; known: number }>(
    `SELECT cardinality(refs) AS refs, (SELECT count(*) FROM thread_ref r WHERE r.thread_id = m.thread_id) AS known
     FROM message m WHERE message_id_header = '<long@x>'`,
  );
  expect([refs, known]).toEqual([20, defaultLimits.maxReferences + 1]);
});

test('messages that refer to each other and to themselves are one thread', async () => {
  await aMessage(database.db, mailbox, { messageId: '<a@x>', references: ['<a@x>', '<b@x>'] });
  await aMessage(database.db, mailbox, { messageId: '<b@x>', references: ['<a@x>', '<b@x>'] });
  expect(await threads()).toBe(1);
});

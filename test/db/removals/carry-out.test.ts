import { createHash } from 'node:crypto';

import { createPostgresBlobStore } from '../../../src/db/blobs/postgres-blob-store';
import { readCatalogue } from '../../../src/db/deletion/catalogue';
import type { SurvivorContents } from '../../../src/db/deletion/shared-messages';
import { carryOutRemovals, planRemoval, type RemovalPlan } from '../../../src/db/removals/carry-out';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { aMailbox, aMessage, type TestMailbox } from '../../support/mail-rows';

let database: TestDatabase;
let mailbox: TestMailbox;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  await database.drop();
});
beforeEach(async () => {
  mailbox = await aMailbox(database.db, await database.newTenant());
});

const query = <Row extends object>(text: string, values: unknown[] = []) =>
  database.db.inTenant(mailbox.tenantId, (sql) => sql.query<Row>(text, values));

/** Two copies of one message, both gone on the server; the message is told from the first. */
async function twice(): Promise<{ messageId: string; first: string; second: string }> {
  const subject = 'as the first says';
  const { id: messageId, copyId: first } = await aMessage(database.db, mailbox, {
    subject,
    bytes: await stored('bytes'),
  });
  const { copyId: second } = await aMessage(database.db, mailbox, { subject, bytes: await stored('other bytes') });
  await query('UPDATE placement SET presence = 3 RETURNING 1');
  await query(
    `INSERT INTO removal (tenant_id, source_id, copy_id, state, due_at) SELECT tenant_id, source_id, id, 'waiting', now() FROM copy RETURNING 1`,
  );
  return { messageId, first, second };
}

async function stored(text: string): Promise<{ blobId: string; raw: Buffer }> {
  const raw = Buffer.from(text);
  const sha256 = createHash('sha256').update(raw).digest();
  const [blob] = await createPostgresBlobStore(database.db).putBatch(mailbox, [{ sha256, bytes: raw }]);
  if (blob === undefined) throw new Error('no blob');
  return { blobId: blob.blobId, raw };
}

async function comesBack(copyId: string): Promise<void> {
  await query('UPDATE placement SET presence = 1 WHERE copy_id = $1 RETURNING 1', [copyId]);
  await query('DELETE FROM removal WHERE copy_id = $1 RETURNING 1', [copyId]);
}

async function carryOut(plan: RemovalPlan, contents: SurvivorContents = new Map()): Promise<void> {
  const catalogue = await database.db.inTenant(mailbox.tenantId, readCatalogue);
  const source = { ...mailbox, fence: { epoch: 1, generation: 1 } };
  await carryOutRemovals(database.db, source, { plan, contents, catalogue });
}

const copies = async () =>
  (await query<{ id: string }>('SELECT id FROM copy ORDER BY recorded_at')).map(({ id }) => id);
const removals = async () =>
  (await query<{ copy_id: string }>('SELECT copy_id FROM removal')).map((row) => row.copy_id);
const events = () => query(`SELECT FROM outbox WHERE type = 'message.removed'`);
const planned = (copyIds: string[]) =>
  planRemoval(database.db, { ...mailbox, fence: { epoch: 1, generation: 1 } }, copyIds);

test('of two copies of a message that were to go one comes back: the other goes with the next plan, and the message is told from what stays', async () => {
  const { messageId, first, second } = await twice();
  const plan = await planned([first, second]);
  await comesBack(second);
  await carryOut(plan);
  expect(await copies()).toEqual([first, second]);
  expect(await removals()).toEqual([first]);
  expect(await events()).toEqual([]);
  const next = await planned([first]);
  expect(next.toRead.map(({ survivor }) => survivor.copyId)).toEqual([second]);
  const survivor = next.toRead[0]?.survivor;
  const people = { from: [], sender: [], replyTo: [], to: [], cc: [] };
  const content = {
    ...people,
    headerKey: null,
    sentAt: null,
    subject: 'as the second says',
    text: '',
    textTruncated: false,
    marks: [],
  };
  await carryOut(next, new Map([[messageId, { copyId: second, blobId: survivor?.blobId ?? null, content }]]));
  expect(await copies()).toEqual([second]);
  expect(await events()).toHaveLength(1);
  expect(await query('SELECT subject FROM message_subject')).toEqual([{ subject: 'as the second says' }]);
});

test('where one message comes back, the others of the same plan go', async () => {
  const { first, second } = await twice();
  const { copyId: other } = await aMessage(database.db, mailbox, { subject: 'another' });
  await query('UPDATE placement SET presence = 3 WHERE copy_id = $1 RETURNING 1', [other]);
  await query(
    `INSERT INTO removal (tenant_id, source_id, copy_id, state, due_at) VALUES ($1, $2, $3, 'waiting', now()) RETURNING 1`,
    [mailbox.tenantId, mailbox.sourceId, other],
  );
  const plan = await planned([first, second, other]);
  await comesBack(first);
  await carryOut(plan);
  expect(await copies()).toEqual([first, second]);
  expect(await removals()).toEqual([second]);
});

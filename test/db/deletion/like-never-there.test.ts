import { randomUUID } from 'node:crypto';

import { createPostgresBlobStore } from '../../../src/db/blobs/postgres-blob-store';
import { sharedDovecot } from '../../support/dovecot';
import { copyDatabase, killedTenTimes, randomFrom, statementsOf, type DatabaseCopy } from '../../support/database-copy';
import { createSyncBench, type SyncBench } from '../../support/sync-bench';
import { contentOf, countsOf } from '../../support/tenant-content';
import { askForDeletion, carryOut, deliverMail, importMailboxes, type TwoMailboxes } from '../../support/two-mailboxes';
import { openMailClient } from '../../support/mail-client';

let bench: SyncBench;
let mailboxes: TwoMailboxes;
/** What a database says that never had Anna's mailbox. */
let expected: { content: Record<string, unknown[]>; counts: Record<string, number> };
/** How many a deletion takes that nobody kills, and words of the one that ends it. */
let statements: number;
const lastWords = 'DELETE FROM source WHERE';

beforeAll(async () => {
  const port = sharedDovecot().imapPort;
  // Small chunks, so that there are many places to be killed at.
  bench = await createSyncBench(port, { deletionChunkRows: 4 });
  const users = { anna: `anna-${randomUUID()}@corp.example`, ben: `ben-${randomUUID()}@corp.example` };
  const people = { anna: await openMailClient(port, users.anna), ben: await openMailClient(port, users.ben) };
  await deliverMail(people, 8);
  await Promise.all([people.anna.close(), people.ben.close()]);
  const alone = await importMailboxes(bench, users, 'ben-alone');
  const { ownerUrl } = bench.database;
  expected = { content: await contentOf(ownerUrl, alone.tenantId), counts: await countsOf(ownerUrl, alone.tenantId) };
  mailboxes = await importMailboxes(bench, users, 'both');
  statements = await statementsOfDeletion();
});

afterAll(async () => {
  await bench.close();
});

async function statementsOfDeletion(): Promise<number> {
  const copy = await copyDatabase(bench.database);
  const ref = { tenantId: mailboxes.tenantId, mailboxId: mailboxes.anna.mailboxId };
  const deletionId = await askForDeletion(contextOf(copy.db), ref);
  const count = await statementsOf(copy, (db) => carryOut(contextOf(db), { ...ref, deletionId }));
  await copy.drop();
  return count;
}

function contextOf(db: DatabaseCopy['db']) {
  return { ...bench.context, db, blobs: createPostgresBlobStore(db) };
}

async function expectLikeNeverThere(ownerUrl: string): Promise<void> {
  const content = await contentOf(ownerUrl, mailboxes.tenantId);
  for (const name of Object.keys(content)) {
    // The lexeme of the tenant is the tenant's.
    const told = (rows: unknown[] | undefined) => (name === 'search' ? withoutTenant(rows ?? []) : rows);
    expect({ [name]: told(content[name]) }).toEqual({ [name]: told(expected.content[name]) });
  }
  expect(await countsOf(ownerUrl, mailboxes.tenantId)).toEqual(expected.counts);
}

function withoutTenant(rows: unknown[]): string[] {
  return rows.map((row) => String(row).replace(/'=[0-9a-f]{8}'/g, '')).sort();
}

test('a mailbox that was deleted has left nothing: all that stays is as if it had never been there', async () => {
  const copy = await copyDatabase(bench.database);
  const ref = { tenantId: mailboxes.tenantId, mailboxId: mailboxes.anna.mailboxId };
  const context = contextOf(copy.db);
  const before = await countsOf(copy.ownerUrl, mailboxes.tenantId);
  const deletionId = await askForDeletion(context, ref);
  const end = await carryOut(context, { ...ref, deletionId });
  expect(end).toMatchObject({
    kind: 'done',
    kept: 9,
    messages: (before['message'] ?? 0) - (expected.counts['message'] ?? 0),
  });
  await expectLikeNeverThere(copy.ownerUrl);
  await copy.drop();
});

test.each([1, 2, 3, 4, 5, 6])(
  'killed ten times at any statement or commit, it still comes to the same (seed %i)',
  async (seed) => {
    const copy = await copyDatabase(bench.database);
    const ref = { tenantId: mailboxes.tenantId, mailboxId: mailboxes.anna.mailboxId };
    const deletionId = await askForDeletion(contextOf(copy.db), ref);
    const work = (db: DatabaseCopy['db']) => carryOut(contextOf(db), { ...ref, deletionId });
    const { hits, end } = await killedTenTimes(copy, randomFrom(seed), { work, statements, lastWords });
    expect(hits).toBe(10);
    expect(end).toMatchObject({ kind: 'done', kept: 9 });
    await expectLikeNeverThere(copy.ownerUrl);
    await copy.drop();
  },
);

import { randomUUID } from 'node:crypto';

import { createPostgresBlobStore } from '../../../src/db/blobs/postgres-blob-store';
import { sharedDovecot } from '../../support/dovecot';
import { copyDatabase, killedDatabase, type DatabaseCopy } from '../../support/database-copy';
import { createSyncBench, type SyncBench } from '../../support/sync-bench';
import { contentOf, countsOf } from '../../support/tenant-content';
import { askForDeletion, carryOut, deliverMail, importMailboxes, type TwoMailboxes } from '../../support/two-mailboxes';
import { openMailClient } from '../../support/mail-client';

let bench: SyncBench;
let mailboxes: TwoMailboxes;
/** What a database says that never had Anna's mailbox. */
let expected: { content: Record<string, unknown[]>; counts: Record<string, number> };

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
});

afterAll(async () => {
  await bench.close();
});

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

/** Numbers from 0 to 1 that are the same for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test.each([1, 2, 3, 4, 5, 6])(
  'killed ten times at any statement or commit, it still comes to the same (seed %i)',
  async (seed) => {
    const random = randomFrom(seed);
    const copy = await copyDatabase(bench.database);
    const ref = { tenantId: mailboxes.tenantId, mailboxId: mailboxes.anna.mailboxId };
    const deletionId = await askForDeletion(contextOf(copy.db), ref);
    for (let kills = 0; kills < 10; kills += 1) {
      let left = Math.floor(random() * 60);
      const killed = contextOf(killedDatabase(copy, () => left-- === 0));
      await carryOut(killed, { ...ref, deletionId }).catch(() => undefined);
    }
    expect(await carryOut(contextOf(copy.db), { ...ref, deletionId })).toMatchObject({ kind: 'done', kept: 9 });
    await expectLikeNeverThere(copy.ownerUrl);
    await copy.drop();
  },
);

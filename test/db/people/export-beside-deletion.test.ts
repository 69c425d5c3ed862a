import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { createByteBudget } from '../../../src/activities/byte-budget';
import type { ActivityContext } from '../../../src/activities/context';
import { exportZip } from '../../../src/api/people/export-zip';
import { defaultLimits } from '../../../src/config/limits';
import { createPostgresBlobStore } from '../../../src/db/blobs/postgres-blob-store';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { aMailbox, aMessage, type TestMailbox } from '../../support/mail-rows';
import { askForDeletion, carryOut } from '../../support/two-mailboxes';

const ada = 'ada@customer.example';
const messages = 12;

let database: TestDatabase;
let context: ActivityContext;

beforeAll(async () => {
  database = await createTestDatabase();
  const { db } = database;
  const played: Partial<ActivityContext> = {
    db,
    blobs: createPostgresBlobStore(db),
    budget: createByteBudget(1_000_000),
    erasures: { compare: () => Promise.resolve([]) },
    limits: { ...defaultLimits, deletionChunkRows: 2 },
  };
  context = played as ActivityContext;
});
afterAll(() => database.drop());

async function filled(mailbox: TestMailbox, size: number): Promise<void> {
  for (let n = 0; n < messages; n += 1) {
    const raw = randomBytes(size);
    const sha256 = createHash('sha256').update(raw).digest();
    const [blob] = await context.blobs.putBatch(mailbox, [{ sha256, bytes: raw }]);
    const bytes = { blobId: blob?.blobId ?? '', raw };
    await aMessage(database.db, mailbox, { from: ada, subject: `number ${String(n)}`, bytes });
  }
}

/** How an export ended for a reader who pauses after each piece: whole, or with the name of what broke it off. */
async function exported(tenantId: string, pauseMs: number): Promise<string> {
  const zip = exportZip({ db: database.db, blobs: context.blobs, now: () => new Date(), tenantId, addressKeys: [ada] });
  try {
    for await (const _ of zip as AsyncIterable<Buffer>) await sleep(pauseMs);
    return 'whole';
  } catch (error) {
    return (error as Error).name;
  }
}

test.each([
  [20_000, 0, 0],
  [20_000, 1, 5],
  [300_000, 0, 10],
  [300_000, 2, 20],
  [1_500_000, 1, 40],
])(
  'an export of mail of %i bytes ends beside the deletion of its mailbox, whole or broken off for its reader',
  async (size, pauseMs, headStartMs) => {
    const tenantId = await database.newTenant();
    const mailbox = await aMailbox(database.db, tenantId);
    await filled(mailbox, size);
    const ref = { tenantId, mailboxId: mailbox.sourceId };
    const deletionId = await askForDeletion(context, ref);
    const reading = exported(tenantId, pauseMs);
    await sleep(headStartMs);
    expect(await carryOut(context, { ...ref, deletionId })).toMatchObject({ kind: 'done' });
    expect(['whole', 'BlobDamaged']).toContain(await reading);
  },
);

import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createByteBudget } from '../../../src/activities/byte-budget';
import type { ActivityContext, ActivityRun } from '../../../src/activities/context';
import { erasePersonRows } from '../../../src/activities/erase-person';
import { defaultLimits } from '../../../src/config/limits';
import { createPostgresBlobStore } from '../../../src/db/blobs/postgres-blob-store';
import type { Database } from '../../../src/db/database';
import { createErasureMirror } from '../../../src/db/erasures/mirror';
import { replayErasures } from '../../../src/db/erasures/replay';
import { newUuid } from '../../../src/db/new-id';
import { beginErasure } from '../../../src/db/people/begin-erasure';
import { unfinishedErasures } from '../../../src/db/people/unfinished-erasures';
import { createSecretBox } from '../../../src/db/secret-box';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { copyDatabase, type DatabaseCopy } from '../../support/database-copy';
import { aMailbox, aMessage, type TestMailbox } from '../../support/mail-rows';

const run: ActivityRun = { signal: new AbortController().signal, heartbeat: () => undefined };
const secretBox = createSecretBox([{ id: 'test', key: Buffer.alloc(32, 7) }]);
const { fingerprintsOf } = secretBox;

let database: TestDatabase;
let older: DatabaseCopy | null;
let directory: string;
let file: string;
let tenantId: string;
let anna: TestMailbox;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'letterbook-erasures-'));
  file = join(directory, 'erasures.ndjson');
  older = null;
  tenantId = await database.newTenant();
  anna = await aMailbox(database.db, tenantId);
  await aMessage(database.db, anna, { from: 'eve@customer.example', subject: 'stays' });
});
afterEach(async () => {
  await older?.drop();
  await rm(directory, { recursive: true, force: true });
});

function contextOf(db: Database): ActivityContext {
  const played: Partial<ActivityContext> = {
    db,
    secretBox,
    blobs: createPostgresBlobStore(db),
    budget: createByteBudget(1_000_000),
    limits: defaultLimits,
    erasures: createErasureMirror(db, file),
  };
  return played as ActivityContext;
}

async function parked(uid: number, raw: string | Buffer): Promise<void> {
  const bytes = Buffer.from(raw);
  const sha256 = createHash('sha256').update(bytes).digest();
  const owner = { tenantId, sourceId: anna.sourceId };
  const [blob] = await createPostgresBlobStore(database.db).putBatch(owner, [{ sha256, bytes }]);
  await database.db.inTenant(tenantId, (sql) =>
    sql.execute(
      `INSERT INTO placement (tenant_id, source_id, gen_id, uid, outcome, blob_id, raw_sha, size, internal_date)
       VALUES ($1, $2, $3, $4, 5, $5, $6, $7, now() - interval '1 day')`,
      [tenantId, anna.sourceId, anna.genId, uid, blob?.blobId, sha256, bytes.length],
    ),
  );
}

async function erased(addressKey: string): Promise<void> {
  const { db } = database;
  const begun = await db.inTenant(tenantId, (sql) =>
    beginErasure(sql, { tenantId, addressKeys: [addressKey], actor: 'system', fingerprintsOf }),
  );
  if (begun.kind !== 'begun') throw new Error('the erasure was refused');
  const share = await erasePersonRows(contextOf(db), run, { tenantId, deletionId: begun.deletionId });
  expect(share).toMatchObject({ kind: 'done' });
}

/** How many erasures are pending, before and after what is begun again has been carried out. */
async function replayedOver(db: Database): Promise<number[]> {
  const mirror = createErasureMirror(db, file);
  const before = await replayErasures(db, mirror);
  for (const ref of await unfinishedErasures(db)) {
    expect(await erasePersonRows(contextOf(db), run, ref)).toMatchObject({ kind: 'done' });
  }
  return [before, await replayErasures(db, mirror)];
}

const outcomesIn = (db: Database) =>
  db.inTenant(tenantId, async (sql) => {
    const rows = await sql.query<{ uid: number; outcome: number }>(
      'SELECT uid, outcome FROM placement WHERE tenant_id = $1 AND uid >= 100 ORDER BY uid',
      [tenantId],
    );
    return rows.map(({ uid, outcome }) => [uid, outcome]);
  });

test('of a person of whom there is only parked mail that goes again after a restore, and that of others stays', async () => {
  await parked(100, 'From: Ada <ADA@Customer.example>\r\n\r\nx\r\n');
  await parked(101, 'From: joada@customer.example\r\n\r\nx\r\n');
  await parked(102, `Subject: x\r\n\r\n${'@'.repeat(70_000)}${'y'.repeat(200_000)} to=ada@customer.example.\r\n`);
  await parked(103, Buffer.from([0x40, 0xff, 0x40, 0x00]));
  older = await copyDatabase(database);
  await erased('ada@customer.example');
  const expected = [
    [100, 3],
    [101, 5],
    [102, 3],
    [103, 5],
  ];
  expect(await outcomesIn(database.db)).toEqual(expected);
  expect(await replayedOver(older.db)).toEqual([1, 0]);
  expect(await outcomesIn(older.db)).toEqual(expected);
});

test('several are told apart, each with what stands in other words alone', async () => {
  await parked(100, 'From: <"ada lovelace"@customer.example>\r\n\r\nx\r\n');
  await database.db.inTenant(tenantId, async (sql) => {
    await sql.execute(
      `INSERT INTO removed_link (tenant_id, source_id, message_key, record_id, state, reasons)
       VALUES ($1, $2, 'x', $3, 'active', '[{"kind": "address", "key": "from:grace@customer.example"}]')`,
      [tenantId, anna.sourceId, newUuid()],
    );
    await sql.execute(`INSERT INTO audit (tenant_id, id, actor, action, ids) VALUES ($1, $2, 'system', 'noted', $3)`, [
      tenantId,
      newUuid(),
      JSON.stringify({ note: 'as told\njoan@customer.example' }),
    ]);
  });
  older = await copyDatabase(database);
  await erased('"ada lovelace"@customer.example');
  await erased('grace@customer.example');
  await erased('joan@customer.example');
  await erased('nobody@customer.example');
  expect(await replayedOver(older.db)).toEqual([4, 0]);
  expect(await outcomesIn(older.db)).toEqual([[100, 3]]);
  const left = await older.db.inTenant(tenantId, (sql) =>
    sql.query(
      `SELECT (SELECT count(*) FROM removed_link WHERE tenant_id = $1) AS links, (SELECT count(*) FROM audit WHERE tenant_id = $1 AND ids ? 'note') AS notes,
         (SELECT count(*) FROM deletion WHERE tenant_id = $1 AND state = 'done') AS deletions, (SELECT count(*) FROM deletion_address WHERE tenant_id = $1) AS addresses`,
      [tenantId],
    ),
  );
  expect(left).toEqual([{ links: 0, notes: 0, deletions: 3, addresses: 0 }]);
});

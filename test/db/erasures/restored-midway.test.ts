import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createByteBudget } from '../../../src/activities/byte-budget';
import type { ActivityContext, ActivityRun } from '../../../src/activities/context';
import { erasePersonRows } from '../../../src/activities/erase-person';
import { defaultLimits } from '../../../src/config/limits';
import { createPostgresBlobStore } from '../../../src/db/blobs/postgres-blob-store';
import type { Database } from '../../../src/db/database';
import { readErasureFile } from '../../../src/db/erasures/erasure-file';
import { createErasureMirror } from '../../../src/db/erasures/mirror';
import { replayErasures } from '../../../src/db/erasures/replay';
import { beginErasure } from '../../../src/db/people/begin-erasure';
import { createSecretBox } from '../../../src/db/secret-box';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { copyDatabase, type DatabaseCopy } from '../../support/database-copy';
import { aMailbox, aMessage, type TestMailbox } from '../../support/mail-rows';
import { askForDeletion, carryOut } from '../../support/two-mailboxes';

const ada = 'ada@customer.example';
const run: ActivityRun = { signal: new AbortController().signal, heartbeat: () => undefined };
const secretBox = createSecretBox([{ id: 'test', key: Buffer.alloc(32, 7) }]);
const { fingerprintsOf } = secretBox;

let database: TestDatabase;
let midway: DatabaseCopy | null;
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
  midway = null;
  tenantId = await database.newTenant();
  anna = await aMailbox(database.db, tenantId);
  await aMessage(database.db, anna, { from: ada, subject: 'of ada' });
});
afterEach(async () => {
  await midway?.drop();
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

const replayed = (db: Database) => replayErasures(db, createErasureMirror(db, file));

/** The erasure of a person or a mailbox: begun, and how it is carried out over a database. */
async function begun(kind: 'person' | 'mailbox'): Promise<(db: Database) => Promise<unknown>> {
  if (kind === 'mailbox') {
    const ref = { tenantId, mailboxId: anna.sourceId };
    const deletionId = await askForDeletion(contextOf(database.db), ref);
    await createErasureMirror(database.db, file).compare();
    return (db) => carryOut(contextOf(db), { ...ref, deletionId });
  }
  const erasure = await database.db.inTenant(tenantId, (sql) =>
    beginErasure(sql, { tenantId, addressKeys: [ada], actor: 'system', fingerprintsOf }),
  );
  if (erasure.kind !== 'begun') throw new Error('the erasure was refused');
  await createErasureMirror(database.db, file).compare();
  return (db) => erasePersonRows(contextOf(db), run, { tenantId, deletionId: erasure.deletionId });
}

test.each(['person', 'mailbox'] as const)(
  'a state that was saved in the middle of the erasure of a %s serves nothing until that has ended again',
  async (kind) => {
    const carryOn = await begun(kind);
    midway = await copyDatabase(database);
    expect(await replayed(midway.db)).toBe(0);
    expect(await carryOn(database.db)).toMatchObject({ kind: 'done' });

    expect(await replayed(midway.db)).toBe(1);
    expect(await replayed(database.db)).toBe(0);
    expect(await carryOn(midway.db)).toMatchObject({ kind: 'done' });
    expect(await replayed(midway.db)).toBe(0);
  },
);

test('an end that a killed worker did not write is written by whoever compares next, once', async () => {
  const carryOn = await begun('person');
  await carryOn(database.db);
  const lines = (await readFile(file, 'utf8')).split('\n');
  expect(lines.filter((line) => line.includes('"ended":true'))).not.toEqual([]);
  await writeFile(file, lines.filter((line) => !line.includes('"ended":true')).join('\n'));
  const endOf = async () => (await readErasureFile(file)).find((erasure) => erasure.tenantId === tenantId)?.ended;
  expect(await endOf()).toBe(false);
  await replayed(database.db);
  expect(await endOf()).toBe(true);
  const written = await readFile(file, 'utf8');
  await replayed(database.db);
  expect(await readFile(file, 'utf8')).toBe(written);
});

test('a file of an older version, which says of no erasure that it has ended, is read as it is', async () => {
  const carryOn = await begun('person');
  await carryOn(database.db);
  const older = (await readFile(file, 'utf8')).replaceAll(/,"ended":(true|false)/g, '');
  await writeFile(file, older);
  expect((await readErasureFile(file)).map(({ ended }) => ended)).toContain(false);
  expect(await createErasureMirror(database.db, file).compare()).toEqual([]);
});

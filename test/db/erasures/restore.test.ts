import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { createByteBudget } from '../../../src/activities/byte-budget';
import type { ActivityContext, ActivityRun } from '../../../src/activities/context';
import { deletionTurn } from '../../../src/activities/delete-mailbox';
import { erasePersonRows } from '../../../src/activities/erase-person';
import { createErasureGate } from '../../../src/api/erasure-gate';
import { defaultLimits } from '../../../src/config/limits';
import { createPostgresBlobStore } from '../../../src/db/blobs/postgres-blob-store';
import type { Database, Sql } from '../../../src/db/database';
import { unfinishedDeletions } from '../../../src/db/deletion/deletions';
import { readErasureFile } from '../../../src/db/erasures/erasure-file';
import { createErasureMirror } from '../../../src/db/erasures/mirror';
import { replayErasures } from '../../../src/db/erasures/replay';
import { beginErasure } from '../../../src/db/people/begin-erasure';
import { unfinishedErasures } from '../../../src/db/people/unfinished-erasures';
import { createSecretBox } from '../../../src/db/secret-box';
import { lockTenantForWriting } from '../../../src/db/tenant-lock';
import { issueKey, testApi, type IssuedKey, type TestApi } from '../../support/api';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { asOwner, copyDatabase, type DatabaseCopy } from '../../support/database-copy';
import { aMailbox, aMessage, type TestMailbox } from '../../support/mail-rows';
import { askForDeletion, carryOut } from '../../support/two-mailboxes';

const ada = 'ada@customer.example';
const run: ActivityRun = { signal: new AbortController().signal, heartbeat: () => undefined };
const secretBox = createSecretBox([{ id: 'test', key: Buffer.alloc(32, 7) }]);
const { fingerprintsOf } = secretBox;

let database: TestDatabase;
let directory: string;
let file: string;
let key: IssuedKey;
let anna: TestMailbox;
let ben: TestMailbox;
let older: DatabaseCopy | null;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'letterbook-erasures-'));
  file = join(directory, 'deeper', 'erasures.ndjson');
  older = null;
  key = await issueKey(database.db, await database.newTenant());
  anna = await aMailbox(database.db, key.tenantId);
  ben = await aMailbox(database.db, key.tenantId);
  await aMessage(database.db, anna, { from: 'eve@customer.example', subject: 'of anna' });
  await aMessage(database.db, ben, { from: ada, subject: 'of ada' });
  await aMessage(database.db, ben, { from: 'eve@customer.example', subject: 'stays' });
});
afterEach(async () => {
  await older?.drop();
  await rm(directory, { recursive: true, force: true });
});

/** Nothing here has bytes, so nothing is parsed, and no mail server is asked. */
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

const deleteAnna = async (db: Database) => {
  const ref = { tenantId: key.tenantId, mailboxId: anna.sourceId };
  const deletionId = await askForDeletion(contextOf(db), ref);
  expect(await carryOut(contextOf(db), { ...ref, deletionId })).toMatchObject({ kind: 'done' });
};

const eraseAda = async (db: Database) => {
  const { tenantId } = key;
  const begun = await db.inTenant(tenantId, (sql) =>
    beginErasure(sql, { tenantId, addressKeys: [ada], actor: 'system', fingerprintsOf }),
  );
  if (begun.kind !== 'begun') throw new Error('the erasure was refused');
  expect(await erasePersonRows(contextOf(db), run, { tenantId, deletionId: begun.deletionId })).toMatchObject({
    kind: 'done',
  });
};

/** What the reconciler starts. */
async function carryOutAll(db: Database): Promise<void> {
  const context = contextOf(db);
  for (const ref of (await unfinishedDeletions(db)).filter(({ tenantId }) => tenantId === key.tenantId)) {
    const turn = await deletionTurn(context, ref);
    if (turn.kind === 'begun') await carryOut(context, { ...ref, deletionId: turn.deletionId });
  }
  for (const ref of (await unfinishedErasures(db)).filter(({ tenantId }) => tenantId === key.tenantId)) {
    await erasePersonRows(context, run, ref);
  }
}

/** An API over a database, as it is after its start. */
function serverOver(db: Database): { server: TestApi; get: (url: string) => Promise<number> } {
  const server = testApi(db);
  const mirror = createErasureMirror(db, file);
  let clock = Date.now();
  const gate = createErasureGate(() => replayErasures(db, mirror), {
    log: server.context.log,
    now: () => new Date((clock += 10_000)),
  });
  server.context.erasures.pending = () => gate.pending();
  const get = async (url: string) => (await server.api.inject({ method: 'GET', url, headers: key.headers })).statusCode;
  return { server, get };
}

/** Until another connection waits for the lock of a tenant. */
async function waitsForLock(sql: Sql): Promise<void> {
  for (;;) {
    const waiting = await sql.query(
      `SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = 1 AND NOT granted
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    );
    if (waiting.length > 0) return;
    await setTimeout(20);
  }
}

const subjects = (db: Database) =>
  db.inTenant(key.tenantId, async (sql) => {
    const rows = await sql.query<{ subject: string }>(
      'SELECT subject FROM message_subject WHERE tenant_id = $1 ORDER BY 1',
      [key.tenantId],
    );
    return rows.map(({ subject }) => subject);
  });

test('a restored database serves nothing until what was erased since is erased again', async () => {
  older = await copyDatabase(database);
  await deleteAnna(database.db);
  await eraseAda(database.db);
  expect(await subjects(older.db)).toEqual(['of ada', 'of anna', 'stays']);

  const { server, get } = serverOver(older.db);
  expect(await get('/v1/mailboxes')).toBe(503);
  const ready = await server.api.inject({ method: 'GET', url: '/readyz' });
  expect([ready.statusCode, ready.json()]).toEqual([503, expect.objectContaining({ values: ['erasures'] })]);
  expect(await get('/healthz')).toBe(200);

  await carryOutAll(older.db);
  expect(await get('/readyz')).toBe(200);
  expect(await get('/v1/mailboxes')).toBe(200);
  expect(await subjects(older.db)).toEqual(['stays']);
  await server.api.close();
});

test('a restored database knows an erased person by the fingerprint alone', async () => {
  older = await copyDatabase(database);
  await eraseAda(database.db);
  await replayErasures(older.db, createErasureMirror(older.db, file));
  await carryOutAll(older.db);
  const [erasure] = await older.db.inTenant(key.tenantId, (sql) =>
    sql.query<{ replayed: boolean; hashes: string[] }>(
      'SELECT replayed_at IS NOT NULL AS replayed, address_hashes AS hashes FROM erasure WHERE tenant_id = $1',
      [key.tenantId],
    ),
  );
  expect(erasure).toEqual({ replayed: true, hashes: [fingerprintsOf(`address ${ada}`)[0].toString('hex')] });
});

test('an API that comes to the lock after another has done it all begins nothing anew', async () => {
  const restored = await copyDatabase(database);
  older = restored;
  await eraseAda(database.db);
  await deleteAnna(database.db);
  const erasures = await createErasureMirror(restored.db, file).compare();
  const stale = { compare: () => Promise.resolve(erasures), ended: () => Promise.resolve(new Set<string>()) };
  const theOther: { replay: () => Promise<void> } = {
    replay: async () => {
      theOther.replay = () => Promise.resolve();
      await replayErasures(restored.db, stale);
      await carryOutAll(restored.db);
    },
  };
  const late: Database = {
    ...restored.db,
    inTenant: (tenantId, work) =>
      restored.db.inTenant(tenantId, (sql) =>
        work({
          ...sql,
          execute: async (text, values) => {
            if (text.includes('pg_advisory_xact_lock')) await theOther.replay();
            return sql.execute(text, values);
          },
        }),
      ),
  };
  expect(await replayErasures(late, stale)).toBe(0);
  const rows = await restored.db.inTenant(key.tenantId, (sql) =>
    sql.query(`SELECT FROM deletion_address WHERE tenant_id = $1`, [key.tenantId]),
  );
  expect(rows).toEqual([]);
});

test('an address that is being written while the journal is replayed is found', async () => {
  const { tenantId } = key;
  await aMessage(database.db, ben, { from: 'late@customer.example', subject: 'late' });
  const restored = await copyDatabase(database);
  older = restored;
  await database.db.inTenant(tenantId, (sql) =>
    beginErasure(sql, { tenantId, addressKeys: ['late@customer.example'], actor: 'system', fingerprintsOf }),
  );
  await createErasureMirror(database.db, file).compare();
  await restored.db.inTenant(tenantId, (sql) =>
    sql.execute(`DELETE FROM copy_address WHERE tenant_id = $1 AND address_key = 'late@customer.example'`, [tenantId]),
  );
  let replaying: Promise<number> = Promise.resolve(0);
  await restored.db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    replaying = replayErasures(restored.db, createErasureMirror(restored.db, file));
    await waitsForLock(sql);
    await sql.execute(
      `INSERT INTO copy_address (tenant_id, address_key, copy_id, role)
       SELECT $1, 'late@customer.example', c.id, 'from' FROM copy c JOIN message_subject s ON s.message_id = c.message_id
       WHERE c.tenant_id = $1 AND s.subject = 'late'`,
      [tenantId],
    );
  });
  expect(await replaying).toBe(1);
  await carryOutAll(restored.db);
  expect(await subjects(restored.db)).toEqual(['of ada', 'of anna', 'stays']);
});

test('what the person wrote after the erasure outlives the replay', async () => {
  const restored = await copyDatabase(database);
  older = restored;
  await eraseAda(database.db);
  const later = new Date(Date.now() + 60_000);
  await aMessage(restored.db, ben, { from: ada, subject: 'later', sentAt: later });
  await aMessage(restored.db, ben, { from: ada, subject: 'fetched again' });
  await restored.db.inTenant(key.tenantId, (sql) =>
    sql.execute('UPDATE message SET created_at = $2 WHERE tenant_id = $1 AND sort_at >= $2', [key.tenantId, later]),
  );
  await replayErasures(restored.db, createErasureMirror(restored.db, file));
  await carryOutAll(restored.db);
  expect(await subjects(restored.db)).toEqual(['later', 'of anna', 'stays']);
});

test('a database that was not restored serves at once, and the file says no address', async () => {
  await deleteAnna(database.db);
  await eraseAda(database.db);
  const { server, get } = serverOver(database.db);
  expect(await get('/readyz')).toBe(200);
  const kinds = (await readErasureFile(file))
    .filter(({ tenantId }) => tenantId === key.tenantId)
    .map(({ kind }) => kind);
  expect(kinds).toEqual(['mailbox', 'person']);
  expect(await readFile(file, 'utf8')).not.toMatch(/@|customer/);
  await server.api.close();
});

test('a line that a crash cut off is written again, and one that was changed is refused', async () => {
  await eraseAda(database.db);
  const mirror = createErasureMirror(database.db, file);
  const whole = await readFile(file, 'utf8');
  await writeFile(file, whole.slice(0, -20));
  expect(await mirror.compare()).toEqual([]);
  expect((await readErasureFile(file)).some(({ tenantId }) => tenantId === key.tenantId)).toBe(true);
  await appendFile(file, '{"tenantId":"nobody"}\n');
  await expect(mirror.compare()).rejects.toThrow(/Line \d+ of .* cannot be read/);
});

test('the application can neither change nor delete what the journal holds', async () => {
  await eraseAda(database.db);
  const asApplication = (statement: string) => database.db.inTenant(key.tenantId, (sql) => sql.execute(statement));
  await expect(asApplication('DELETE FROM erasure')).rejects.toThrow(/permission denied/);
  await expect(asApplication(`UPDATE erasure SET actor = 'nobody'`)).rejects.toThrow(/permission denied/);
  await asOwner(database.ownerUrl, async (owner) => {
    const { rows } = await owner.query('SELECT FROM erasure WHERE tenant_id = $1', [key.tenantId]);
    expect(rows).toHaveLength(1);
  });
});

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import pg from 'pg';

import { BlobDamaged, BlobNotFound, type BlobStore } from '../../src/db/blobs/blob-store';
import { chunkBytes } from '../../src/db/blobs/copy-binary';
import { createPostgresBlobStore } from '../../src/db/blobs/postgres-blob-store';
import { newUuid } from '../../src/db/new-id';
import { createTestDatabase, type TestDatabase } from '../support/database';

const mebibyte = 1_048_576;

let testDatabase: TestDatabase;
let store: BlobStore;
let tenant: string;
let owner: pg.Client;
let directory: string;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  store = createPostgresBlobStore(testDatabase.db);
  owner = new pg.Client({ connectionString: testDatabase.ownerUrl });
  await owner.connect();
  directory = await mkdtemp(join(tmpdir(), 'letterbook-blobs-'));
});

beforeEach(async () => {
  tenant = await testDatabase.newTenant();
});

afterAll(async () => {
  await owner.end();
  await testDatabase.drop();
  await rm(directory, { recursive: true });
});

/** Whose bytes they are: here nobody asks for the source. */
const owned = () => ({ tenantId: tenant, sourceId: newUuid() });
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest();
const blobOf = (bytes: Buffer) => ({ sha256: sha256(bytes), bytes });
const text = (length: number) =>
  Buffer.from('Sehr geehrte Frau Müller, anbei die Rechnung. '.repeat(length / 30 + 1)).subarray(0, length);

async function put(bytes: Buffer): Promise<string> {
  const [stored] = await store.putBatch(owned(), [blobOf(bytes)]);
  return stored?.blobId ?? '';
}

async function putFile(bytes: Buffer): Promise<string> {
  const path = join(directory, newUuid());
  await writeFile(path, bytes);
  return (await store.putFile(owned(), { path, sha256: sha256(bytes) })).blobId;
}

async function rowsOf(table: 'blob' | 'blob_chunk'): Promise<number> {
  const { rows } = await owner.query<{ count: string }>(`SELECT count(*) FROM ${table} WHERE tenant_id = $1`, [tenant]);
  return Number(rows[0]?.count);
}

async function encodingOf(blobId: string): Promise<number | undefined> {
  const { rows } = await owner.query<{ encoding: number }>('SELECT encoding FROM blob WHERE id = $1', [blobId]);
  return rows[0]?.encoding;
}

const contents: [string, Buffer][] = [
  ['nothing', Buffer.alloc(0)],
  ['one byte', Buffer.from([0])],
  ['text', text(5_000)],
  ['text over several chunks before compression', text(3 * mebibyte + 17)],
  ['random bytes', randomBytes(700)],
  ['random bytes over several chunks', randomBytes(2 * mebibyte + 5)],
  ['random bytes of exactly one chunk', randomBytes(chunkBytes)],
  ['random bytes of exactly what is read at once', randomBytes(128 * chunkBytes)],
];

describe.each([
  ['put in a batch', put],
  ['put as a file', putFile],
])('%s', (_name, putBytes) => {
  test.each(contents)('%s comes back as it was, whole and as a stream', async (_content, bytes) => {
    const blobId = await putBytes(bytes);
    expect((await store.read(tenant, blobId)).equals(bytes)).toBe(true);
    const { size, content } = await store.open(tenant, blobId);
    expect(size).toBe(bytes.length);
    expect(Buffer.concat(await content.toArray()).equals(bytes)).toBe(true);
  });

  test.each(contents)('any span of %s is read', async (_content, bytes) => {
    const blobId = await putBytes(bytes);
    const spans = [
      { offset: 0, length: 10 },
      { offset: Math.floor(bytes.length / 2), length: 1_000 },
      { offset: chunkBytes - 3, length: 6 },
      { offset: 128 * chunkBytes - 3, length: 6 },
      { offset: Math.max(0, bytes.length - 5), length: 100 },
      { offset: bytes.length, length: 10 },
      { offset: bytes.length + 10, length: 10 },
    ];
    for (const { offset, length } of spans) {
      const span = await store.readRange(tenant, blobId, { offset, length });
      expect(span.equals(bytes.subarray(offset, offset + length))).toBe(true);
    }
  });

  test('text is compressed, random bytes are not', async () => {
    expect(await encodingOf(await putBytes(text(300_000)))).toBe(1);
    expect(await encodingOf(await putBytes(randomBytes(300_000)))).toBe(0);
  });
});

test('a batch answers in its own order, and the same bytes twice are two blobs', async () => {
  const blobs = [text(40), randomBytes(100), text(40)];
  const ids = (await store.putBatch(owned(), blobs.map(blobOf))).map(({ blobId }) => blobId);
  expect(new Set(ids).size).toBe(3);
  for (const [at, bytes] of blobs.entries()) expect((await store.read(tenant, ids[at] ?? '')).equals(bytes)).toBe(true);
  expect(await store.putBatch(owned(), [])).toEqual([]);
});

test('what another tenant put does not exist', async () => {
  const blobId = await put(text(500));
  const other = await testDatabase.newTenant();
  await expect(store.read(other, blobId)).rejects.toBeInstanceOf(BlobNotFound);
  await expect(store.readRange(other, blobId, { offset: 0, length: 1 })).rejects.toBeInstanceOf(BlobNotFound);
  await expect(store.open(other, blobId)).rejects.toBeInstanceOf(BlobNotFound);
  expect(await store.delete(other, [blobId])).toBe(0);
  expect(await store.sweepOrphans(other, { graceMs: 0 })).toBe(0);
  expect(await store.read(tenant, blobId)).toHaveLength(500);
});

test('a batch that fails half-way leaves nothing, and the next one works', async () => {
  const wrong = { sha256: null as unknown as Buffer, bytes: text(100) };
  await expect(store.putBatch(owned(), [blobOf(text(100)), wrong])).rejects.toThrow();
  expect([await rowsOf('blob'), await rowsOf('blob_chunk')]).toEqual([0, 0]);
  await put(text(100));
  expect([await rowsOf('blob'), await rowsOf('blob_chunk')]).toEqual([1, 1]);
});

test('a connection that dies within the copy leaves nothing, and the next put works', async () => {
  const bytes = randomBytes(40 * mebibyte);
  const putting = store.putBatch(owned(), [blobOf(bytes)]).catch((error: unknown) => error);
  await endCopy();
  expect(await putting).toMatchObject({ name: 'DatabaseUnavailable' });
  expect([await rowsOf('blob'), await rowsOf('blob_chunk')]).toEqual([0, 0]);
  expect(await store.read(tenant, await put(text(100)))).toHaveLength(100);
});

/** Waits for a COPY and ends its connection. */
async function endCopy(): Promise<void> {
  for (let tries = 0; tries < 2_000; tries += 1) {
    const { rowCount } = await owner.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND query LIKE 'COPY blob_chunk%' AND state = 'active'`,
    );
    if (rowCount !== 0) return;
  }
  throw new Error('no COPY was seen');
}

test('a file that is not what its SHA-256 says is refused, and nothing of it is kept', async () => {
  const path = join(directory, 'changed');
  await writeFile(path, text(3_000));
  await expect(store.putFile(owned(), { path, sha256: sha256(text(2_999)) })).rejects.toThrow(/SHA-256/);
  expect([await rowsOf('blob'), await rowsOf('blob_chunk')]).toEqual([0, 0]);
});

test('a file that is not there is an error, and the connection goes on working', async () => {
  await expect(store.putFile(owned(), { path: join(directory, 'none'), sha256: sha256(text(1)) })).rejects.toThrow(
    'ENOENT',
  );
  expect(await store.read(tenant, await put(text(100)))).toHaveLength(100);
});

test('60 MB go in and out in flat memory', async () => {
  const path = join(directory, 'big');
  const bytes = Buffer.from(randomBytes(45 * mebibyte).toString('base64'));
  await writeFile(path, bytes);
  const wanted = sha256(bytes);
  const before = memoryInUse();
  let peak = before;
  let looks = 0;
  const look = () => {
    looks += 1;
    peak = Math.max(peak, memoryInUse());
  };
  // A few looks: each collects all garbage of a process that has run other tests before.
  const watch = setInterval(() => {
    if (looks < 4) look();
  }, 100);
  const { blobId } = await store.putFile(owned(), { path, sha256: wanted });
  clearInterval(watch);
  const hash = createHash('sha256');
  let read = 0;
  for await (const piece of (await store.open(tenant, blobId)).content) {
    hash.update(piece as Buffer);
    read += (piece as Buffer).length;
    if (read > looks * 12 * mebibyte) look();
  }
  expect(looks).toBeGreaterThanOrEqual(3);
  expect(hash.digest().equals(wanted)).toBe(true);
  expect((peak - before) / mebibyte).toBeLessThan(48);
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes outside the heap are where buffers are. */
function memoryInUse(): number {
  // What is held counts, not what the collector has not come to: it frees buffers behind its back, and the second run waits for that.
  collectGarbage();
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

test('a blob whose bytes were lost is damaged, not empty', async () => {
  const blobId = await put(randomBytes(2 * mebibyte));
  await owner.query('DELETE FROM blob_chunk WHERE blob_id = $1 AND n = 1', [blobId]);
  await expect(store.read(tenant, blobId)).rejects.toBeInstanceOf(BlobDamaged);
  await expect(store.readRange(tenant, blobId, { offset: chunkBytes, length: 1 })).rejects.toBeInstanceOf(BlobDamaged);
  const { content } = await store.open(tenant, blobId);
  await expect(content.toArray()).rejects.toBeInstanceOf(BlobDamaged);
});

describe('the sweep', () => {
  test('deletes what nothing refers to, with its bytes, and leaves the rest', async () => {
    const [orphan, copied, placed] = [await put(text(100)), await put(text(200)), await put(text(300))];
    await refer(copied, placed);
    expect(await store.sweepOrphans(tenant, { graceMs: 0 })).toBe(1);
    await expect(store.read(tenant, orphan)).rejects.toBeInstanceOf(BlobNotFound);
    expect([await rowsOf('blob'), await rowsOf('blob_chunk')]).toEqual([2, 2]);
  });

  test('leaves the young, which may still be on their way into the ledger', async () => {
    await put(text(100));
    expect(await store.sweepOrphans(tenant, { graceMs: 3_600_000 })).toBe(0);
  });

  test('goes through more than one page', async () => {
    const blobs = Array.from({ length: 4_100 }, (_, n) => blobOf(Buffer.from(String(n))));
    await store.putBatch(owned(), blobs);
    expect(await store.sweepOrphans(tenant, { graceMs: 0 })).toBe(4_100);
    expect([await rowsOf('blob'), await rowsOf('blob_chunk')]).toEqual([0, 0]);
  });

  test('passes by a blob that is being referred to at this moment', async () => {
    const blobId = await put(text(100));
    await owner.query('BEGIN');
    await refer(blobId, blobId);
    expect(await store.sweepOrphans(tenant, { graceMs: 0 })).toBe(0);
    await owner.query('COMMIT');
    expect(await store.read(tenant, blobId)).toHaveLength(100);
  });
});

test('deleting a blob that the ledger refers to is refused', async () => {
  const blobId = await put(text(100));
  await refer(blobId, blobId);
  await expect(store.delete(tenant, [blobId])).rejects.toThrow(/foreign key/);
  expect(await store.read(tenant, blobId)).toHaveLength(100);
});

/** Rows around a copy of the one blob and a parked placement of the other. */
async function refer(copied: string, placed: string): Promise<void> {
  const [source, folder, thread, message] = [newUuid(), newUuid(), newUuid(), newUuid()];
  const statements: [string, unknown[]][] = [
    [
      `INSERT INTO source (tenant_id, id, kind, address, address_key, policy, desired_state) VALUES ($1, $2, 'mailbox', '', $3, '{}', 'running')`,
      [tenant, source, source],
    ],
    [
      `INSERT INTO folder (tenant_id, id, source_id, path, in_scope) VALUES ($1, $2, $3, 'INBOX', true)`,
      [tenant, folder, source],
    ],
    [`INSERT INTO thread (tenant_id, id) VALUES ($1, $2)`, [tenant, thread]],
    [
      `INSERT INTO message (tenant_id, id, message_key, thread_id, sort_at, participants) VALUES ($1, $2, $3, $4, now(), '{}')`,
      [tenant, message, Buffer.from(message), thread],
    ],
    [
      `INSERT INTO copy (tenant_id, id, source_id, message_id, blob_id, raw_sha, raw_size, raw_state, visibility, direction, parser_version)
      VALUES ($1, $2, $3, $4, $5, '', 1, 'full', 0, 'incoming', 1)`,
      [tenant, newUuid(), source, message, copied],
    ],
    [
      `WITH generation AS (INSERT INTO folder_generation (tenant_id, source_id, folder_id, uidvalidity) VALUES ($1, $2, $3, 1) RETURNING id)
      INSERT INTO placement (gen_id, uid, tenant_id, source_id, blob_id, outcome) SELECT id, 1, $1, $2, $4, 5 FROM generation`,
      [tenant, source, folder, placed],
    ],
  ];
  for (const [statement, values] of statements) await owner.query(statement, values);
}

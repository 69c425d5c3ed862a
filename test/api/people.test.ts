import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { fromBuffer, type Entry, type ZipFile } from 'yauzl';

import { exportZip } from '../../src/api/people/export-zip';
import { sweepExports } from '../../src/db/people/exports';
import { addAddress, insertRecord } from '../support/correspondence';
import { insertUser, issueKey, testApi, type IssuedKey, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { aMailbox, aMessage, aUser, type TestMailbox } from '../support/mail-rows';

const ada = 'ada@customer.example';
let database: TestDatabase;
let server: TestApi;
let key: IssuedKey;
let mailbox: TestMailbox;

beforeAll(async () => {
  database = await createTestDatabase();
  server = testApi(database.db);
});
afterAll(async () => {
  await server.api.close();
  await database.drop();
});
beforeEach(async () => {
  key = await issueKey(database.db, await database.newTenant());
  mailbox = await aMailbox(database.db, key.tenantId);
});

function post(what: 'erasures' | 'exports', payload: object, headers: Record<string, string> = key.headers) {
  return server.api.inject({ method: 'POST', url: `/v1/people/${what}`, headers, payload });
}

async function stored(raw: Buffer): Promise<{ blobId: string; raw: Buffer }> {
  const owner = { tenantId: key.tenantId, sourceId: mailbox.sourceId };
  const sha256 = createHash('sha256').update(raw).digest();
  const [blob] = await server.context.blobs.putBatch(owner, [{ sha256, bytes: raw }]);
  return { blobId: blob?.blobId ?? '', raw };
}

/** Every file of a ZIP, by its name. */
async function filesOf(zip: Buffer): Promise<Map<string, Buffer>> {
  const opened = await new Promise<ZipFile>((resolve, reject) => {
    fromBuffer(zip, { lazyEntries: true }, (error, file) => {
      if (error === null) resolve(file);
      else reject(error);
    });
  });
  const files = new Map<string, Buffer>();
  const read = (entry: Entry) =>
    new Promise<Buffer>((resolve, reject) => {
      opened.openReadStream(entry, (error, stream) => {
        if (error !== null) {
          reject(error);
          return;
        }
        const pieces: Buffer[] = [];
        stream.on('data', (piece: Buffer) => pieces.push(piece));
        stream.on('end', () => {
          resolve(Buffer.concat(pieces));
        });
      });
    });
  await new Promise<void>((resolve, reject) => {
    opened.on('entry', (entry: Entry) => {
      read(entry)
        .then((content) => {
          files.set(entry.fileName, content);
          opened.readEntry();
        })
        .catch(reject);
    });
    opened.on('end', resolve);
    opened.on('error', reject);
    opened.readEntry();
  });
  return files;
}

test('an erasure is counted first, must be confirmed with the same addresses, and is told to the engine', async () => {
  await aMessage(database.db, mailbox, { from: ada, subject: 'hers' });
  const counted = await post('erasures', { addresses: ['Ada@Customer.example'], dryRun: true });
  expect([counted.statusCode, counted.json()]).toEqual([200, expect.objectContaining({ messages: 1, ledgerRows: 1 })]);
  expect((await post('erasures', { addresses: [ada] })).json()).toMatchObject({
    status: 400,
    title: 'An erasure must be confirmed',
  });
  expect((await post('erasures', { addresses: [ada], confirm: ['eve@customer.example'] })).statusCode).toBe(422);
  expect((await post('erasures', { addresses: [ada], confirm: [ada], dryRun: true })).statusCode).toBe(400);
  const begun = await post('erasures', { addresses: [ada], confirm: ['ADA@customer.example'] });
  expect(begun.statusCode).toBe(202);
  const { id } = begun.json<{ id: string }>();
  expect(begun.headers.location).toBe(`/v1/deletions/${id}`);
  const shown = await server.api.inject({ method: 'GET', url: `/v1/deletions/${id}`, headers: key.headers });
  expect(shown.json()).toMatchObject({ kind: 'person', state: 'deleting', targetId: null, mailboxId: null, total: 1 });
  expect(server.engine.asked.at(-1)).toMatchObject({ what: 'erasePerson', input: { tenantId: key.tenantId } });
  expect(`${shown.body}${server.logged()}`).not.toContain('@');
});

test('as many addresses as the limit says are one person, and no more', async () => {
  const addresses = (most: number) => Array.from({ length: most }, (_, n) => `ada-${String(n)}@customer.example`);
  expect((await post('erasures', { addresses: addresses(20), dryRun: true })).statusCode).toBe(200);
  expect((await post('erasures', { addresses: addresses(21), dryRun: true })).statusCode).toBe(400);
  expect((await post('exports', { addresses: [] })).statusCode).toBe(400);
  const { result } = (await post('exports', { addresses: addresses(20) })).json<{ result: { expiresAt: string } }>();
  const leftMs = new Date(result.expiresAt).getTime() - Date.now();
  expect(Math.round(leftMs / 3_600_000)).toBe(24);
});

test('what has begun cannot be taken back', async () => {
  const begun = await post('erasures', { addresses: [ada], confirm: [ada] });
  const url = begun.headers.location ?? '';
  expect((await server.api.inject({ method: 'DELETE', url, headers: key.headers })).statusCode).toBe(409);
});

test('a user is deleted and not erased', async () => {
  const { address } = await aUser(database.db, key.tenantId);
  const answer = await post('erasures', { addresses: [address], dryRun: true });
  expect([answer.statusCode, answer.json()]).toEqual([
    409,
    expect.objectContaining({ type: expect.stringContaining('own-address') as string }),
  ]);
});

test('only the tenant and its admins erase and export', async () => {
  for (const role of ['manager', 'member'] as const) {
    const userId = await insertUser(database.db, key.tenantId, role);
    const { headers } = await issueKey(database.db, key.tenantId, { userId });
    expect((await post('exports', { addresses: [ada] }, headers)).statusCode).toBe(403);
    expect((await post('erasures', { addresses: [ada], dryRun: true }, headers)).statusCode).toBe(403);
  }
  const { headers } = await issueKey(database.db, key.tenantId, { scopes: ['read', 'write'] });
  expect((await post('exports', { addresses: [ada] }, headers)).statusCode).toBe(403);
});

test('an export holds the mail byte for byte, what is known of it, and the records', async () => {
  const bytes = await stored(Buffer.from(`From: ${ada}\r\n\r\nHello\x00\xff\r\n`, 'latin1'));
  const message = await aMessage(database.db, mailbox, { from: ada, subject: 'whole', bytes });
  await aMessage(database.db, mailbox, {
    from: 'eve@customer.example',
    cc: [ada],
    subject: 'header alone',
    text: 'words',
  });
  await aMessage(database.db, mailbox, { from: 'eve@customer.example', subject: 'not hers' });
  await database.db.inTenant(key.tenantId, async (sql) => {
    await addAddress(sql, key.tenantId, { recordId: await insertRecord(sql, key.tenantId), addressKey: ada });
  });
  const asked = await post('exports', { addresses: [ada] });
  expect([asked.statusCode, asked.json<{ kind: string }>().kind]).toEqual([202, 'export']);
  const url = asked.headers.location ?? '';
  const fetched = await server.api.inject({ method: 'GET', url, headers: key.headers });
  expect(fetched.headers['content-type']).toBe('application/zip');
  const files = await filesOf(fetched.rawPayload);
  const path = `mail/cpy_${message.copyId.replaceAll('-', '')}.eml`;
  expect([...files.keys()]).toEqual([path, 'messages.json', 'activity-notes.json', 'records.json', 'index.json']);
  expect(files.get(path)?.equals(bytes.raw)).toBe(true);
  const json = (name: string) => JSON.parse(String(files.get(name))) as unknown;
  expect(json('index.json')).toMatchObject({ addresses: [ada], copies: 2, files: 1, withoutBytes: 1 });
  const told = json('messages.json') as { subject: string; file: string | null; text: string | null }[];
  expect(told.map(({ subject, file }) => [subject, file]).sort()).toEqual([
    ['header alone', null],
    ['whole', path],
  ]);
  expect(told.find(({ file }) => file === null)?.text).toBe('words');
  expect(json('records.json')).toMatchObject([{ addresses: [{ kind: 'business' }] }]);
  const other = await issueKey(database.db, await database.newTenant());
  expect((await server.api.inject({ method: 'GET', url, headers: other.headers })).statusCode).toBe(404);
});

test('the addresses of an export are forgotten when its time is over', async () => {
  const asked = await post('exports', { addresses: [ada] });
  await database.db.inTenant(key.tenantId, (sql) =>
    sql.execute(
      `UPDATE operation SET task = jsonb_set(task, '{expiresAt}', '"2026-01-01T00:00:00.000Z"') WHERE kind = 'export'`,
    ),
  );
  const url = asked.headers.location ?? '';
  expect((await server.api.inject({ method: 'GET', url, headers: key.headers })).statusCode).toBe(404);
  expect(await sweepExports(database.db, key.tenantId)).toBe(1);
  const rows = await database.db.inTenant(key.tenantId, (sql) =>
    sql.query(`SELECT task FROM operation WHERE kind = 'export'`),
  );
  expect(rows).toEqual([{ task: null }]);
});

describe('an export of much mail', () => {
  const messages = 12;
  const size = 4_194_304;
  let opened: number;
  let closed: number;

  beforeEach(async () => {
    for (let n = 0; n < messages; n += 1) {
      const bytes = await stored(randomBytes(size));
      await aMessage(database.db, mailbox, { from: ada, subject: `number ${String(n)}`, bytes });
    }
    [opened, closed] = [0, 0];
  });

  /** The export, with the blobs counted that are open. */
  function counting() {
    const { blobs } = server.context;
    const open: typeof blobs.open = async (tenantId, blobId) => {
      const blob = await blobs.open(tenantId, blobId);
      opened += 1;
      blob.content.once('close', () => (closed += 1));
      return blob;
    };
    return exportZip({ ...server.context, blobs: { ...blobs, open }, tenantId: key.tenantId, addressKeys: [ada] });
  }

  test('holds one message at a time, however slowly it is read', async () => {
    let bytes = 0;
    let most = 0;
    for await (const piece of counting() as AsyncIterable<Buffer>) {
      bytes += piece.length;
      most = Math.max(most, opened - closed);
      // What is read ahead of the reader: bytes of opened files that have not come out.
      expect(opened * size - bytes).toBeLessThanOrEqual(2 * size);
    }
    expect(bytes).toBeGreaterThan(messages * size);
    expect(most).toBeLessThanOrEqual(2);
    expect(opened).toBe(messages);
  });

  test('is broken off for its reader when a message cannot be read', async () => {
    const { blobs } = server.context;
    let reads = 0;
    const open: typeof blobs.open = async (tenantId, blobId) => {
      reads += 1;
      if (reads < 3) return blobs.open(tenantId, blobId);
      await sleep(50);
      throw new Error('the disk is gone');
    };
    const zip = exportZip({ ...server.context, blobs: { ...blobs, open }, tenantId: key.tenantId, addressKeys: [ada] });
    const read = async () => {
      for await (const _ of zip as AsyncIterable<Buffer>);
    };
    await expect(read()).rejects.toThrow('the disk is gone');
  });

  test('ends when the reader goes away, and leaves nothing open', async () => {
    const zip = counting();
    for await (const _ of zip as AsyncIterable<Buffer>) break;
    await sleep(0);
    for (let tries = 0; closed < opened && tries < 300; tries += 1) await sleep(20);
    expect([zip.destroyed, opened - closed]).toEqual([true, 0]);
    expect(opened).toBeLessThanOrEqual(2);
  });
});

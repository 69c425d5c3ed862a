import { Readable } from 'node:stream';

import { uploadRecords } from '../../src/api/records/bulk';
import { beginUpload, endUpload, noteLines, readUpload } from '../../src/db/record-uploads';
import { issueKey, testApi, type IssuedKey, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { aMailbox, aMessage } from '../support/mail-rows';

let database: TestDatabase;
let server: TestApi;
let key: IssuedKey;
let tenantId: string;

beforeAll(async () => {
  database = await createTestDatabase();
  server = testApi(database.db, { maxNdjsonBytes: 8_000_000 });
});
afterAll(async () => {
  await server.api.close();
  await database.drop();
});
beforeEach(async () => {
  tenantId = await database.newTenant();
  key = await issueKey(database.db, tenantId);
});

interface BulkAnswer {
  written: number;
  created: number;
  updated: number;
  refusedCount: number;
  refused: { line: number; errors: { field: string; reason: string; remedy: string }[] }[];
  operationId: string | null;
}

function post(payload: string | Buffer | Readable, headers: Record<string, string> = key.headers) {
  return server.api.inject({
    method: 'POST',
    url: '/v1/records/bulk',
    headers: { ...headers, 'content-type': 'application/x-ndjson' },
    payload,
  });
}

async function upload(lines: unknown[]): Promise<BulkAnswer> {
  const answer = await post(lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'));
  expect(answer.statusCode).toBe(200);
  return answer.json<BulkAnswer>();
}

interface Shown {
  id: string;
  name: string;
  number: string | null;
  companyId: string | null;
  version: number;
  addresses: { address: string; kind: string }[];
}

async function shown(query: string): Promise<Shown[]> {
  const answer = await server.api.inject({ method: 'GET', url: `/v1/records?${query}`, headers: key.headers });
  return answer.json<{ items: Shown[] }>().items;
}

const contact = (externalId: string, more: object = {}) => ({
  type: 'contact',
  externalId,
  name: `Name ${externalId}`,
  ...more,
});

test('good lines are written, bad ones are told by number and field', async () => {
  const answer = await upload([
    contact('a', { addresses: [{ address: 'a@customer.example' }] }),
    '{"type": ',
    '',
    { type: 'contact', externalId: 'b' },
    contact('c', { addresses: [{ address: 'nobody' }], colour: 'red' }),
    contact('d', { companyExternalId: 'nowhere' }),
    contact('e', { number: '7' }),
    contact('f', { number: '7' }),
    '[]',
    '"text"',
    contact('g'),
  ]);
  expect(answer).toMatchObject({ written: 3, created: 3, updated: 0, refusedCount: 7, operationId: null });
  expect(answer.refused.map(({ line, errors }) => [line, errors.map((error) => error.field)])).toEqual([
    [2, ['line']],
    [4, ['name']],
    [5, ['addresses[0].address', 'colour']],
    [6, ['companyExternalId']],
    [8, ['number']],
    [9, ['body']],
    [10, ['body']],
  ]);
  expect((await shown('type=contact')).map((record) => record.name)).toEqual(['Name a', 'Name e', 'Name g']);
});

test('the second run changes nothing', async () => {
  const lines = [contact('a', { addresses: [{ address: 'a@customer.example' }] }), contact('b')];
  await upload(lines);
  expect(await upload(lines)).toMatchObject({ written: 2, created: 0, updated: 2, refusedCount: 0 });
  expect((await shown('type=contact')).map((record) => record.version)).toEqual([1, 1]);
});

test('what a line leaves out stays, null empties', async () => {
  await upload([contact('a', { number: '7', addresses: [{ address: 'a@customer.example' }] })]);
  await upload([{ type: 'contact', externalId: 'a', name: 'New' }]);
  expect(await shown('type=contact')).toMatchObject([
    { name: 'New', number: '7', addresses: [{ address: 'a@customer.example' }] },
  ]);
  await upload([{ type: 'contact', externalId: 'a', number: null, addresses: [] }]);
  expect(await shown('type=contact')).toMatchObject([{ name: 'New', number: null, addresses: [] }]);
});

test('lines of one record count one after the other', async () => {
  const answer = await upload([
    contact('a', { number: '1' }),
    contact('a', { name: 'Later' }),
    contact('a', { number: '3' }),
  ]);
  expect(answer).toMatchObject({ written: 3, created: 1, updated: 2 });
  expect(await shown('type=contact')).toMatchObject([{ name: 'Name a', number: '3' }]);
});

test('companies are named by id or external id, also when they come later in the file', async () => {
  const answer = await upload([
    contact('a', { companyExternalId: 'c1' }),
    { type: 'company', externalId: 'c2', name: 'Daughter', companyExternalId: 'c1' },
    { type: 'company', externalId: 'c1', name: 'Mother' },
  ]);
  expect(answer).toMatchObject({ written: 3, refusedCount: 0 });
  const [mother] = await shown('externalId=c1');
  expect(await shown('externalId=a')).toMatchObject([{ companyId: mother?.id }]);
  expect(await shown('externalId=c2')).toMatchObject([{ companyId: mother?.id }]);
  expect(await upload([contact('b', { companyId: mother?.id })])).toMatchObject({ written: 1 });
  expect(await upload([contact('b', { companyId: mother?.id, companyExternalId: 'c1' })])).toMatchObject({
    written: 0,
  });
});

test('a number that another record has is refused by line, the record named', async () => {
  await upload([contact('a', { number: '7' })]);
  const [holder] = await shown('externalId=a');
  const answer = await upload([contact('b', { number: '7' }), contact('a', { number: '8' }), contact('c')]);
  expect(answer).toMatchObject({ written: 2, refused: [{ line: 1 }] });
  expect(answer.refused[0]?.errors[0]?.reason).toContain(holder?.id);
});

test('10,000 records are written in a stream of odd pieces', async () => {
  const text = Array.from({ length: 10_000 }, (_, n) =>
    JSON.stringify(
      contact(`x${String(n)}`, {
        name: `Jürgen ${String(n)}`,
        addresses: [{ address: `x${String(n)}@customer.example` }],
      }),
    ),
  ).join('\r\n');
  const bytes = Buffer.from(text);
  const pieces = Array.from({ length: Math.ceil(bytes.length / 60_001) }, (_, n) =>
    bytes.subarray(n * 60_001, (n + 1) * 60_001),
  );
  const answer = await post(Readable.from(pieces));
  expect(answer.json()).toMatchObject({ written: 10_000, created: 10_000, refusedCount: 0 });
  expect(await shown('externalId=x9999')).toMatchObject([{ name: 'Jürgen 9999' }]);
});

test('mail of all changed addresses is linked anew, once', async () => {
  const mailbox = await aMailbox(database.db, tenantId);
  await aMessage(database.db, mailbox, { from: 'a@customer.example', to: ['b@customer.example'] });
  const answer = await upload([
    ...Array.from({ length: 600 }, (_, n) =>
      contact(`x${String(n)}`, { addresses: [{ address: `x${String(n)}@customer.example` }] }),
    ),
    contact('a', { addresses: [{ address: 'a@customer.example' }] }),
    contact('b', { addresses: [{ address: 'b@customer.example' }] }),
  ]);
  expect(answer).toMatchObject({ written: 602, operationId: null });
  const rows = await database.db.inTenant(tenantId, (sql) => sql.query('SELECT FROM link'));
  expect(rows).toHaveLength(2);
  const jobs = await database.db.inTenant(tenantId, (sql) =>
    sql.query(`SELECT state FROM operation WHERE kind = 'rematch'`),
  );
  expect(jobs).toEqual([{ state: 'done' }]);
});

test('bytes that are not UTF-8, NULs, long and deep lines are refused, the others written', async () => {
  const body = Buffer.concat([
    Buffer.from(`${JSON.stringify(contact('a'))}\n`),
    Buffer.from([0x7b, 0xff, 0xfe, 0x0a]),
    Buffer.from(`${JSON.stringify(contact('b', { name: 'x\0' }))}\n`),
    Buffer.from(`"${'x'.repeat(2_000_000)}"\n`),
    Buffer.from(`${'['.repeat(400_000)}\n`),
    Buffer.from(`${'['.repeat(400_000)}${']'.repeat(400_000)}\n`),
    Buffer.from(JSON.stringify(contact('c'))),
  ]);
  const answer = (await post(body)).json<BulkAnswer>();
  expect(answer.written).toBe(2);
  expect(answer.refused.map((refused) => refused.line)).toEqual([2, 3, 4, 5, 6]);
});

test('a body above the limit is 413, announced or not', async () => {
  const large = Buffer.alloc(9_000_000, 0x20);
  expect((await post(large)).statusCode).toBe(413);
  expect((await post(Readable.from([large.subarray(0, 5_000_000), large.subarray(5_000_000)]))).statusCode).toBe(413);
});

test('JSON is not taken for NDJSON, and a key is needed', async () => {
  const url = '/v1/records/bulk';
  const json = await server.api.inject({ method: 'POST', url, headers: key.headers, payload: contact('a') });
  expect(json.statusCode).toBe(415);
  expect((await post('{}', {})).statusCode).toBe(401);
  const other = (await issueKey(database.db, await database.newTenant())).headers;
  await upload([contact('a')]);
  expect((await post(JSON.stringify(contact('a')), other)).json()).toMatchObject({ created: 1 });
});

describe('an upload with an Idempotency-Key', () => {
  const withKey = (idempotencyKey: string) => ({ ...key.headers, 'idempotency-key': idempotencyKey });
  const lines = (from: number, to: number, more: object = {}) =>
    Array.from({ length: to - from + 1 }, (_, n) => JSON.stringify(contact(`e${String(from + n)}`, more)));

  function send(text: string | Readable, options: { fromLine?: number; key?: string } = {}) {
    const query = options.fromLine === undefined ? '' : `?fromLine=${String(options.fromLine)}`;
    return server.api.inject({
      method: 'POST',
      url: `/v1/records/bulk${query}`,
      headers: { ...withKey(options.key ?? 'k1'), 'content-type': 'application/x-ndjson' },
      payload: text,
    });
  }

  const state = async (wanted = 'k1') =>
    server.api.inject({ method: 'GET', url: `/v1/records/bulk?key=${wanted}`, headers: key.headers });

  /** Sends some lines and breaks off, as a connection that is lost. */
  async function cutOff(all: string[], after: number): Promise<void> {
    const body = Readable.from(
      (function* () {
        yield Buffer.from(`${all.slice(0, after).join('\n')}\n`);
        throw new Error('the connection is lost');
      })(),
    );
    await expect(uploadOf(body)).rejects.toThrow('the connection is lost');
  }

  const uploadOf = (body: Readable) =>
    uploadRecords(
      server.context,
      { tenantId, keyId: key.keyId, scopes: ['write'], userId: null, principal: -1, role: null, teams: [] },
      { body, key: 'k1', fromLine: 1 },
    );

  test('goes on where it was cut off when the same is sent again, and tells all that was refused', async () => {
    const all = lines(1, 1_300);
    all[2] = 'not json';
    all[1_200] = JSON.stringify(contact('e9', { number: '7', companyExternalId: 'nowhere' }));
    await cutOff(all, 1_100);
    expect((await state()).json()).toMatchObject({ state: 'interrupted', line: 1_000, created: 999, refusedCount: 1 });

    const answer = (await send(all.join('\n'))).json<BulkAnswer>();
    expect(answer).toMatchObject({ line: 1_300, created: 1_298, updated: 0, refusedCount: 2 });
    expect(answer.refused.map(({ line }) => line)).toEqual([3, 1_201]);
    expect((await state()).json()).toMatchObject({ state: 'done', line: 1_300, created: 1_298 });
    expect((await send(all.join('\n'))).json()).toMatchObject({ line: 1_300, created: 1_298, updated: 0 });
  });

  test('goes on at a line, with the numbers of the whole; a gap is refused', async () => {
    const all = lines(1, 1_200);
    await cutOff(all, 700);
    const gap = await send(all.slice(600).join('\n'), { fromLine: 601 });
    expect(gap.json()).toMatchObject({ type: '/problems/upload-gap' });
    const answer = await send([...all.slice(500, 1_199), '{}'].join('\n'), { fromLine: 501 });
    expect(answer.json()).toMatchObject({ line: 1_200, created: 1_199, refused: [{ line: 1_200 }] });
  });

  test('with other lines is refused, and writes nothing of them', async () => {
    await send(lines(1, 3).join('\n'));
    const answer = await send(lines(1, 3, { name: 'Other' }).join('\n'));
    expect(answer.statusCode).toBe(422);
    expect(answer.json()).toMatchObject({ type: '/problems/idempotency-key-reused' });
    expect((await shown('type=contact')).map(({ version }) => version)).toEqual([1, 1, 1]);
    expect((await send(lines(1, 2).join('\n'))).statusCode).toBe(422);
  });

  test('is not ended by a request that another has taken over from', async () => {
    const wanted = { key: 'k1', actor: 'key_x' };
    const first = await beginUpload(database.db, tenantId, wanted);
    const ref = { id: first?.id ?? '', line: 0 };
    expect(await beginUpload(database.db, tenantId, wanted)).toBeNull();
    const second = await database.db.inTenant(tenantId, async (sql) => {
      await sql.execute(`UPDATE record_upload SET seen_at = now() - interval '1 minute'`);
      const nothing = { fingerprint: null, created: 0, updated: 0, refused: [], rematchId: null };
      return noteLines(sql, tenantId, { ...nothing, id: ref.id, after: 0, line: 500 });
    });
    expect(second).toBe(true);
    await endUpload(database.db, tenantId, { ...ref, state: 'interrupted' });
    const now = () => database.db.inTenant(tenantId, (sql) => readUpload(sql, tenantId, 'k1'));
    expect(await now()).toMatchObject({ state: 'running', line: 500 });
    await endUpload(database.db, tenantId, { ...ref, line: 500, state: 'done' });
    expect(await now()).toMatchObject({ state: 'done', line: 500 });
  });

  test('is shown to nobody but its sender', async () => {
    await send(lines(1, 1).join('\n'));
    const other = await issueKey(database.db, tenantId);
    const answer = await server.api.inject({ url: '/v1/records/bulk?key=k1', headers: other.headers });
    expect(answer.statusCode).toBe(404);
    expect((await state('unknown')).statusCode).toBe(404);
  });
});

test('intermediaries are named by their external ids, scopes come with the lines', async () => {
  const answer = await upload([
    contact('a', { intermediaryExternalId: 'b1', scope: { mode: 'restricted' } }),
    { type: 'intermediary', externalId: 'b1', name: 'Broker' },
    contact('c', { intermediaryExternalId: 'nobody' }),
  ]);
  expect(answer).toMatchObject({ created: 2, refused: [{ line: 3, errors: [{ field: 'intermediaryExternalId' }] }] });
  const [broker] = await shown('type=intermediary');
  expect(await shown(`intermediaryId=${broker?.id ?? ''}`)).toMatchObject([
    { name: 'Name a', scope: { mode: 'restricted', teamIds: [], userIds: [] } },
  ]);
});

test('many lines make one job that links stored mail', async () => {
  const mailbox = await aMailbox(database.db, tenantId);
  for (let n = 0; n < 5; n += 1) await aMessage(database.db, mailbox, { from: `a${String(n * 300)}@customer.example` });
  const all = Array.from({ length: 1_500 }, (_, n) =>
    contact(`e${String(n)}`, { addresses: [{ address: `a${String(n)}@customer.example` }] }),
  );
  await upload(all);
  const jobs = await database.db.inTenant(tenantId, (sql) => sql.query(`SELECT FROM operation WHERE kind = 'rematch'`));
  expect(jobs).toHaveLength(1);
  const links = await database.db.inTenant(tenantId, (sql) => sql.query('SELECT FROM link'));
  expect(links).toHaveLength(5);
});

import { Readable } from 'node:stream';

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

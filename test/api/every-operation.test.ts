import { newUuid } from '../../src/db/new-id';
import { publicId, uuidOf, type IdKind } from '../../src/domain/ids';
import { connectMailbox, issueKey, testApi, type IssuedKey, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { insertFailure, insertFolder, insertPlacements } from '../support/ledger-rows';

// What holds for every operation there is, also for those that are added later: read from the document itself.

interface Schema {
  type?: string;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  oneOf?: Schema[];
  required?: string[];
  properties?: Record<string, Schema>;
  minLength?: number;
  format?: string;
  minimum?: number;
}

interface Operation {
  security?: unknown[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { content?: Record<string, unknown> }>;
}

type Method = 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';

interface DocumentedCall {
  method: Method;
  path: string;
  operation: Operation;
}

let database: TestDatabase;
let server: TestApi;
let key: IssuedKey;
let calls: DocumentedCall[];
/** Things of the tenant, by the first part of their path. */
let owned: Record<string, string>;

beforeAll(async () => {
  database = await createTestDatabase();
  server = testApi(database.db);
  key = await issueKey(database.db, await database.newTenant());
  owned = await thingsOf(key);
  const { paths } = (await server.api.inject('/openapi.json')).json<{
    paths: Record<string, Record<string, Operation>>;
  }>();
  calls = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      method: method.toUpperCase() as Method,
      path,
      operation,
    })),
  );
});
afterAll(async () => {
  await server.api.close();
  await database.drop();
});

/** One of each thing that a path can name. */
async function thingsOf({ tenantId, headers }: IssuedKey): Promise<Record<string, string>> {
  const mailbox = await connectMailbox(server, key);
  const source = { tenantId, sourceId: uuidOf('mailbox', mailbox) ?? '' };
  const folder = await insertFolder(database.db, source);
  await insertPlacements(database.db, source, { ...folder, uids: [1], outcome: 'parked' });
  const failure = publicId('failure', await insertFailure(database.db, source, { ...folder, uid: 1 }));
  const paused = await server.api.inject({ method: 'POST', url: `/v1/mailboxes/${mailbox}/pause`, headers });
  const made = await server.api.inject({ method: 'POST', url: '/v1/keys', headers, payload: { label: 'other' } });
  const operations = paused.json<{ id: string }>().id;
  return { mailboxes: mailbox, failures: failure, operations, keys: made.json<{ id: string }>().id };
}

const kindOfPath: Record<string, IdKind> = {
  records: 'record',
  messages: 'message',
  threads: 'thread',
  users: 'user',
  teams: 'team',
  activities: 'activity',
  merges: 'merge',
  notices: 'notice',
  links: 'link',
  connectors: 'connector',
};

function urlOf(path: string): string {
  const thing = path.split('/')[2] ?? '';
  const unknown = publicId(kindOfPath[thing] ?? 'record', newUuid());
  return path
    .replace('{id}', owned[thing] ?? unknown)
    .replace('{linkId}', publicId('link', newUuid()))
    .replace(/\{\w+\}/g, '1');
}

/** Fields that hold an id, of whatever kind a call takes there. */
const kindOfField: Record<string, IdKind> = { recordId: 'record', into: 'record' };

/** The smallest body that a schema lets in. */
function smallest(schema: Schema, field = ''): unknown {
  const kind = kindOfField[field];
  if (kind !== undefined) return publicId(kind, newUuid());
  const choice = schema.anyOf?.[0] ?? schema.oneOf?.[0];
  if (choice !== undefined) return smallest(choice);
  if (schema.enum !== undefined) return schema.enum[0];
  if (schema.const !== undefined) return schema.const;
  if (schema.format === 'date-time') return '2026-03-02T09:30:00Z';
  if (schema.type === 'string') return 'note'.padEnd(schema.minLength ?? 0, 'x');
  if (schema.type === 'integer' || schema.type === 'number') return schema.minimum ?? 1;
  if (schema.type === 'boolean') return false;
  if (schema.type === 'array') return [];
  if (schema.type === 'null') return null;
  return Object.fromEntries(
    (schema.required ?? []).map((name) => [name, smallest(schema.properties?.[name] ?? {}, name)]),
  );
}

function send({ method, path, operation }: DocumentedCall, headers: Record<string, string>) {
  const schema = operation.requestBody?.content['application/json']?.schema;
  const payload = schema === undefined ? {} : { payload: smallest(schema) as object };
  return server.api.inject({ method, url: urlOf(path), headers, ...payload });
}

const nameOf = ({ method, path }: DocumentedCall) => `${method} ${path}`;

test('the document has the calls of mailboxes, keys, failures and operations', () => {
  expect(calls.map(nameOf)).toEqual(
    expect.arrayContaining([
      'POST /v1/mailboxes',
      'GET /v1/mailboxes/{id}',
      'POST /v1/mailboxes/{id}/sync',
      'GET /v1/mailboxes/{id}/ledger',
      'POST /v1/mailboxes/{id}/completeness',
      'GET /v1/failures/{id}/raw',
      'GET /v1/operations/{id}',
      'DELETE /v1/keys/{id}',
    ]),
  );
});

test('only health and metrics are open; everything else without a key is 401', async () => {
  const open = calls.filter(({ operation }) => operation.security?.length === 0);
  expect(open.map(nameOf).sort()).toEqual(['GET /healthz', 'GET /metrics', 'GET /readyz']);
  for (const call of calls.filter((one) => !open.includes(one))) {
    expect([nameOf(call), (await send(call, {})).statusCode]).toEqual([nameOf(call), 401]);
  }
});

test('a thing of another tenant is 404 in every call that names one', async () => {
  const other = await issueKey(database.db, await database.newTenant());
  for (const call of calls.filter(({ path }) => path.includes('{'))) {
    const answer = await send(call, other.headers);
    expect([nameOf(call), answer.statusCode, answer.body.slice(0, 300)]).toEqual([
      nameOf(call),
      404,
      expect.stringContaining('/problems/') as unknown,
    ]);
  }
});

test('every operation may answer with a problem, and says so', () => {
  for (const call of calls) {
    expect([nameOf(call), Object.keys(call.operation.responses['default']?.content ?? {})]).toEqual([
      nameOf(call),
      ['application/problem+json'],
    ]);
  }
});

test('no operation lets in a body with unknown fields', async () => {
  for (const call of calls.filter(
    ({ operation }) => operation.requestBody?.content['application/json'] !== undefined,
  )) {
    const answer = await server.api.inject({
      method: call.method,
      url: urlOf(call.path),
      headers: key.headers,
      payload: { markedUnknownField: 1 },
    });
    const refused = answer.json<{ errors?: { field: string }[] }>().errors?.map((error) => error.field) ?? [];
    expect([nameOf(call), answer.statusCode, refused]).toEqual([
      nameOf(call),
      400,
      expect.arrayContaining(['markedUnknownField']) as unknown,
    ]);
  }
});

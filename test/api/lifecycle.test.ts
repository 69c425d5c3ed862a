import { recordRoundSuccess } from '../../src/db/sync/round-write';
import { publicId, uuidOf } from '../../src/domain/ids';
import { insertUser, issueKey, testApi, type IssuedKey, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';

let database: TestDatabase;
let server: TestApi;
let key: IssuedKey;
let id: string;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  server = testApi(database.db);
  key = await issueKey(database.db, await database.newTenant());
  const answer = await post('/v1/mailboxes', {
    address: 'anna@company.example',
    imap: { host: 'imap.company.example', port: 993, security: 'tls' },
    auth: { type: 'password', password: 'x' },
  });
  id = answer.json<{ id: string }>().id;
  server.engine.asked.length = 0;
});
afterEach(() => server.api.close());

interface Operation {
  id: string;
  operationId: string;
  kind: string;
  state: string;
  result: unknown;
  error: unknown;
}

const post = (url: string, payload?: object, headers: Record<string, string> = key.headers) =>
  server.api.inject({ method: 'POST', url, headers, ...(payload === undefined ? {} : { payload }) });

const get = (url: string) => server.api.inject({ url, headers: key.headers });

async function wish(kind: string): Promise<Operation> {
  const answer = await post(`/v1/mailboxes/${id}/${kind}`);
  expect([kind, answer.statusCode]).toEqual([kind, 202]);
  return answer.json<Operation>();
}

const onMailbox = (text: string) => database.db.inTenant(key.tenantId, (sql) => sql.execute(text));

/** What the workflow writes when it has taken up the newest wish. */
const applied = () => onMailbox('UPDATE source SET applied_generation = generation');

async function operation(operationId: string): Promise<Operation> {
  return (await get(`/v1/operations/${operationId}`)).json<Operation>();
}

test('a wish is written with a new generation and its operation, and the engine is told', async () => {
  const paused = await wish('pause');
  expect(paused).toMatchObject({ kind: 'pause', state: 'waiting', operationId: paused.id });
  expect(server.engine.asked).toEqual([
    {
      what: 'sendWish',
      input: expect.objectContaining({ desired: 'paused', fence: { epoch: 1, generation: 2 } }) as unknown,
    },
  ]);
  expect(await operation(paused.id)).toMatchObject({ kind: 'pause', state: 'waiting' });
});

test('a newer wish supersedes those that still wait', async () => {
  const paused = await wish('pause');
  const resumed = await wish('resume');
  expect(await operation(paused.id)).toMatchObject({ state: 'superseded' });
  expect(await operation(resumed.id)).toMatchObject({ state: 'waiting' });
});

test('a wish is kept while Temporal is down', async () => {
  server.engine.down = true;
  await wish('stop');
  const mailbox = (await get(`/v1/mailboxes/${id}`)).json<{ desiredState: string; state: string }>();
  expect(mailbox).toMatchObject({ desiredState: 'stopped', state: 'stopping' });
});

test('a wish is answered within a second although the engine takes its time', async () => {
  server.engine.sendWish = () => new Promise(() => undefined);
  server.engine.stopMailbox = () => new Promise(() => undefined);
  for (const kind of ['pause', 'resume', 'stop', 'start']) {
    const began = performance.now();
    await wish(kind);
    expect([kind, performance.now() - began < 1_000]).toEqual([kind, true]);
  }
});

test('a stop asks for the workflow that stops for certain, and what is stopped already was drained', async () => {
  await wish('stop');
  expect(server.engine.asked.map(({ what }) => what)).toEqual(['stopMailbox']);
  await applied();
  expect(await wish('stop')).toMatchObject({
    state: 'done',
    result: { ended: 'drained', inFlight: { rounds: 0, imports: 0, audits: 0 } },
  });
});

test('by the policy onStop: delete a stop is a deletion, and says so', async () => {
  await onMailbox(`UPDATE source SET policy = policy || '{"onStop": "delete"}'`);
  const stop = await wish('stop');
  expect(stop).toMatchObject({ kind: 'stop', state: 'waiting', deletionId: expect.stringMatching(/^del_/) as unknown });
  expect(server.engine.asked.map(({ what }) => what)).toEqual(['stopMailbox', 'deleteMailbox']);
  const { deletionId } = stop as Operation & { deletionId: string };
  expect((await get(`/v1/deletions/${deletionId}`)).json()).toMatchObject({ mailboxId: id });
  expect((await post(`/v1/mailboxes/${id}/start`)).json()).toMatchObject({ status: 409, deletionId });
});

test('what is wished and carried out already is done at once and disturbs nothing', async () => {
  await applied();
  expect(await wish('start')).toMatchObject({ kind: 'start', state: 'done' });
  expect(server.engine.asked).toEqual([]);
});

test('the same wish twice waits for the same generation', async () => {
  await wish('pause');
  await wish('pause');
  expect(server.engine.asked.map(({ input }) => (input as { fence: { generation: number } }).fence.generation)).toEqual(
    [2, 2],
  );
});

test('a stopped mailbox is started, not paused or resumed', async () => {
  await wish('stop');
  for (const kind of ['pause', 'resume']) {
    const answer = await post(`/v1/mailboxes/${id}/${kind}`);
    expect([answer.statusCode, answer.json<{ type: string }>().type]).toEqual([409, '/problems/mailbox-stopped']);
  }
  expect(await wish('start')).toMatchObject({ state: 'waiting' });
});

test('a body with content is refused, an empty one is none', async () => {
  expect((await post(`/v1/mailboxes/${id}/pause`, { now: true })).statusCode).toBe(400);
  expect((await post(`/v1/mailboxes/${id}/pause`, {})).statusCode).toBe(202);
  const empty = { ...key.headers, 'content-type': 'application/json' };
  expect((await post(`/v1/mailboxes/${id}/pause`, undefined, empty)).statusCode).toBe(202);
});

describe('sync', () => {
  const sync = () => post(`/v1/mailboxes/${id}/sync`);

  test('answers with the result when the round has ended', async () => {
    server.engine.onSync = () => Promise.resolve({ kind: 'done', recorded: 3, filtered: 1, parked: 0 });
    const answer = await sync();
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({
      kind: 'sync',
      state: 'done',
      result: { recorded: 3, filtered: 1, parked: 0 },
    });
  });

  test('a round that failed has ended too, and says how', async () => {
    server.engine.onSync = () => Promise.resolve({ kind: 'failed', failure: 'unreachable (port-closed)' });
    const answer = await sync();
    expect([answer.statusCode, answer.json<Operation>().state]).toEqual([200, 'failed']);
    expect(answer.json<Operation>().error).toEqual({ code: 'unreachable (port-closed)' });
  });

  test('answers 202 when the round takes longer, and ends its operation later', async () => {
    await server.api.close();
    server = testApi(database.db, { syncAnswerMs: 200 });
    let finish = (): void => undefined;
    server.engine.onSync = () =>
      new Promise((resolve) => {
        finish = () => {
          resolve({ kind: 'done', recorded: 1, filtered: 0, parked: 0 });
        };
      });
    const answer = await sync();
    expect([answer.statusCode, answer.json<Operation>().state]).toEqual([202, 'waiting']);
    finish();
    for (let n = 0; n < 50 && (await operation(answer.json<Operation>().id)).state !== 'done'; n += 1) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(await operation(answer.json<Operation>().id)).toMatchObject({ state: 'done', result: { recorded: 1 } });
  });

  test('answers with what the round has written, where the round has ended the operation', async () => {
    server.engine.onSync = async () => {
      const result = { recorded: 5, filtered: 0, parked: 1 };
      const roundBegunAt = new Date(Date.now() + 1_000);
      const source = { tenantId: key.tenantId, sourceId: uuidOf('mailbox', id) ?? '' };
      await recordRoundSuccess(
        database.db,
        { ...source, fence: { epoch: 1, generation: 1 } },
        { roundBegunAt, alternationsKept: 20, ...result },
      );
      return { kind: 'done', ...result };
    };
    const answer = await sync();
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({ state: 'done', result: { recorded: 5, filtered: 0, parked: 1 } });
  });

  test('is 409 for a mailbox that is paused, stopped or waits for a password', async () => {
    await onMailbox(`UPDATE mailbox SET state = 'auth-required'`);
    expect((await sync()).json()).toMatchObject({ status: 409, type: '/problems/mailbox-auth-required' });
    await wish('pause');
    expect((await sync()).json()).toMatchObject({ status: 409, type: '/problems/mailbox-paused' });
    await wish('stop');
    expect((await sync()).json()).toMatchObject({ status: 409, type: '/problems/mailbox-stopped' });
    expect(server.engine.asked.filter(({ what }) => what === 'syncNow')).toEqual([]);
  });

  test('is 409 where the workflow knows better than the row', async () => {
    server.engine.onSync = () => Promise.resolve({ kind: 'not-running', state: 'auth-required' });
    expect((await sync()).json()).toMatchObject({ status: 409, type: '/problems/mailbox-auth-required' });
  });

  test('is 503 with Retry-After while Temporal is down', async () => {
    server.engine.down = true;
    const answer = await sync();
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '5']);
  });
});

describe('operations', () => {
  test('one of another tenant, or of a mailbox that a user does not see, is 404', async () => {
    const paused = await wish('pause');
    const other = await issueKey(database.db, await database.newTenant());
    const user = await insertUser(database.db, key.tenantId);
    const url = `/v1/operations/${paused.id}`;
    const asOther = await server.api.inject({ url, headers: other.headers });
    const asUser = await server.api.inject({
      url,
      headers: { ...key.headers, 'letterbook-user': publicId('user', user) },
    });
    expect([asOther.statusCode, asUser.statusCode]).toEqual([404, 404]);
  });

  test('one that runs shows its rate and how long it will take', async () => {
    const operationId = publicId('operation', '01a202c7-66ca-7049-8a1a-ae17efff5777');
    await database.db.inTenant(key.tenantId, (sql) =>
      sql.execute(
        `INSERT INTO operation (tenant_id, id, kind, source_id, state, done, total, started_at)
         VALUES ($1, $2, 'import', $3, 'running', 100, 300, now() - interval '10 seconds')`,
        [key.tenantId, uuidOf('operation', operationId), uuidOf('mailbox', id)],
      ),
    );
    const shown = (await get(`/v1/operations/${operationId}`)).json<{ rate: number; etaSeconds: number }>();
    expect(shown.rate).toBeCloseTo(10, 0);
    expect(shown.etaSeconds).toBeGreaterThan(15);
    expect(shown.etaSeconds).toBeLessThan(30);
  });
});

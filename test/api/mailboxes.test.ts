import { publicId, uuidOf } from '../../src/domain/ids';
import { insertUser, issueKey, testApi, type IssuedKey, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';

let database: TestDatabase;
let server: TestApi;
let key: IssuedKey;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  server = testApi(database.db);
  key = await issueKey(database.db, await database.newTenant());
});
afterEach(() => server.api.close());

const anna = {
  address: 'Anna@Company.Example',
  imap: { host: 'imap.company.example', port: 993, security: 'tls' },
  auth: { type: 'password', username: 'anna', password: 'marked-secret-of-anna' },
};

interface Problem {
  type: string;
  status: number;
  detail: string;
  code?: string;
  values?: string[];
  mailboxId?: string;
  errors?: { in: string; field: string; reason: string; remedy: string }[];
}

function connect(body: object = anna, headers: Record<string, string> = key.headers) {
  return server.api.inject({ method: 'POST', url: '/v1/mailboxes', headers, payload: body });
}

async function connected(body: object = anna, headers: Record<string, string> = key.headers): Promise<string> {
  const answer = await connect(body, headers);
  expect(answer.statusCode).toBe(201);
  return answer.json<{ id: string }>().id;
}

async function refusedFields(body: object): Promise<string[]> {
  const answer = await connect(body);
  expect(answer.statusCode).toBe(400);
  expect(answer.headers['content-type']).toBe('application/problem+json');
  return (answer.json<Problem>().errors ?? []).map((error) => error.field);
}

function rows<Row extends object>(text: string, tenantId = key.tenantId): Promise<Row[]> {
  return database.db.inTenant(tenantId, (sql) => sql.query<Row>(text));
}

describe('connecting a mailbox', () => {
  test('tries the connection, saves the wish, tells the engine, and answers with where it is', async () => {
    const answer = await connect();
    const mailbox = answer.json<Record<string, unknown>>();
    expect(answer.statusCode).toBe(201);
    expect(answer.headers.location).toBe(`/v1/mailboxes/${String(mailbox['id'])}`);
    expect(mailbox).toMatchObject({
      address: 'Anna@Company.Example',
      state: 'connecting',
      desiredState: 'running',
      progress: null,
      flags: [],
      workflowId: `mailbox/${String(mailbox['id'])}`,
      policy: { refreshSeconds: 300, start: { from: 'now' } },
    });
    expect(server.tried).toEqual([
      expect.objectContaining({ host: 'imap.company.example', username: 'anna', password: 'marked-secret-of-anna' }),
    ]);
    expect(await rows('SELECT kind, state, generation FROM operation')).toEqual([
      { kind: 'start', state: 'waiting', generation: 1 },
    ]);
    expect(server.engine.asked).toEqual([
      {
        what: 'startMailbox',
        input: {
          tenantId: key.tenantId,
          mailboxId: uuidOf('mailbox', String(mailbox['id'])),
          fence: { epoch: 1, generation: 1 },
          desired: 'running',
          provider: 'other',
        },
      },
    ]);
  });

  describe('warns of data in a git clone', () => {
    const warningsOf = async (host: string) => {
      const answer = await connect({ ...anna, address: `${String(Math.random())}@company.example`, imap: { host } });
      return answer.json<{ warnings: string[] }>().warnings;
    };

    test.each(['imap.company.example', '192.0.2.1', 'localhost.company.example', '2001:db8::1'])(
      'where the mail is on %s',
      async (host) => {
        server.context.homeInsideClone = true;
        expect(await warningsOf(host)).toEqual([expect.stringContaining('`git clean` would delete it')]);
      },
    );

    test.each(['127.0.0.1', '127.1', 'localhost', 'LOCALHOST', '::1', '[::1]', '::ffff:127.0.0.1'])(
      'not where the mail can be had again: %s',
      async (host) => {
        server.context.homeInsideClone = true;
        expect(await warningsOf(host)).toEqual([]);
      },
    );

    test('not where the data lies elsewhere', async () => {
      expect(await warningsOf('imap.company.example')).toEqual([]);
    });
  });

  test('succeeds while Temporal is down, because the wish is durable', async () => {
    server.engine.down = true;
    await connected();
    expect(await rows('SELECT desired_state, applied_generation FROM source')).toEqual([
      { desired_state: 'running', applied_generation: 0 },
    ]);
  });

  test('keeps the password only sealed', async () => {
    await connected();
    const [row] = await rows<{ secret: Buffer; secret_key_id: string }>('SELECT secret, secret_key_id FROM mailbox');
    const sealed = { bytes: row?.secret ?? Buffer.alloc(0), keyId: row?.secret_key_id ?? '' };
    expect(sealed.bytes.includes('marked-secret')).toBe(false);
    expect(server.context.secretBox.open(sealed)).toBe('marked-secret-of-anna');
  });

  test('fills in the server of a provider that is known', async () => {
    const { imap: _, ...withoutServer } = anna;
    const answer = await connect({ ...withoutServer, address: 'somebody@gmail.com' });
    expect(answer.json()).toMatchObject({
      provider: 'gmail',
      imap: { host: 'imap.gmail.com', port: 993, security: 'tls' },
    });
    expect(await refusedFields(withoutServer)).toEqual(['imap']);
  });

  test('takes the address as user name, and the port that belongs to the security', async () => {
    await connected({
      ...anna,
      imap: { host: '::1', security: 'starttls' },
      auth: { type: 'password', password: 'x' },
    });
    expect(server.tried[0]).toMatchObject({ port: 143, username: 'Anna@Company.Example', host: '::1' });
  });

  test('names every field that is wrong, and writes nothing', async () => {
    const fields = await refusedFields({
      address: 'nobody',
      imap: { host: 'https://imap.example/x', port: 70_000, security: 'ssl', timeout: 1 },
      auth: { type: 'password', username: 'a\r\nb' },
      policy: {
        refreshSeconds: '5',
        start: { from: 'date', date: 'yesterday' },
        folders: { include: [1] },
        extra: true,
      },
      ownerUserId: 'rec_1',
      displayName: 'x'.repeat(300),
      nonsense: 1,
    });
    expect(fields.sort()).toEqual(
      [
        'address',
        'auth.password',
        'auth.username',
        'displayName',
        'imap.host',
        'imap.port',
        'imap.security',
        'imap.timeout',
        'nonsense',
        'ownerUserId',
        'policy.extra',
        'policy.folders.include[0]',
        'policy.refreshSeconds',
        'policy.start.date',
      ].sort(),
    );
    expect(await rows('SELECT 1 FROM source')).toEqual([]);
    expect(server.tried).toEqual([]);
  });

  test('refuses a start in the future, and a refresh time that is no use, before it tries the connection', async () => {
    const tomorrow = new Date(Date.now() + 24 * 3_600_000).toISOString();
    const withPolicy = (policy: object) => refusedFields({ ...anna, policy });
    expect(await withPolicy({ start: { from: 'date', date: tomorrow } })).toEqual(['policy.start.date']);
    expect(await withPolicy({ start: { from: 'date', date: '2999-01-01' } })).toEqual(['policy.start.date']);
    for (const refreshSeconds of [4, 86_401, 5.5]) {
      expect(await withPolicy({ refreshSeconds })).toEqual(['policy.refreshSeconds']);
    }
    expect(server.tried).toEqual([]);
  });

  test('takes a start that has begun, and the shortest and the longest refresh time', async () => {
    const today = new Date().toISOString().slice(0, 10);
    for (const policy of [{ start: { from: 'date', date: today }, refreshSeconds: 5 }, { refreshSeconds: 86_400 }]) {
      const answer = await connect({ ...anna, address: `${String(policy.refreshSeconds)}@company.example`, policy });
      expect(answer.json()).toMatchObject({ policy });
    }
  });

  test.each([
    [{ ...anna, protocol: 'pop3' }, 'protocol'],
    [{ ...anna, imap: { ...anna.imap, protocol: 'POP3' } }, 'imap.protocol'],
    [{ ...anna, imap: { ...anna.imap, port: 995 } }, 'imap.port'],
    [{ ...anna, imap: { ...anna.imap, port: 110 } }, 'imap.port'],
    [{ address: anna.address, auth: anna.auth, pop3: { host: 'pop.company.example' } }, 'pop3'],
  ])('refuses POP3 with a sentence: %#', async (body, field) => {
    const answer = await connect(body);
    expect(answer.statusCode).toBe(400);
    expect(answer.json<Problem>().errors?.map((error) => error.field)).toEqual([field]);
    expect(answer.json<Problem>().detail).toContain('POP3 is not supported');
  });

  test('refuses OAuth2 as not available', async () => {
    const answer = await connect({
      ...anna,
      auth: { type: 'oauth2', provider: 'google', refreshToken: 'marked-token' },
    });
    expect(answer.statusCode).toBe(422);
    expect(answer.json<Problem>().type).toBe('/problems/auth-not-available');
    expect(answer.body + server.logged()).not.toContain('marked-token');
  });

  test.each([
    [{ type: 'fax', status: 'done' }, 'policy.activity.type'],
    [{ type: 'email', status: 'filed' }, 'policy.activity.status'],
  ])('refuses activities that are not in the list of types: %j', async (activity, field) => {
    const answer = await connect({ ...anna, policy: { activity } });
    expect(answer.statusCode).toBe(400);
    expect(answer.json<Problem>().errors?.map((error) => error.field)).toEqual([field]);
    expect(await rows('SELECT 1 FROM source')).toEqual([]);
  });

  test('refuses to match a type of records that there is not, also in a change', async () => {
    const policy = { matchTypes: ['lead', 'vessel'] };
    expect(await refusedFields({ ...anna, policy })).toEqual(['policy.matchTypes[1]']);
    expect(await rows('SELECT 1 FROM source')).toEqual([]);

    const { id } = (await connect()).json<{ id: string }>();
    const change = () =>
      server.api.inject({ method: 'PATCH', url: `/v1/mailboxes/${id}`, headers: key.headers, payload: { policy } });
    expect((await change()).statusCode).toBe(400);
    const vessel = { type: 'vessel', name: 'Vessel' };
    await server.api.inject({ method: 'POST', url: '/v1/record-types', headers: key.headers, payload: vessel });
    expect((await change()).json()).toMatchObject({ policy });
  });

  test('takes a preset, and single values on top of it', async () => {
    const answer = await connect({ ...anna, policy: { preset: 'unread-inbox', markSeen: false } });
    expect(answer.json()).toMatchObject({
      policy: {
        start: { from: 'unread' },
        markSeen: false,
        flags: 'ignore',
        folders: { mode: 'selected', include: ['INBOX'], exclude: [] },
      },
    });
  });

  test('refuses to select no folder at all', async () => {
    expect(await refusedFields({ ...anna, policy: { folders: { mode: 'selected' } } })).toEqual([
      'policy.folders.include',
    ]);
  });

  test('says why a connection failed, and saves nothing', async () => {
    server.probe.answer = { ok: false, code: 'login-refused', detail: 'LOGIN' };
    const answer = await connect();
    expect(answer.statusCode).toBe(422);
    expect(answer.json<Problem>()).toMatchObject({ type: '/problems/connection-failed', code: 'login-refused' });
    expect(answer.json<Problem>().detail).toMatch(/password/);
    expect(await rows('SELECT 1 FROM source')).toEqual([]);
  });

  test('an address that is connected already is 409 and names the mailbox', async () => {
    const id = await connected();
    const again = await connect({ ...anna, address: 'anna@COMPANY.example' });
    expect(again.statusCode).toBe(409);
    expect(again.json<Problem>()).toMatchObject({ type: '/problems/mailbox-exists', mailboxId: id });
  });

  test('an address of a mailbox that the viewer may not see is 409 and names nothing', async () => {
    const { tenantId } = key;
    const as = async (userId: Promise<string>) => ({
      ...key.headers,
      'letterbook-user': publicId('user', await userId),
    });
    const owner = await as(insertUser(database.db, tenantId));
    const id = await connected(anna, owner);
    const stranger = await as(insertUser(database.db, tenantId));
    const told = async (headers: Record<string, string>) => {
      const answer = await connect(anna, headers);
      expect(answer.statusCode).toBe(409);
      return answer.json<Problem & { deletionId?: string }>();
    };
    const hidden = await told(stranger);
    expect(hidden).toMatchObject({ type: '/problems/mailbox-exists' });
    expect(JSON.stringify(hidden)).not.toMatch(/mbx_|del_/);
    expect((await told(owner)).mailboxId).toBe(id);

    const confirm = encodeURIComponent(anna.address);
    const url = `/v1/mailboxes/${id}?confirm=${confirm}`;
    expect((await server.api.inject({ method: 'DELETE', url, headers: key.headers })).statusCode).toBe(202);
    const { type, detail } = hidden;
    expect(await told(stranger)).toMatchObject({ type, detail });
    expect((await told(owner)).deletionId).toBeDefined();
  });

  test('of two that connect the same address at once, one is 409', async () => {
    const answers = await Promise.all([connect(), connect()]);
    expect(answers.map((answer) => answer.statusCode).sort()).toEqual([201, 409]);
  });

  test('the same address is free in another tenant', async () => {
    await connected();
    const other = await issueKey(database.db, await database.newTenant());
    expect((await connect(anna, other.headers)).statusCode).toBe(201);
  });

  test('owner and members must exist', async () => {
    const userId = publicId('user', await insertUser(database.db, key.tenantId));
    const nobody = publicId('user', '01a202c7-66ca-7049-8a1a-ae17efff5777');
    expect(await refusedFields({ ...anna, ownerUserId: nobody, memberUserIds: [userId, nobody] })).toEqual([
      'ownerUserId',
      'memberUserIds[1]',
    ]);
    const answer = await connect({ ...anna, ownerUserId: userId, memberUserIds: [userId, userId] });
    expect(answer.json()).toMatchObject({ ownerUserId: userId, memberUserIds: [userId] });
  });

  test('secrets are in no answer and no log line', async () => {
    const id = await connected();
    server.probe.answer = { ok: false, code: 'login-refused', detail: 'LOGIN' };
    const answers = await Promise.all([
      connect(),
      connect({ ...anna, address: 'b@c.example' }),
      connect({ ...anna, auth: { ...anna.auth, extra: 'marked-secret-extra' } }),
      server.api.inject({ url: `/v1/mailboxes/${id}`, headers: key.headers }),
      server.api.inject({ url: '/v1/mailboxes', headers: key.headers }),
      server.api.inject({
        method: 'PATCH',
        url: `/v1/mailboxes/${id}`,
        headers: key.headers,
        payload: { auth: { password: 'marked-secret-new' } },
      }),
      server.api.inject({
        method: 'POST',
        url: '/v1/mailboxes',
        headers: { ...key.headers, 'content-type': 'application/json' },
        payload: '{"auth": "marked-secret-broken',
      }),
      server.api.inject({ url: '/metrics' }),
    ]);
    const said = answers.map((answer) => answer.body + JSON.stringify(answer.headers)).join('') + server.logged();
    expect(said).not.toContain('marked-secret');
    expect(server.logged()).not.toMatch(/company\.example|anna/i);
    expect(server.logged()).not.toContain(key.key);
    expect(JSON.stringify(server.engine.asked)).not.toMatch(/marked-secret|company\.example/i);
  });
});

describe('looking at mailboxes', () => {
  test('one is shown with its state in words, its progress and its last error', async () => {
    const id = await connected();
    await database.db.inTenant(key.tenantId, async (sql) => {
      await sql.execute(
        `UPDATE mailbox SET state = 'backing-off', state_reason = 'disk-low', state_until = now() + interval '1 minute',
           last_error = '{"kind": "busy", "code": "disk-low", "operation": "store", "at": "2026-11-22T10:00:00Z"}'`,
      );
      await sql.execute(
        `INSERT INTO operation (tenant_id, id, kind, source_id, state, done, total, track)
         VALUES ($1, gen_random_uuid(), 'import', $2, 'running', 50, 200, jsonb_build_object('activeMs', 10000, 'samples', '[[0, 0]]'::jsonb,
           'lastAt', round(extract(epoch FROM now()) * 1000), 'floor', 0, 'floorDone', 0, 'genId', null))`,
        [key.tenantId, uuidOf('mailbox', id)],
      );
    });
    const answer = await server.api.inject({ url: `/v1/mailboxes/${id}`, headers: key.headers });
    const mailbox = answer.json<{ reason: string; remedy: string; progress: { rate: number; etaSeconds: number } }>();
    expect(mailbox).toMatchObject({
      state: 'backing-off',
      reasonCode: 'disk-low',
      lastError: { kind: 'busy', code: 'disk-low' },
      progress: { folders: 0, folder: null, messagesKnown: 200, messagesDone: 50, percent: 25 },
    });
    expect(mailbox.reason).toMatch(/disk/);
    expect(mailbox.remedy).toMatch(/room/);
    expect(mailbox.progress.rate).toBeCloseTo(5, 0);
    expect(mailbox.progress.etaSeconds).toBeGreaterThan(25);
  });

  test('an unknown id, an impossible one and one of another tenant are the same 404', async () => {
    const id = await connected();
    const other = await issueKey(database.db, await database.newTenant());
    const answers = await Promise.all([
      server.api.inject({ url: `/v1/mailboxes/${id}`, headers: other.headers }),
      server.api.inject({ url: '/v1/mailboxes/mbx_00000000000070008000000000000000', headers: key.headers }),
      server.api.inject({ url: '/v1/mailboxes/%00', headers: key.headers }),
      server.api.inject({ url: `/v1/mailboxes/${'x'.repeat(400)}`, headers: key.headers }),
    ]);
    expect(answers.map((answer) => answer.statusCode)).toEqual([404, 404, 404, 404]);
    expect(new Set(answers.map((answer) => answer.json<Problem>().type))).toEqual(new Set(['/problems/not-found']));
  });

  test('pages follow one another and end', async () => {
    const ids: string[] = [];
    for (const n of [1, 2, 3]) ids.push(await connected({ ...anna, address: `anna${String(n)}@company.example` }));
    const page = async (query: string) =>
      (await server.api.inject({ url: `/v1/mailboxes?${query}`, headers: key.headers })).json<{
        items: { id: string }[];
        nextCursor: string | null;
      }>();
    const first = await page('limit=2');
    const second = await page(`limit=2&cursor=${String(first.nextCursor)}`);
    expect([...first.items, ...second.items].map((item) => item.id)).toEqual(ids);
    expect(second.nextCursor).toBeNull();
  });

  test('a cursor is refused with other filters, or when it is made up', async () => {
    for (const n of [1, 2]) await connected({ ...anna, address: `anna${String(n)}@company.example` });
    const url = '/v1/mailboxes?limit=1';
    const { nextCursor } = (await server.api.inject({ url, headers: key.headers })).json<{ nextCursor: string }>();
    for (const query of [
      `cursor=${nextCursor}&state=live`,
      'cursor=abc',
      'cursor=',
      'limit=0',
      'limit=x',
      'limit=201',
      'page=2',
    ]) {
      const answer = await server.api.inject({ url: `/v1/mailboxes?${query}`, headers: key.headers });
      expect([query, answer.statusCode]).toEqual([query, 400]);
    }
  });

  test('a user sees their own mailboxes and shared ones, an admin all', async () => {
    const [anon, owner, member] = await Promise.all([
      insertUser(database.db, key.tenantId),
      insertUser(database.db, key.tenantId),
      insertUser(database.db, key.tenantId),
    ]);
    const admin = await insertUser(database.db, key.tenantId, 'admin');
    const id = await connected({
      ...anna,
      ownerUserId: publicId('user', owner),
      memberUserIds: [publicId('user', member)],
    });
    const seenBy = async (userId: string) => {
      const headers = { ...key.headers, 'letterbook-user': publicId('user', userId) };
      return (await server.api.inject({ url: `/v1/mailboxes/${id}`, headers })).statusCode;
    };
    expect(await Promise.all([owner, member, admin, anon].map(seenBy))).toEqual([200, 200, 200, 404]);
  });
});

describe('changing a mailbox', () => {
  const patch = (id: string, payload: object, headers: Record<string, string> = key.headers) =>
    server.api.inject({ method: 'PATCH', url: `/v1/mailboxes/${id}`, headers, payload });

  test('name and policy change, the rest stays, and the workflow is woken', async () => {
    const id = await connected();
    const answer = await patch(id, {
      displayName: 'Anna',
      policy: { refreshSeconds: 60, folders: { exclude: ['Old*'] } },
    });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({
      displayName: 'Anna',
      policy: { refreshSeconds: 60, folders: { mode: 'all', include: [], exclude: ['Old*'] }, flags: 'follow' },
    });
    expect(server.engine.asked.at(-1)).toMatchObject({ what: 'poke', input: { reason: 'policy' } });
  });

  test('the start point is decided when the mailbox is connected', async () => {
    const id = await connected();
    const answer = await patch(id, { policy: { start: { from: 'everything' } } });
    expect(answer.json<Problem>().errors?.[0]?.field).toBe('policy.start');
    expect((await patch(id, { policy: { start: { from: 'now' }, preset: 'unread-inbox' } })).statusCode).toBe(200);
  });

  test('a new password is tried, sealed, and lets a parked mailbox go on', async () => {
    const id = await connected();
    await database.db.inTenant(key.tenantId, (sql) =>
      sql.execute(`UPDATE mailbox SET state = 'auth-required', state_reason = 'login-refused'`),
    );
    const answer = await patch(id, { auth: { password: 'second' } });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({ state: 'connecting', reasonCode: null });
    expect(server.tried.at(-1)).toMatchObject({ host: 'imap.company.example', username: 'anna', password: 'second' });
    expect(server.engine.asked.at(-1)).toMatchObject({ what: 'sendWish', input: { fence: { generation: 2 } } });
  });

  test('a password that is refused changes nothing', async () => {
    const id = await connected();
    server.probe.answer = { ok: false, code: 'login-refused', detail: 'LOGIN' };
    expect((await patch(id, { displayName: 'Anna', auth: { password: 'wrong' } })).statusCode).toBe(422);
    expect(await rows('SELECT display_name, s.generation FROM mailbox JOIN source s ON s.id = source_id')).toEqual([
      { display_name: null, generation: 1 },
    ]);
  });

  test('a stored password is not sent to another server', async () => {
    const id = await connected();
    const answer = await patch(id, { imap: { host: 'elsewhere.example' } });
    expect(answer.json<Problem>().errors?.[0]?.field).toBe('auth.password');
    expect(server.tried).toHaveLength(1);
  });

  test('If-Match holds back a change on an older state', async () => {
    const id = await connected();
    const before = (await server.api.inject({ url: `/v1/mailboxes/${id}`, headers: key.headers })).headers.etag ?? '';
    const withTag = { ...key.headers, 'if-match': before };
    expect((await patch(id, { displayName: 'First' }, withTag)).statusCode).toBe(200);
    const late = await patch(id, { displayName: 'Second' }, withTag);
    expect([late.statusCode, late.json<Problem>().type]).toEqual([412, '/problems/precondition-failed']);
    expect((await patch(id, { displayName: 'Third' }, { ...key.headers, 'if-match': '*' })).statusCode).toBe(200);
  });

  test('a member of a shared mailbox cannot change it, its owner can', async () => {
    const [owner, member] = await Promise.all([
      insertUser(database.db, key.tenantId),
      insertUser(database.db, key.tenantId),
    ]);
    const people = { ownerUserId: publicId('user', owner), memberUserIds: [publicId('user', member)] };
    const id = await connected({ ...anna, ...people });
    const as = (userId: string) => ({ ...key.headers, 'letterbook-user': publicId('user', userId) });
    expect((await patch(id, { displayName: 'x' }, as(member))).statusCode).toBe(403);
    expect((await patch(id, { displayName: 'x' }, as(owner))).statusCode).toBe(200);
    expect((await patch(id, { ownerUserId: publicId('user', member) }, as(owner))).statusCode).toBe(403);
  });

  test('unknown and fixed fields are refused', async () => {
    const id = await connected();
    const answer = await patch(id, { address: 'other@company.example', state: 'live' });
    expect(answer.json<Problem>().errors?.map((error) => error.field)).toEqual(['address', 'state']);
  });
});

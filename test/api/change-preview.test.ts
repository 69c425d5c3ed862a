import { uuidOf } from '../../src/domain/ids';
import { connectMailbox, issueKey, testApi, type IssuedKey, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { insertFolder, insertPlacements } from '../support/ledger-rows';

let database: TestDatabase;
let server: TestApi;
let key: IssuedKey;
let id: string;

beforeAll(async () => {
  database = await createTestDatabase();
  server = testApi(database.db);
});
afterAll(async () => {
  await server.api.close();
  await database.drop();
});

interface Preview {
  dryRun: boolean;
  folders: object[];
  messages: object;
  removalsWaiting: number | null;
  effects: { code: string; sentence: string }[];
  warnings: string[];
  policy: Record<string, unknown>;
}

async function connect(start: object = { from: 'everything' }): Promise<void> {
  key = await issueKey(database.db, await database.newTenant());
  id = await connectMailbox(server, key, { policy: { start } });
}

const patch = (payload: object, query = '', headers: Record<string, string> = {}) =>
  server.api.inject({
    method: 'PATCH',
    url: `/v1/mailboxes/${id}${query}`,
    headers: { ...key.headers, ...headers },
    payload,
  });

async function preview(payload: object, headers: Record<string, string> = {}): Promise<Preview> {
  const answer = await patch(payload, '?dryRun=true', headers);
  expect([answer.statusCode, answer.body]).toEqual([200, expect.any(String)]);
  return answer.json<Preview>();
}

const codes = ({ effects }: Preview) => effects.map(({ code }) => code);
const source = () => ({ tenantId: key.tenantId, sourceId: uuidOf('mailbox', id) ?? '' });

/** A folder that is left out because of its role. */
async function insertTrash(): Promise<{ folderId: string; genId: number }> {
  const trash = await insertFolder(database.db, source(), 'Trash');
  await database.db.inTenant(key.tenantId, (sql) =>
    sql.execute(`UPDATE folder SET role = 'trash', in_scope = false WHERE id = $1`, [trash.folderId]),
  );
  return trash;
}

/** Everything that a PATCH may write. */
function written(): Promise<object[]> {
  return database.db.inTenant(key.tenantId, (sql) =>
    sql.query(
      `SELECT s.policy, s.generation, s.updated_at, s.owner_user_id, m.imap, m.username, m.secret, m.display_name, m.state,
         (SELECT count(*) FROM audit) AS audits, (SELECT count(*) FROM mailbox_event) AS events
       FROM source s JOIN mailbox m ON m.source_id = s.id WHERE s.id = $1`,
      [source().sourceId],
    ),
  );
}

describe('a dry run', () => {
  test('writes nothing and tells nobody, however much is changed', async () => {
    await connect();
    const before = await written();
    const asked = server.engine.asked.length;
    const answer = await preview({
      displayName: 'New',
      policy: { visibility: 'full', refreshSeconds: 60 },
      imap: { host: 'other.example', port: 993 },
      auth: { password: 'new' },
      ownerUserId: null,
    });
    expect(answer).toMatchObject({ dryRun: true, policy: { visibility: 'full', refreshSeconds: 60 } });
    expect(codes(answer)).toEqual(['reconnects', 'refresh-time', 'visibility-of-new-mail']);
    expect(await written()).toEqual(before);
    expect(server.engine.asked).toHaveLength(asked);
  });

  test('does not wait for a change that is under way, and keeps none waiting', async () => {
    await connect();
    const { db } = database;
    await db.inTenant(key.tenantId, async (sql) => {
      await sql.query('SELECT 1 FROM source WHERE id = $1 FOR UPDATE', [source().sourceId]);
      expect(await preview({ policy: { visibility: 'full' } })).toMatchObject({ dryRun: true });
    });
  });

  test('says which folders come in, with how many messages will be fetched, and which leave, with what stays', async () => {
    await connect();
    const inbox = await insertFolder(database.db, source());
    await insertPlacements(database.db, source(), { ...inbox, uids: [1, 2, 3], outcome: 'recorded' });
    const trash = await insertTrash();
    await insertPlacements(database.db, source(), {
      ...trash,
      uids: [1, 2],
      outcome: 'filtered',
      reason: 'folder-role',
    });
    const answer = await preview({ policy: { folders: { include: ['Trash'], exclude: ['INBOX'] } } });
    expect(answer.folders).toEqual([
      { folder: 'INBOX', from: 'fetch', to: 'ignore', ledgerRows: 3, recorded: 3, toFetch: 0 },
      { folder: 'Trash', from: 'ledger-only', to: 'fetch', ledgerRows: 2, recorded: 0, toFetch: 2 },
    ]);
    expect(answer.messages).toEqual({ toFetch: 2, toFetchKnown: 2, staysRecorded: 3 });
    expect(codes(answer)).toEqual(['folders-enter', 'folders-leave']);
  });

  test('does not guess what only the next listing can tell', async () => {
    await connect({ from: 'now' });
    const trash = await insertTrash();
    await insertPlacements(database.db, source(), {
      ...trash,
      uids: [1, 2],
      outcome: 'filtered',
      reason: 'folder-role',
    });
    const answer = await preview({ policy: { folders: { include: ['Trash'] } } });
    expect(answer.messages).toEqual({ toFetch: null, toFetchKnown: 0, staysRecorded: 0 });
  });

  test('says that a change of nothing does nothing', async () => {
    await connect();
    const answer = await preview({ policy: { refreshSeconds: 300 } });
    expect(answer).toMatchObject({ folders: [], effects: [], warnings: [], messages: { toFetch: 0 } });
  });

  test('says that mail becomes activities, and again that it does not', async () => {
    await connect();
    const answer = await preview({ policy: { preset: 'activities' } });
    expect(codes(answer)).toEqual(['mail-matched-again', 'activities-of-new-mail']);
    expect((await patch({ policy: { preset: 'activities' } })).statusCode).toBe(200);
    expect(codes(await preview({ policy: { preset: 'activities' } }))).toEqual([]);
    expect(codes(await preview({ policy: { activity: null } }))).toEqual(['no-activities-of-new-mail']);
  });

  test('speaks the language that is asked for', async () => {
    await connect();
    const answer = await preview({ policy: { visibility: 'full' } }, { 'accept-language': 'nl' });
    expect(answer.effects[0]?.sentence).toContain('zichtbaarheid');
  });

  test('is refused as the change itself would be', async () => {
    await connect();
    const refusals: [object, Record<string, string>][] = [
      [{ policy: { removals: 'mirror', onStop: 'delete', activity: { type: 'e', status: 'd' } } }, {}],
      [{ policy: { start: { from: 'now' } } }, {}],
      [{ policy: { folders: { mode: 'selected' } } }, {}],
      [{ imap: { host: 'other.example' } }, {}],
      [{ ownerUserId: 'usr_00000000000070008000000000000000' }, {}],
      [{ displayName: 'x' }, { 'if-match': '"old"' }],
      [{ unknownField: 1 }, {}],
    ];
    for (const [payload, headers] of refusals) {
      const dry = await patch(payload, '?dryRun=true', headers);
      const real = await patch(payload, '', headers);
      expect(dry.statusCode).toBeGreaterThanOrEqual(400);
      expect({ ...dry.json<object>(), requestId: '' }).toEqual({ ...real.json<object>(), requestId: '' });
    }
  });

  test('tries another way to log in, as the change would', async () => {
    await connect();
    server.probe.answer = { ok: false, code: 'login-refused', detail: '' };
    const dry = await patch({ auth: { password: 'wrong' } }, '?dryRun=true');
    server.probe.answer = { ok: true, provider: null, abilities: [], folders: 1 };
    expect([dry.statusCode, dry.json<{ code: string }>().code]).toEqual([422, 'login-refused']);
  });
});

test('a mailbox that moves from this machine to a real server answers with what a person must know', async () => {
  await connect();
  server.context.homeInsideClone = true;
  const move = (host: string) => ({ imap: { host, security: 'tls' }, auth: { password: 'x' } });
  const dry = (await preview(move('imap.real.example'))).warnings;
  const real = (await patch(move('imap.real.example'))).json<Preview>().warnings;
  const home = (await patch(move('127.0.0.1'))).json<Preview>().warnings;
  const other = (await patch({ displayName: 'x' })).json<Preview>().warnings;
  server.context.homeInsideClone = false;
  expect(real).toHaveLength(1);
  expect(dry).toEqual(real);
  expect([home, other]).toEqual([[], []]);
});

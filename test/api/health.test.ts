import { openDatabase } from '../../src/db/database';
import { uuidOf } from '../../src/domain/ids';
import { connectMailbox, issueKey, testApi, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { insertFailure, insertFolder, insertPlacements } from '../support/ledger-rows';

let database: TestDatabase;
let server: TestApi;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(() => {
  server = testApi(database.db);
});
afterEach(() => server.api.close());

const readiness = async (api = server.api) => {
  const answer = await api.inject('/readyz');
  return [answer.statusCode, answer.json<{ values?: string[] }>().values ?? []];
};

test('alive needs nothing', async () => {
  expect((await server.api.inject('/healthz')).json()).toEqual({ status: 'ok' });
});

test('ready needs database, Temporal and a polling worker, and names what is missing', async () => {
  expect(await readiness()).toEqual([200, []]);
  server.engine.state = { reachable: true, polled: false };
  expect(await readiness()).toEqual([503, ['worker']]);
  server.engine.state = { reachable: false, polled: false };
  expect(await readiness()).toEqual([503, ['temporal', 'worker']]);
});

test('a database that is not there makes calls 503, and the process stays alive', async () => {
  const db = openDatabase({ url: 'postgres://nobody:x@127.0.0.1:1/none', poolSize: 2 });
  const alone = testApi(db);
  expect(await readiness(alone.api)).toEqual([503, ['database']]);
  const answer = await alone.api.inject({ url: '/v1/mailboxes', headers: { authorization: 'Bearer lbk_x' } });
  expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '5']);
  expect(answer.json()).toMatchObject({ type: '/problems/unavailable' });
  expect((await alone.api.inject('/healthz')).statusCode).toBe(200);
  await alone.api.close();
  await db.close();
});

test('metrics count mailboxes, parked mail that nobody has accepted, and requests, and name no id, address or path', async () => {
  const key = await issueKey(database.db, await database.newTenant());
  const id = await connectMailbox(server, key);
  const source = { tenantId: key.tenantId, sourceId: uuidOf('mailbox', id) ?? '' };
  const folder = await insertFolder(database.db, source, 'marked-folder');
  await insertPlacements(database.db, source, { ...folder, uids: [1, 2, 3], outcome: 'parked' });
  const accepted = await insertFailure(database.db, source, { ...folder, uid: 3 });
  await database.db.inTenant(key.tenantId, (sql) =>
    sql.execute(`UPDATE failure SET state = 'accepted' WHERE id = $1`, [accepted]),
  );
  await server.api.inject({ url: `/v1/mailboxes/${id}?marked=query`, headers: key.headers });
  const { body, headers } = await server.api.inject('/metrics');
  expect(headers['content-type']).toContain('text/plain');
  expect(body).toContain('letterbook_mailboxes{state="connecting"} 1');
  expect(body).toContain('letterbook_placements_parked 2');
  expect(body).toMatch(
    /letterbook_http_request_duration_seconds_count\{method="GET",route="\/v1\/mailboxes\/:id",status="\d+"\} 1/,
  );
  expect(body).toContain('letterbook_outbox_held_back 0');
  expect(body).not.toMatch(/mbx_|marked|company\.example/);
});

test('metrics tell what audits missed, the age of the oldest proof, and how many mailboxes have had none for 26 hours', async () => {
  const key = await issueKey(database.db, await database.newTenant());
  const { tenantId } = key;
  const hoursSinceProof = [1, 27, 40];
  for (const [at, hours] of hoursSinceProof.entries()) {
    const id = await connectMailbox(server, key, { address: `proof${String(at)}@company.example` });
    const sourceId = uuidOf('mailbox', id) ?? '';
    const [found, importing] = [
      await insertFolder(database.db, { tenantId, sourceId }, 'One'),
      await insertFolder(database.db, { tenantId, sourceId }, 'Two'),
    ];
    await database.db.inTenant(tenantId, async (sql) => {
      await sql.execute(
        `UPDATE mailbox SET last_proven_at = now() - $2::float8 * interval '1 hour' WHERE source_id = $1`,
        [sourceId, hours],
      );
      await sql.execute(
        `INSERT INTO folder_audit (tenant_id, source_id, folder_id, verdict, reason, ledger_counts, missing_count, undelivered_count, checked_at)
         VALUES ($1, $2, $3, 'missing', NULL, '{}', 2, 1, now()), ($1, $2, $4, 'missing', 'import-running', '{}', 500, 4, now())`,
        [tenantId, sourceId, found.folderId, importing.folderId],
      );
    });
  }
  const { body } = await server.api.inject('/metrics');
  const value = (name: string) => Number(new RegExp(`^letterbook_${name} (\\S+)$`, 'm').exec(body)?.[1]);
  expect(value('missing_messages')).toBe(21);
  expect(value('mailboxes_unproven')).toBe(2);
  expect(value('proof_oldest_seconds')).toBeGreaterThanOrEqual(40 * 3_600);
  expect(value('proof_oldest_seconds')).toBeLessThan(41 * 3_600);
});

import { uuidOf } from '../../src/domain/ids';
import { connectMailbox, issueKey, testApi, type IssuedKey, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { insertFolder, insertPlacements } from '../support/ledger-rows';

let database: TestDatabase;
let server: TestApi;
let key: IssuedKey;
let id: string;
let source: { tenantId: string; sourceId: string };

beforeAll(async () => {
  database = await createTestDatabase();
  server = testApi(database.db, { syncAnswerMs: 200 });
});
afterAll(async () => {
  await server.api.close();
  await database.drop();
});
beforeEach(async () => {
  key = await issueKey(database.db, await database.newTenant());
  id = await connectMailbox(server, key);
  source = { tenantId: key.tenantId, sourceId: uuidOf('mailbox', id) ?? '' };
});

interface Item {
  folder: string;
  uid: number;
  outcome: string;
}

interface Page {
  items: Item[];
  nextCursor: string | null;
}

const ledger = (query = '', headers: Record<string, string> = key.headers) =>
  server.api.inject({ url: `/v1/mailboxes/${id}/ledger${query}`, headers });

test('a row says folder, UID, outcome, presence and what the bytes were', async () => {
  const inbox = await insertFolder(database.db, source, 'Gel\u00f6scht');
  await insertPlacements(database.db, source, { ...inbox, uids: [7] });
  await insertPlacements(database.db, source, {
    ...inbox,
    uids: [8],
    outcome: 'filtered',
    reason: 'before-start',
    presence: 'ended',
  });
  const { items, nextCursor } = (await ledger()).json<Page>();
  expect(nextCursor).toBeNull();
  expect(items).toEqual([
    {
      folder: 'Gel\u00f6scht',
      uidValidity: '4294967296123',
      uid: 7,
      outcome: 'recorded',
      reason: null,
      presence: 'live',
      messageId: null,
      copyId: null,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown,
      size: 1234,
      recordedAt: expect.any(String) as unknown,
    },
    expect.objectContaining({
      uid: 8,
      outcome: 'filtered',
      reason: 'before-start',
      presence: 'ended',
      sha256: null,
      size: null,
    }),
  ]);
});

test('pages go through all folders, each row once', async () => {
  for (const path of ['A', 'B', 'C']) {
    const folder = await insertFolder(database.db, source, path);
    await insertPlacements(database.db, source, { ...folder, uids: [1, 2, 3, 4, 5] });
  }
  const seen: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const page: Page = (await ledger(`?limit=4${cursor === '' ? '' : `&cursor=${cursor}`}`)).json<Page>();
    seen.push(...page.items.map((item) => `${item.folder}${String(item.uid)}`));
    cursor = page.nextCursor;
  }
  expect(seen).toEqual(['A', 'B', 'C'].flatMap((path) => [1, 2, 3, 4, 5].map((uid) => `${path}${String(uid)}`)));
});

test('filters by folder, outcome and presence', async () => {
  const inbox = await insertFolder(database.db, source, 'INBOX');
  const sent = await insertFolder(database.db, source, 'Sent');
  await insertPlacements(database.db, source, { ...inbox, uids: [1, 2] });
  await insertPlacements(database.db, source, { ...inbox, uids: [3], outcome: 'parked' });
  await insertPlacements(database.db, source, { ...sent, uids: [1], presence: 'ended' });
  const uids = async (query: string) =>
    (await ledger(query)).json<Page>().items.map((item) => `${item.folder}/${String(item.uid)}`);
  expect(await uids('?folder=Sent')).toEqual(['Sent/1']);
  expect(await uids('?outcome=parked')).toEqual(['INBOX/3']);
  expect(await uids('?presence=ended')).toEqual(['Sent/1']);
  expect((await ledger('?outcome=lost')).statusCode).toBe(400);
});

test('all rows stream as NDJSON, more than one page of them', async () => {
  const inbox = await insertFolder(database.db, source);
  const uids = Array.from({ length: 4_500 }, (_, n) => n + 1);
  await insertPlacements(database.db, source, { ...inbox, uids });
  const answer = await ledger('?limit=1', { ...key.headers, accept: 'application/x-ndjson' });
  expect(answer.headers['content-type']).toBe('application/x-ndjson');
  const lines = answer.body
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Item);
  expect(lines.map((line) => line.uid)).toEqual(uids);
});

test('an empty ledger is an empty page and an empty stream', async () => {
  expect((await ledger()).json()).toEqual({ items: [], nextCursor: null });
  const stream = await ledger('', { ...key.headers, accept: 'application/x-ndjson' });
  expect([stream.statusCode, stream.body]).toEqual([200, '']);
});

test('the ledger of another tenant is 404', async () => {
  const other = await issueKey(database.db, await database.newTenant());
  expect((await ledger('', other.headers)).statusCode).toBe(404);
});

describe('completeness', () => {
  const completeness = () => server.api.inject({ url: `/v1/mailboxes/${id}/completeness`, headers: key.headers });
  const compare = () =>
    server.api.inject({ method: 'POST', url: `/v1/mailboxes/${id}/completeness`, headers: key.headers });

  function audited(folderId: string, verdict: string, missing: number[]) {
    return database.db.inTenant(key.tenantId, async (sql) => {
      await sql.execute('UPDATE folder_generation SET audited_at = now() WHERE folder_id = $1', [folderId]);
      await sql.execute(
        `INSERT INTO folder_audit (tenant_id, source_id, folder_id, verdict, server_count, ledger_counts, missing, missing_count, checked_at)
         VALUES ($1, $2, $3, $4, 5, '{"recorded": 4}', $5, $6, now())`,
        [key.tenantId, source.sourceId, folderId, verdict, missing, missing.length],
      );
    });
  }

  test('a mailbox that was never compared is not provable, and so is each folder', async () => {
    expect((await completeness()).json()).toMatchObject({
      verdict: 'not-provable',
      items: [],
      history: [],
      lastAudit: null,
      nextCursor: null,
    });
    await insertFolder(database.db, source);
    expect((await completeness()).json()).toMatchObject({
      verdict: 'not-provable',
      items: [{ folder: 'INBOX', verdict: 'not-provable', reason: 'not-compared-yet', checkedAt: null, missing: [] }],
    });
  });

  test('each folder says what the last comparison found; the mailbox is as good as its worst', async () => {
    const [inbox, sent] = [
      await insertFolder(database.db, source, 'INBOX'),
      await insertFolder(database.db, source, 'Sent'),
    ];
    await audited(inbox.folderId, 'missing', [17]);
    await audited(sent.folderId, 'complete', []);
    await database.db.inTenant(key.tenantId, (sql) =>
      sql.execute('UPDATE folder_audit SET accepted_count = 3, undelivered_count = 2 WHERE folder_id = $1', [
        inbox.folderId,
      ]),
    );
    const answer = (await completeness()).json<{ verdict: string; items: object[] }>();
    expect(answer.verdict).toBe('missing');
    expect(answer.items).toEqual([
      expect.objectContaining({
        folder: 'INBOX',
        verdict: 'missing',
        serverCount: 5,
        ledgerCounts: { recorded: 4 },
        missing: [17],
        missingCount: 1,
        undeliveredCount: 2,
        acceptedCount: 3,
      }),
      expect.objectContaining({ folder: 'Sent', verdict: 'complete', undeliveredCount: 0, acceptedCount: 0 }),
    ]);
  });

  test('a folder that is out of scope or gone counts only for what was found in it before, or not at all', async () => {
    const [left, never, gone] = [
      await insertFolder(database.db, source, 'Left out'),
      await insertFolder(database.db, source, 'Never in'),
      await insertFolder(database.db, source, 'Gone'),
    ];
    await audited(left.folderId, 'complete', []);
    await audited(gone.folderId, 'complete', []);
    await database.db.inTenant(key.tenantId, async (sql) => {
      await sql.execute('UPDATE folder SET in_scope = false WHERE id = ANY ($1)', [[left.folderId, never.folderId]]);
      await sql.execute('UPDATE folder SET gone_at = now() WHERE id = $1', [gone.folderId]);
    });
    const answer = (await completeness()).json<{ items: { folder: string }[] }>();
    expect(answer.items.map(({ folder }) => folder)).toEqual(['Left out']);
  });

  test('POST compares now and answers with the result', async () => {
    const inbox = await insertFolder(database.db, source);
    server.engine.onAudit = async ({ operationId }) => {
      await audited(inbox.folderId, 'complete', []);
      await database.db.inTenant(key.tenantId, (sql) =>
        sql.execute(
          `UPDATE operation SET state = 'done', started_at = now(), finished_at = now() WHERE tenant_id = $1 AND id = $2`,
          [key.tenantId, operationId],
        ),
      );
    };
    const answer = await compare();
    expect([answer.statusCode, answer.json<{ verdict: string }>().verdict]).toEqual([200, 'complete']);
  });

  test('POST is 202 with the operation when it takes longer, and a second one waits for the same', async () => {
    server.engine.onAudit = () => new Promise(() => undefined);
    const [first, second] = [await compare(), await compare()];
    expect([first.statusCode, second.statusCode]).toEqual([202, 202]);
    expect(first.json()).toMatchObject({ kind: 'audit', state: 'waiting' });
    expect(second.json<{ id: string }>().id).toBe(first.json<{ id: string }>().id);
  });

  test('POST is 409 where it could not be compared, and its operation has failed', async () => {
    server.engine.onAudit = () => Promise.resolve();
    expect((await compare()).json()).toMatchObject({ status: 409, type: '/problems/not-compared' });
    const states = await database.db.inTenant(key.tenantId, (sql) =>
      sql.query(`SELECT state FROM operation WHERE kind = 'audit'`),
    );
    expect(states).toEqual([{ state: 'failed' }]);
  });
});

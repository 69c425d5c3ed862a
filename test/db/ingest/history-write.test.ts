import { closeFolder, beginGeneration, finishHistory } from '../../../src/db/ingest/generation-write';
import { reconcileFolders } from '../../../src/db/ingest/folder-write';
import { newUuid } from '../../../src/db/new-id';
import { defaultPolicy } from '../../../src/domain/policy';
import { createTestDatabase, type TestDatabase } from '../../support/database';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(async () => {
  await database.drop();
});

test('an import that ends does not call done what a round has handed over meanwhile', async () => {
  const { db } = database;
  const tenantId = await database.newTenant();
  const sourceId = newUuid();
  await db.inTenant(tenantId, (sql) =>
    sql.execute(
      `INSERT INTO source (tenant_id, id, kind, address, address_key, policy, desired_state)
       VALUES ($1, $2, 'mailbox', 'a@corp.example', 'a@corp.example', $3, 'running')`,
      [tenantId, sourceId, JSON.stringify(defaultPolicy)],
    ),
  );
  const source = { tenantId, sourceId, fence: { epoch: 1, generation: 1 }, policy: defaultPolicy };
  const listed = {
    path: 'INBOX',
    delimiter: '/',
    role: 'inbox' as const,
    selectable: true,
    status: null,
  };
  const [folder] = await reconcileFolders(db, source, { listed: [listed] });
  const opened = { folderId: folder?.folderId ?? '', uidValidity: '1', mailboxId: null, before: null, again: null };
  const genId = await beginGeneration(db, source, opened);
  const snapshot = { uidValidity: '1', uidNext: 1_000, messages: 900, highestModseq: null };
  await closeFolder(db, source, { genId, snapshot, history: 900, presence: 'settled' });
  await closeFolder(db, source, {
    genId,
    snapshot: { ...snapshot, uidNext: 6_001 },
    history: 5_000,
    presence: 'settled',
  });
  const isDone = async () => {
    const [row] = await db.inTenant(tenantId, (sql) =>
      sql.query<{ done: boolean }>('SELECT history_done_at IS NOT NULL AS done FROM folder_generation WHERE id = $1', [
        genId,
      ]),
    );
    return row?.done;
  };
  await finishHistory(db, source, { genId, below: 1_000 });
  expect(await isDone()).toBe(false);
  await finishHistory(db, source, { genId, below: 6_001 });
  expect(await isDone()).toBe(true);
});

import { reconcileFolders } from '../../../src/db/ingest/folder-write';
import { beginGeneration, closeFolder, finishHistory, recordFiltered } from '../../../src/db/ingest/generation-write';
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

const inbox = { path: 'INBOX', delimiter: '/', role: 'inbox' as const, selectable: true, status: null };
const snapshot = { uidValidity: '1', uidNext: 1_000, messages: 900, highestModseq: null };

/** A folder of whose first generation somebody still knows, while the second has begun. */
async function replacedGeneration() {
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
  const [folder] = await reconcileFolders(db, source, { listed: [inbox] });
  const opened = { folderId: folder?.folderId ?? '', uidValidity: '1', mailboxId: null, before: null, again: null };
  const genId = await beginGeneration(db, source, opened);
  await beginGeneration(db, source, { ...opened, uidValidity: '2', before: genId });
  return { source, genId };
}

const rowsOf = async ({ source, genId }: Awaited<ReturnType<typeof replacedGeneration>>) =>
  database.db.inTenant(source.tenantId, async (sql) => ({
    placements: (await sql.query('SELECT uid FROM placement WHERE gen_id = $1', [genId])).length,
    cursor: await sql.query('SELECT uidnext, history_total, history_done_at FROM folder_generation WHERE id = $1', [
      genId,
    ]),
    operations: (await sql.query('SELECT id FROM operation WHERE source_id = $1', [source.sourceId])).length,
  }));

describe('of a generation that was retired meanwhile nothing is written', () => {
  type Late = Awaited<ReturnType<typeof replacedGeneration>>;
  const late: [string, (of: Late) => Promise<void>][] = [
    [
      'rows of mail that is left out',
      ({ source, genId }) => recordFiltered(database.db, source, { genId, uids: [1, 2, 3], reason: 'before-start' }),
    ],
    [
      'a cursor',
      ({ source, genId }) => closeFolder(database.db, source, { genId, snapshot, history: 0, presence: 'settled' }),
    ],
    [
      'history for the import',
      ({ source, genId }) => closeFolder(database.db, source, { genId, snapshot, history: 900, presence: 'settled' }),
    ],
    ['the end of its history', ({ source, genId }) => finishHistory(database.db, source, { genId, below: 0 })],
  ];
  test.each(late)('%s', async (_, write) => {
    const replaced = await replacedGeneration();
    const before = await rowsOf(replaced);
    await expect(write(replaced)).rejects.toMatchObject({ kind: 'cursor-lost', code: 'uidvalidity-changed' });
    expect(await rowsOf(replaced)).toEqual(before);
  });
});

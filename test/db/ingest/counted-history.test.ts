import fc from 'fast-check';

import { importProgress } from '../../../src/db/import-progress';
import { countImported } from '../../../src/db/import-track';
import type { NextCursor } from '../../../src/db/ingest/cursor';
import { reconcileFolders } from '../../../src/db/ingest/folder-write';
import { beginGeneration, closeFolder, finishHistory } from '../../../src/db/ingest/generation-write';
import { newUuid } from '../../../src/db/new-id';
import { defaultPolicy, type Policy } from '../../../src/domain/policy';
import { progressOf } from '../../../src/domain/progress';
import { createTestDatabase, type TestDatabase } from '../../support/database';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(async () => {
  await database.drop();
});

const paths = ['INBOX', 'Side'] as const;
type Path = (typeof paths)[number];
const listed = paths.map((path) => ({ path, delimiter: '/', role: null, selectable: true, status: null }));
const cursor = (uidNext: number): NextCursor => ({
  uidValidity: '1',
  uidNext,
  messages: uidNext - 1,
  highestModseq: null,
});

/** A mailbox with two folders, opened and not yet listed. */
async function opened() {
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
  const folders = await reconcileFolders(db, source, { listed });
  const genIds = new Map<string, number>();
  const begin = async (path: Path, uidValidity = '1') => {
    const folderId = folders.find((folder) => folder.path === path)?.folderId ?? '';
    const before = genIds.get(path) ?? null;
    genIds.set(
      path,
      await beginGeneration(db, source, { folderId, uidValidity, mailboxId: null, before, again: null }),
    );
  };
  for (const path of paths) await begin(path);
  const genId = (path: Path) => genIds.get(path) ?? 0;
  return {
    begin,
    close: (path: Path, history: number, below = 1_000) =>
      closeFolder(db, source, { genId: genId(path), snapshot: cursor(below), history, presence: 'settled' }),
    record: (path: Path, done: number) =>
      db.inTenant(tenantId, (sql) => countImported(sql, source, { genId: genId(path), done })),
    progress: async () => {
      const [progress] = await db.inTenant(tenantId, (sql) => importProgress(sql, tenantId, [sourceId]));
      return progress === undefined ? null : progressOf(progress);
    },
    finish: (path: Path, below = 1_000) => finishHistory(db, source, { genId: genId(path), below }),
    fetchOnly: (include: Path[]) => {
      const folders: Policy['folders'] = { mode: 'selected', include, exclude: [] };
      return reconcileFolders(db, { ...source, policy: { ...defaultPolicy, folders } }, { listed });
    },
    imports: async () => {
      const rows = await db.inTenant(tenantId, (sql) =>
        sql.query<{ state: string; total: number }>(
          `SELECT state, total FROM operation WHERE source_id = $1 AND kind = 'import' ORDER BY created_at`,
          [sourceId],
        ),
      );
      return rows.map(({ state, total }) => [state, total]);
    },
  };
}

test('an import that waited for the first listing of a folder ends when nothing of it is owed', async () => {
  const mailbox = await opened();
  await mailbox.close('INBOX', 10);
  await mailbox.finish('INBOX');
  expect(await mailbox.imports()).toEqual([['running', 0]]);
  await mailbox.close('Side', 0);
  expect(await mailbox.imports()).toEqual([['done', 0]]);
});

test('the end of a history that is told twice is counted once', async () => {
  const mailbox = await opened();
  await mailbox.close('INBOX', 10);
  await mailbox.close('Side', 20);
  for (let told = 0; told < 2; told += 1) await mailbox.finish('INBOX');
  expect(await mailbox.imports()).toEqual([['running', 20]]);
});

test('a folder that leaves the scope twice is taken out once, and one that comes back counts what it then has', async () => {
  const mailbox = await opened();
  await mailbox.close('INBOX', 10);
  await mailbox.close('Side', 20);
  for (let told = 0; told < 2; told += 1) await mailbox.fetchOnly(['INBOX']);
  expect(await mailbox.imports()).toEqual([['running', 10]]);
  await mailbox.fetchOnly(['INBOX', 'Side']);
  await mailbox.close('Side', 15);
  expect(await mailbox.imports()).toEqual([['running', 25]]);
  await mailbox.fetchOnly(['Side']);
  expect(await mailbox.imports()).toEqual([['running', 15]]);
});

test('a gap that becomes history after the first was imported counts alone when it leaves', async () => {
  const mailbox = await opened();
  await mailbox.close('INBOX', 10);
  await mailbox.close('Side', 20);
  await mailbox.finish('Side');
  await mailbox.close('Side', 5, 2_000);
  expect(await mailbox.imports()).toEqual([['running', 15]]);
  await mailbox.fetchOnly(['INBOX']);
  expect(await mailbox.imports()).toEqual([['running', 10]]);
});

test('another UIDVALIDITY of the only folder that is left ends no import: its history is made anew', async () => {
  const mailbox = await opened();
  await mailbox.close('Side', 0);
  await mailbox.close('INBOX', 10);
  await mailbox.begin('INBOX', '2');
  expect(await mailbox.imports()).toEqual([['running', 0]]);
  await mailbox.close('INBOX', 12);
  expect(await mailbox.imports()).toEqual([['running', 12]]);
  await mailbox.begin('INBOX', '3');
  await mailbox.close('INBOX', 0);
  expect(await mailbox.imports()).toEqual([['done', 0]]);
});

/** What is left of a folder's history by the rules alone; null where nothing was handed over, or it is at its end. */
type Left = Record<Path, number | null>;

const step = fc.record({
  what: fc.constantFrom('hand-over', 'record', 'record', 'record', 'finish', 'change-scope', 'change-uidvalidity'),
  path: fc.constantFrom(...paths),
  messages: fc.integer({ min: 1, max: 50 }),
});

test('whatever comes in whatever order, what is left is right to the message, and the percentage never goes back', async () => {
  const oneRun = async (steps: { what: string; path: Path; messages: number }[]) => {
    const mailbox = await opened();
    const left: Left = { INBOX: null, Side: null };
    let scope: Path[] = [...paths];
    const below = { INBOX: 1_000, Side: 1_000 };
    let validity = 1;
    let percent = 0;
    for (const { what, path, messages } of steps) {
      const rest = left[path];
      if (what === 'change-scope') {
        scope = scope.includes(path) ? scope.filter((other) => other !== path) : [...scope, path];
        if (scope.length === 0) scope = [...paths];
        await mailbox.fetchOnly(scope);
        for (const other of paths) if (!scope.includes(other)) left[other] = null;
      } else if (!scope.includes(path)) continue;
      else if (what === 'hand-over') {
        await mailbox.close(path, messages, (below[path] += 1));
        left[path] = (rest ?? 0) + messages;
      } else if (what === 'change-uidvalidity') {
        await mailbox.begin(path, String((validity += 1)));
        left[path] = null;
      } else if (rest !== null && what === 'record') {
        const done = Math.min(rest, messages);
        await mailbox.record(path, done);
        left[path] = rest - done;
      } else if (rest !== null) {
        await mailbox.finish(path, below[path]);
        left[path] = null;
      }
      const owed = paths.reduce((sum, other) => sum + (left[other] ?? 0), 0);
      // An import that has ended is shown no more, and the next one begins anew.
      const progress = await mailbox.progress();
      const shown = progress ?? { known: 0, done: 0, percent: 100 };
      expect(shown.known - shown.done).toBe(owed);
      expect(shown.percent).toBeGreaterThanOrEqual(percent);
      expect(shown.percent).toBeLessThanOrEqual(100);
      percent = progress?.percent ?? 0;
    }
  };
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), oneRun), { numRuns: 25 });
});

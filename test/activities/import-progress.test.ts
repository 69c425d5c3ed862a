import { importBatch, type ImportResult } from '../../src/activities/import-batch';
import { importProgress } from '../../src/db/import-progress';
import type { Policy } from '../../src/domain/policy';
import { progressOf, type Progress } from '../../src/domain/progress';
import { appendMany } from '../support/append-many';
import { sharedDovecot } from '../support/dovecot';
import { mail } from '../support/mail-factory';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';

let bench: SyncBench;

beforeAll(async () => {
  bench = await createSyncBench(sharedDovecot().imapPort, { importActivityMessages: 150, fetchBatchMessages: 25 });
});
afterAll(async () => {
  await bench.close();
});

interface Shown extends Progress {
  folders: number;
  folder: string | null;
}

async function shownOf({ tenantId, mailboxId }: TestMailbox): Promise<Shown | null> {
  const [progress] = await bench.database.db.inTenant(tenantId, (sql) => importProgress(sql, tenantId, [mailboxId]));
  if (progress === undefined) return null;
  return { ...progressOf(progress), folders: progress.folders, folder: progress.folder };
}

/** What somebody sees who looks all the time while the work is done. */
async function watched(mailbox: TestMailbox, work: Promise<unknown>): Promise<Shown[]> {
  const seen: Shown[] = [];
  const now = { isOver: false };
  const over = work.finally(() => {
    now.isOver = true;
  });
  while (!now.isOver) {
    const shown = await shownOf(mailbox);
    if (shown !== null) seen.push(shown);
  }
  await over;
  return seen;
}

const share = ({ tenantId, mailboxId }: TestMailbox, signal = new AbortController().signal) =>
  importBatch(bench.context, { signal, heartbeat: () => undefined }, { tenantId, mailboxId });

/** A share in whose middle, before its second batch is fetched, something else happens. */
function interrupted({ tenantId, mailboxId }: TestMailbox, event: () => Promise<unknown>): Promise<ImportResult> {
  const { budget } = bench.context;
  let batches = 0;
  const held = {
    ...budget,
    take: async (bytes: number, signal: AbortSignal) => {
      batches += 1;
      if (batches === 2) await event();
      return budget.take(bytes, signal);
    },
  };
  const run = { signal: new AbortController().signal, heartbeat: () => undefined };
  return importBatch({ ...bench.context, budget: held }, run, { tenantId, mailboxId });
}

test('an import is followed from its first message to its last, through a killed worker and new mail, and never goes back', async () => {
  const mailbox = await bench.connect();
  const { imapPort: port } = sharedDovecot();
  const messages = Array.from({ length: 300 }, (_, n) => mail({ subject: `history ${String(n)}` }));
  await appendMany({ port, user: mailbox.user }, messages);
  await mailbox.person.createFolder('Archive');
  for (let n = 0; n < 30; n += 1) await mailbox.person.append('Archive', mail({ subject: `archived ${String(n)}` }));
  await mailbox.round();
  const seen: Shown[] = [];
  const first = await shownOf(mailbox);
  expect(first).toMatchObject({ known: 330, done: 0, percent: 0, rate: null, etaSeconds: null, folders: 2 });

  seen.push(...(await watched(mailbox, share(mailbox))));
  // A worker that is cut off in the middle of its share.
  const cut = new AbortController();
  const broken = share(mailbox, cut.signal).catch(() => undefined);
  setTimeout(() => {
    cut.abort(new Error('killed'));
  }, 100);
  seen.push(...(await watched(mailbox, broken)));
  await mailbox.person.append('INBOX', mail({ subject: 'meanwhile' }));
  await mailbox.round();
  for (let left = 1; left > 0;) {
    const result = share(mailbox);
    seen.push(...(await watched(mailbox, result)));
    const ended = await result;
    left = ended.kind === 'done' ? ended.foldersLeft : 1;
  }

  expect(await shownOf(mailbox)).toBeNull();
  expect((await mailbox.ledger()).filter(({ outcome }) => outcome === 2)).toHaveLength(331);
  const rising = (numbers: number[]) => expect(numbers).toEqual([...numbers].sort((one, other) => one - other));
  rising(seen.map(({ done }) => done));
  rising(seen.map(({ percent }) => percent));
  rising(seen.map(({ known }) => known));
  expect(seen.map(({ folder }) => folder)).toContain('INBOX');
  expect(Math.max(...seen.map(({ percent }) => percent))).toBeGreaterThan(75);
});

/** A mailbox whose folders hold so many messages each, listed and not yet imported. */
async function withFolders(folders: Record<string, number>): Promise<TestMailbox> {
  const mailbox = await bench.connect();
  for (const [path, messages] of Object.entries(folders)) {
    await mailbox.person.createFolder(path);
    await fill(mailbox, path, messages);
  }
  await mailbox.round();
  return mailbox;
}

async function fill({ user }: TestMailbox, folder: string, messages: number): Promise<void> {
  const { imapPort: port } = sharedDovecot();
  const made = Array.from({ length: messages }, (_, n) => mail({ subject: `${folder} ${String(n)}` }));
  await appendMany({ port, user, folder }, made);
}

async function leaveOut({ tenantId, mailboxId }: TestMailbox, exclude: string[]): Promise<void> {
  const folders: Policy['folders'] = { mode: 'all', include: [], exclude };
  await bench.database.db.inTenant(tenantId, (sql) =>
    sql.execute(`UPDATE source SET policy = jsonb_set(policy, '{folders}', $2::jsonb) WHERE id = $1`, [
      mailboxId,
      JSON.stringify(folders),
    ]),
  );
}

/** Operations of its imports: state, done and total of each, oldest first. */
async function importsOf({ tenantId, mailboxId }: TestMailbox): Promise<[string, number, number][]> {
  const rows = await bench.database.db.inTenant(tenantId, (sql) =>
    sql.query<{ state: string; done: number; total: number }>(
      `SELECT state, done, total FROM operation WHERE source_id = $1 AND kind = 'import' ORDER BY created_at`,
      [mailboxId],
    ),
  );
  return rows.map(({ state, done, total }) => [state, done, total]);
}

async function importRest(mailbox: TestMailbox, looked: (shown: Shown) => void): Promise<void> {
  for (let left = 1; left > 0;) {
    const result: ImportResult = await share(mailbox);
    const shown = await shownOf(mailbox);
    if (shown !== null) looked(shown);
    left = result.kind === 'done' ? result.foldersLeft : 1;
  }
}

test('a folder that leaves the scope during an import takes what is left of it along, and brings it back once', async () => {
  const mailbox = await withFolders({ Small: 200, Big: 600 });
  await share(mailbox);
  const before = await shownOf(mailbox);
  expect(before).toMatchObject({ known: 800, done: 150, folders: 2 });
  await leaveOut(mailbox, ['Big']);
  await mailbox.round();
  const without = await shownOf(mailbox);
  expect(without).toMatchObject({ known: 200, done: 150, folders: 1, percent: before?.percent });
  await leaveOut(mailbox, []);
  await mailbox.round();
  const again = await shownOf(mailbox);
  expect(again).toMatchObject({ known: 800, done: 150, folders: 2, percent: before?.percent });
  const percents: number[] = [again?.percent ?? 0];
  await importRest(mailbox, ({ percent, known }) => {
    expect(known).toBe(800);
    percents.push(percent);
  });
  expect(percents).toEqual([...percents].sort((one, other) => one - other));
  expect(await importsOf(mailbox)).toEqual([['done', 800, 800]]);
});

test('a folder that goes, and one that is made anew, in the middle of their history: the rest is right to the message', async () => {
  const mailbox = await withFolders({ First: 100, Second: 200, Third: 300 });
  await share(mailbox);
  const before = await shownOf(mailbox);
  // All of the first, and fifty of the second.
  expect(before).toMatchObject({ known: 600, done: 150, folders: 2 });
  await mailbox.person.deleteFolder('Second');
  await mailbox.round();
  const gone = await shownOf(mailbox);
  expect(gone).toMatchObject({ known: 450, done: 150, folders: 1, percent: before?.percent });
  // Half of the third is in the ledger when it gets another UIDVALIDITY.
  await share(mailbox);
  await mailbox.person.deleteFolder('Third');
  await mailbox.person.createFolder('Third');
  await fill(mailbox, 'Third', 20);
  await mailbox.round();
  const anew = await shownOf(mailbox);
  expect(anew).toMatchObject({ known: 320, done: 300, folders: 1 });
  expect(anew?.percent).toBeGreaterThanOrEqual(gone?.percent ?? 0);
  await importRest(mailbox, ({ known }) => expect(known).toBe(320));
  expect(await importsOf(mailbox)).toEqual([['done', 320, 320]]);
});

test('history that the server no longer has is not waited for by the folders that come after', async () => {
  const mailbox = await withFolders({ Small: 100, Big: 300 });
  await mailbox.person.expunge(
    'Small',
    Array.from({ length: 90 }, (_, n) => n + 1),
  );
  await share(mailbox);
  expect(await shownOf(mailbox)).toMatchObject({ known: 310, done: 150 });
});

/** A share of a folder that leaves the scope in its middle; fifty of it are in the ledger before. */
async function leavesInItsMiddle(others: Record<string, number>) {
  const mailbox = await withFolders({ First: 100, Second: 300, ...others });
  await share(mailbox);
  const ended = await interrupted(mailbox, async () => {
    await leaveOut(mailbox, ['Second']);
    await mailbox.round();
  });
  const recorded = (await mailbox.ledger()).filter(({ folder }) => folder === 'Second').length;
  // At most what was on its way when it left.
  expect(recorded).toBeLessThanOrEqual(75);
  return { mailbox, ended, recorded };
}

test('of a folder that leaves the scope while a share of it is fetched nothing more is recorded or counted', async () => {
  const { mailbox, ended, recorded } = await leavesInItsMiddle({ Third: 500 });
  expect(ended).toEqual({ kind: 'done', imported: 150, foldersLeft: 1 });
  expect(await shownOf(mailbox)).toMatchObject({ known: 600 + recorded, done: 250 + recorded, folders: 1 });
});

test('an import whose last folder leaves the scope in the middle of a share has ended', async () => {
  const { mailbox, ended, recorded } = await leavesInItsMiddle({});
  expect(ended).toEqual({ kind: 'done', imported: 0, foldersLeft: 0 });
  expect(await importsOf(mailbox)).toEqual([['done', 100 + recorded, 100 + recorded]]);
});

import { importBatch } from '../../src/activities/import-batch';
import { importProgress } from '../../src/db/import-progress';
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

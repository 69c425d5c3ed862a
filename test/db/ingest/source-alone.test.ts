import { setTimeout as sleep } from 'node:timers/promises';

import { recordAudit, recordAuditDone } from '../../../src/db/ingest/audit-write';
import { doubtCursor, lookAgain } from '../../../src/db/ingest/generation-write';
import { followFlags, seenDone } from '../../../src/db/ingest/presence-write';
import { newUuid } from '../../../src/db/new-id';
import { lockTenantForWriting } from '../../../src/db/tenant-lock';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { aMailbox, aMessage, type TestMailbox } from '../../support/mail-rows';

let database: TestDatabase;
let mailbox: TestMailbox;
let folderId: string;

const source = () => ({ ...mailbox, fence: { epoch: 1, generation: 1 } });

beforeAll(async () => {
  database = await createTestDatabase();
  mailbox = await aMailbox(database.db, await database.newTenant());
  await aMessage(database.db, mailbox);
  const [generation] = await database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.query<{ folder_id: string }>('SELECT folder_id FROM folder_generation WHERE id = $1', [mailbox.genId]),
  );
  folderId = generation?.folder_id ?? '';
});
afterAll(() => database.drop());

/** Does something while another mailbox's mail of the tenant is being written, which takes until it has ended. */
async function besideAnotherWriter(work: () => Promise<unknown>): Promise<'done' | 'waited'> {
  let isHeld = (): void => undefined;
  let mayEnd = (): void => undefined;
  const held = new Promise<void>((resolve) => (isHeld = resolve));
  const ended = new Promise<void>((resolve) => (mayEnd = resolve));
  const writer = database.db.inTenant(mailbox.tenantId, async (sql) => {
    await lockTenantForWriting(sql, mailbox.tenantId);
    isHeld();
    await ended;
  });
  await held;
  const working = work();
  const outcome = await Promise.race([working.then(() => 'done' as const), sleep(2_000).then(() => 'waited' as const)]);
  mayEnd();
  await Promise.all([writer, working]);
  return outcome;
}

const comparison = () => ({
  folderId,
  genId: mailbox.genId,
  verdict: 'complete' as const,
  reason: null,
  serverCount: 1,
  serverBytes: null,
  missing: [],
  unrecorded: 0,
  extra: [],
  ended: [],
  undelivered: [],
  accepted: 0,
  inParts: false,
  identities: null,
  cause: 'daily' as const,
});

const ownWrites: Record<string, () => Promise<unknown>> = {
  'what a folder was found to be': () => recordAudit(database.db, source(), comparison()),
  'how a comparison ended': () =>
    recordAuditDone(database.db, source(), {
      operationId: newUuid(),
      cause: 'daily',
      folderIds: [folderId],
      verdict: 'complete',
      isPartial: false,
      linked: 0,
      result: {},
      dailyMs: 86_400_000,
      againMs: 60_000,
    }),
  'that a cursor is not exact': () => doubtCursor(database.db, source(), mailbox.genId),
  'that a folder is to be looked at again': () => lookAgain(database.db, source(), mailbox.genId),
  flags: () =>
    followFlags(database.db, source(), {
      genId: mailbox.genId,
      flags: [{ uid: 1, flags: 1, modseq: null }],
      allRead: false,
    }),
  'that mail was marked as read': () => seenDone(database.db, source(), { genId: mailbox.genId, uids: [1] }),
};

test.each(Object.keys(ownWrites))('%s is written while mail of another mailbox is', async (what) => {
  expect(await besideAnotherWriter(() => ownWrites[what]?.() ?? Promise.reject(new Error(what)))).toBe('done');
});

test('mail follows the mail that is being written, so that it is matched with all that was there', async () => {
  expect(await besideAnotherWriter(() => aMessage(database.db, mailbox, { subject: 'the next' }))).toBe('waited');
});

test('writers of one mailbox follow one another: the numbers of its events have no gap and no number twice', async () => {
  const uids = await Promise.all(
    Array.from({ length: 10 }, async (_, n) => (await aMessage(database.db, mailbox, { subject: String(n) })).uid),
  );
  const flagged = (flags: number) => (uid: number) =>
    followFlags(database.db, source(), { genId: mailbox.genId, flags: [{ uid, flags, modseq: null }], allRead: false });
  await Promise.all([
    ...uids.map(flagged(3)),
    ...Array.from({ length: 10 }, (_, n) => aMessage(database.db, mailbox, { subject: `beside ${String(n)}` })),
  ]);
  const rows = await database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.query<{ seq: number }>('SELECT seq FROM outbox WHERE tenant_id = $1 AND stream = $2 ORDER BY seq', [
      mailbox.tenantId,
      mailbox.sourceId,
    ]),
  );
  expect(rows.length).toBeGreaterThanOrEqual(30);
  expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, index) => (rows[0]?.seq ?? 0) + index));
});

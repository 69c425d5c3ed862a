import { setTimeout as sleep } from 'node:timers/promises';

import type { Policy } from '../../src/domain/policy';
import { outcomes, presences } from '../../src/domain/ledger';
import { sharedDovecot } from '../support/dovecot';
import { mail } from '../support/mail-factory';
import { createSyncBench, type LedgerRow, type SyncBench, type TestMailbox } from '../support/sync-bench';

let bench: SyncBench;

beforeAll(async () => {
  bench = await createSyncBench(sharedDovecot().imapPort);
});

afterAll(async () => {
  await bench.close();
});

const subjects = ['one', 'two', 'three'];

/** A mailbox with a folder that holds three messages, all of them recorded. */
async function withFolder(path: string, policy: Partial<Policy> = {}): Promise<TestMailbox> {
  const mailbox = await bench.connect({ policy });
  await mailbox.person.createFolder(path);
  for (const subject of subjects) await mailbox.person.append(path, mail({ subject }));
  await mailbox.syncAll();
  return mailbox;
}

const inFolder = (rows: LedgerRow[], path: string) => rows.filter(({ folder }) => folder === path);
const placesOf = (rows: LedgerRow[]) => rows.map(({ folder, uid, presence }) => [folder, uid, presence]);

async function setFolders(mailbox: TestMailbox, folders: Policy['folders']): Promise<void> {
  await bench.database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.execute(`UPDATE source SET policy = jsonb_set(policy, '{folders}', $2::jsonb) WHERE id = $1`, [
      mailbox.mailboxId,
      JSON.stringify(folders),
    ]),
  );
}

async function eventsOf(mailbox: TestMailbox, type: string): Promise<{ genId: number; uids: number[] }[]> {
  const rows = await bench.database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.query<{ ids: { genId: number; uids: number[] } }>(
      'SELECT ids FROM outbox WHERE stream = $1 AND type = $2 ORDER BY seq',
      [mailbox.mailboxId, type],
    ),
  );
  return rows.map(({ ids }) => ids);
}

/** How many bytes the fetches of a round brought, by what was stored: nothing is fetched twice where this stays. */
async function recordedTwice(mailbox: TestMailbox): Promise<number> {
  const [row] = await bench.database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.query<{ count: number }>(
      `SELECT count(*) AS count FROM outbox WHERE stream = $1 AND type = 'message.recorded'`,
      [mailbox.mailboxId],
    ),
  );
  return (row?.count ?? 0) - subjects.length;
}

test('a renamed folder keeps its placements, and nothing is fetched', async () => {
  const mailbox = await withFolder('Before');
  const before = await mailbox.ledger();
  await mailbox.person.renameFolder('Before', 'After');
  expect(await mailbox.round()).toMatchObject({ kind: 'done', recorded: 0 });
  const after = await mailbox.ledger();
  expect(after).toEqual(before.map((row) => ({ ...row, folder: 'After' })));
  expect(await eventsOf(mailbox, 'placement.ended')).toEqual([]);
  expect(await recordedTwice(mailbox)).toBe(0);
});

test('a folder that is new has its mailbox compared with its server again soon, not the next day', async () => {
  const mailbox = await withFolder('Before');
  const dueInMs = async (): Promise<number | null> => {
    const [row] = await bench.database.db.inTenant(mailbox.tenantId, (sql) =>
      sql.query<{ ms: number | null }>(
        `SELECT (extract(epoch FROM audit_due_at - audited_at) * 1000)::float8 AS ms FROM mailbox WHERE source_id = $1`,
        [mailbox.mailboxId],
      ),
    );
    return row?.ms ?? null;
  };
  await bench.database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.execute(
      `UPDATE mailbox SET audited_at = now() - interval '1 minute', audit_tried_at = now() - interval '1 minute',
         audit_due_at = now() + interval '1 day', audit_cause = 'daily' WHERE source_id = $1`,
      [mailbox.mailboxId],
    ),
  );
  await mailbox.round();
  expect(await dueInMs()).toBeGreaterThan(86_000_000);
  await mailbox.person.createFolder('New');
  await mailbox.round();
  expect(await dueInMs()).toBe(bench.context.limits.auditRetryMs);
});

test('mail that came before a rename was seen is recorded under the new name, once', async () => {
  const mailbox = await withFolder('Before');
  await mailbox.person.append('Before', mail({ subject: 'late' }));
  await mailbox.person.renameFolder('Before', 'After');
  await mailbox.syncAll();
  expect(placesOf(await mailbox.ledger())).toEqual([1, 2, 3, 4].map((uid) => ['After', uid, presences.live]));
});

test('a folder renamed with its children takes them along', async () => {
  const mailbox = await withFolder('Old');
  await mailbox.person.createFolder('Old/Child');
  await mailbox.person.append('Old/Child', mail({ subject: 'in the child' }));
  await mailbox.syncAll();
  await mailbox.person.renameFolder('Old', 'New');
  await mailbox.syncAll();
  const rows = await mailbox.ledger();
  expect(rows.map(({ folder }) => folder).sort()).toEqual(['New', 'New', 'New', 'New/Child']);
  expect(rows.every(({ presence }) => presence === presences.live)).toBe(true);
});

test('a folder renamed while another of the old name is made: both are followed', async () => {
  const mailbox = await withFolder('Work');
  await mailbox.person.renameFolder('Work', 'Work 2025');
  await mailbox.person.createFolder('Work');
  await mailbox.person.append('Work', mail({ subject: 'new year' }));
  await mailbox.syncAll();
  const rows = await mailbox.ledger();
  expect(placesOf(inFolder(rows, 'Work 2025'))).toEqual([1, 2, 3].map((uid) => ['Work 2025', uid, presences.live]));
  expect(placesOf(inFolder(rows, 'Work'))).toEqual([['Work', 1, presences.live]]);
  expect(await recordedTwice(mailbox)).toBe(1);
});

test('a folder renamed to the name of one that was deleted: the one has ended, the other goes on', async () => {
  const mailbox = await withFolder('Kept');
  await mailbox.person.createFolder('Dropped');
  await mailbox.person.append('Dropped', mail({ subject: 'dropped' }));
  await mailbox.syncAll();
  await mailbox.person.deleteFolder('Dropped');
  await mailbox.person.renameFolder('Kept', 'Dropped');
  await mailbox.syncAll();
  const rows = await mailbox.ledger();
  expect(rows.filter(({ presence }) => presence === presences.live)).toHaveLength(3);
  expect(rows.filter(({ presence }) => presence === presences.ended)).toHaveLength(1);
  expect(await recordedTwice(mailbox)).toBe(1);
});

test('two folders that change names change them in the ledger', async () => {
  const mailbox = await withFolder('A');
  await mailbox.person.createFolder('B');
  await mailbox.person.append('B', mail({ subject: 'of B' }));
  await mailbox.syncAll();
  await mailbox.person.renameFolder('A', 'C');
  await mailbox.person.renameFolder('B', 'A');
  await mailbox.person.renameFolder('C', 'B');
  await mailbox.syncAll();
  const rows = await mailbox.ledger();
  expect(inFolder(rows, 'B')).toHaveLength(3);
  expect(inFolder(rows, 'A')).toHaveLength(1);
  expect(rows.every(({ presence }) => presence === presences.live)).toBe(true);
});

test('a folder that is deleted ends its placements with an event, its messages stay', async () => {
  const mailbox = await withFolder('Short');
  await mailbox.person.deleteFolder('Short');
  await mailbox.round();
  const rows = await mailbox.ledger();
  expect(placesOf(rows)).toEqual([1, 2, 3].map((uid) => ['Short', uid, presences.ended]));
  expect(rows.every(({ messageId }) => messageId !== null)).toBe(true);
  expect((await eventsOf(mailbox, 'placement.ended')).map(({ uids }) => uids)).toEqual([[1, 2, 3]]);
  await mailbox.round();
  expect(await eventsOf(mailbox, 'placement.ended')).toHaveLength(1);
});

test('a folder that is deleted and made again between two rounds has another generation, its mail is not doubled', async () => {
  const mailbox = await withFolder('Again');
  await mailbox.person.deleteFolder('Again');
  await mailbox.person.createFolder('Again');
  await mailbox.person.append('Again', mail({ subject: 'one' }));
  await mailbox.syncAll();
  const rows = await mailbox.ledger();
  expect(rows.map(({ presence }) => presence).sort()).toEqual([1, 2, 2, 2]);
  expect((await eventsOf(mailbox, 'placement.ended')).map(({ uids }) => uids)).toEqual([[1, 2, 3]]);
});

test('a folder that loses its messages and becomes a mere parent is followed, and again when it holds mail', async () => {
  const mailbox = await withFolder('Parent');
  await mailbox.person.createFolder('Parent/Child');
  await mailbox.syncAll();
  await mailbox.person.deleteFolder('Parent');
  expect(await mailbox.round()).toMatchObject({ kind: 'done' });
  expect((await mailbox.ledger()).every(({ presence }) => presence === presences.ended)).toBe(true);
  await mailbox.person.createFolder('Parent');
  await mailbox.person.append('Parent', mail({ subject: 'anew' }));
  const live = async () => (await mailbox.ledger()).filter(({ presence }) => presence === presences.live);
  // A session of Dovecot goes on listing the folder as it was; the next one does not.
  for (let tried = 0; tried < 20 && (await live()).length === 0; tried += 1) {
    await bench.context.connections.closeAll();
    await mailbox.syncAll();
    await sleep(250);
  }
  expect(await live()).toHaveLength(1);
});

test('a folder that leaves the scope keeps its rows, and is looked at no more', async () => {
  const mailbox = await withFolder('Side');
  const before = await mailbox.ledger();
  await setFolders(mailbox, { mode: 'all', include: [], exclude: ['Side'] });
  await mailbox.person.append('Side', mail({ subject: 'unseen' }));
  expect(await mailbox.round()).toMatchObject({ kind: 'done', recorded: 0 });
  expect(await mailbox.ledger()).toEqual(before);
});

test('a folder that comes back into scope is brought up to date: new mail, removed mail, flags', async () => {
  const mailbox = await withFolder('Side');
  await setFolders(mailbox, { mode: 'selected', include: ['INBOX'], exclude: [] });
  await mailbox.round();
  await mailbox.person.append('Side', mail({ subject: 'four' }));
  await mailbox.person.expunge('Side', [1]);
  await mailbox.person.flag('Side', 2, ['\\Seen']);
  await mailbox.round();
  await setFolders(mailbox, { mode: 'all', include: [], exclude: [] });
  await mailbox.syncAll();
  const rows = await mailbox.ledger();
  expect(placesOf(rows)).toEqual([
    ['Side', 1, presences.ended],
    ['Side', 2, presences.live],
    ['Side', 3, presences.live],
    ['Side', 4, presences.live],
  ]);
  expect(rows[1]?.flags).toBe(1);
  expect(await recordedTwice(mailbox)).toBe(1);
});

test('what a folder got while it was out of scope is taken by the start point', async () => {
  const mailbox = await bench.connect({
    policy: { start: { from: 'now' }, folders: { mode: 'selected', include: ['INBOX'], exclude: [] } },
  });
  await mailbox.person.createFolder('Side');
  await mailbox.person.append('Side', mail({ subject: 'old' }), { date: new Date('2026-01-01T00:00:00Z') });
  await mailbox.syncAll();
  await mailbox.person.append('Side', mail({ subject: 'since' }));
  await setFolders(mailbox, { mode: 'all', include: [], exclude: [] });
  await mailbox.syncAll();
  expect((await mailbox.ledger()).map(({ outcome, reason }) => [outcome, reason])).toEqual([
    [outcomes.filtered, 'before-start'],
    [outcomes.recorded, null],
  ]);
});

test('Junk that is named, left again and named again loses and doubles nothing', async () => {
  const mailbox = await bench.connect();
  await mailbox.person.append('Junk', mail({ subject: 'first' }));
  await mailbox.syncAll();
  await setFolders(mailbox, { mode: 'all', include: ['Junk'], exclude: [] });
  await mailbox.syncAll();
  await setFolders(mailbox, { mode: 'all', include: [], exclude: [] });
  await mailbox.person.append('Junk', mail({ subject: 'second' }));
  await mailbox.syncAll();
  expect((await mailbox.ledger()).map(({ outcome }) => outcome)).toEqual([outcomes.recorded, outcomes.filtered]);
  await setFolders(mailbox, { mode: 'all', include: ['Junk'], exclude: [] });
  await mailbox.syncAll();
  expect((await mailbox.ledger()).map(({ outcome }) => outcome)).toEqual([outcomes.recorded, outcomes.recorded]);
});

test('the import ends when the last folder with history goes', async () => {
  const mailbox = await bench.connect();
  await mailbox.person.createFolder('Doomed');
  await mailbox.person.append('Doomed', mail({ subject: 'history' }));
  await mailbox.round();
  const importState = async () => {
    const [row] = await bench.database.db.inTenant(mailbox.tenantId, (sql) =>
      sql.query<{ state: string }>(`SELECT state FROM operation WHERE source_id = $1 AND kind = 'import'`, [
        mailbox.mailboxId,
      ]),
    );
    return row?.state;
  };
  expect(await importState()).toBe('running');
  await mailbox.person.deleteFolder('Doomed');
  await mailbox.round();
  expect(await importState()).toBe('done');
});

import { newUuid } from '../../src/db/new-id';
import { outcomes, presences } from '../../src/domain/ledger';
import { sharedDovecot } from '../support/dovecot';
import { mail } from '../support/mail-factory';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';

let bench: SyncBench;

beforeAll(async () => {
  bench = await createSyncBench(sharedDovecot().imapPort);
});

afterAll(async () => {
  await bench.close();
});

/** The oracle: what an independent client sees and what the ledger says are the same, nothing missing and nothing twice. */
async function expectLedgerToMatch(mailbox: TestMailbox): Promise<void> {
  const left = new Set(['Drafts', 'Junk', 'Trash']);
  const server = (await mailbox.server()).filter((row) => !left.has(row.folder));
  const ledger = (await mailbox.ledger()).filter((row) => row.presence === presences.live && !left.has(row.folder));
  const line = (row: { folder: string; uidValidity: string; uid: number; sha256: string | null }) =>
    `${row.folder} ${row.uidValidity} ${String(row.uid)} ${row.sha256 ?? ''}`;
  expect(ledger.map(line).sort()).toEqual(server.map(line).sort());
}

test('every message of every folder gets its row, with the hash of its bytes', async () => {
  const mailbox = await bench.connect();
  for (let i = 0; i < 25; i += 1) await mailbox.person.append('INBOX', mail({ subject: `number ${String(i)}` }));
  await mailbox.person.append('Sent', mail({ from: mailbox.user, to: 'ada@customer.example', subject: 'an answer' }));
  await mailbox.syncAll();
  await expectLedgerToMatch(mailbox);
  expect((await mailbox.ledger()).every((row) => row.outcome === outcomes.recorded)).toBe(true);
});

test('mail that arrives later is recorded by the next round, once', async () => {
  const mailbox = await bench.connect();
  await mailbox.syncAll();
  await mailbox.person.append('INBOX', mail({ subject: 'news' }));
  const round = await mailbox.round();
  expect(round).toMatchObject({ kind: 'done', recorded: 1 });
  expect(await mailbox.round()).toMatchObject({ kind: 'done', recorded: 0, folders: 0 });
  await expectLedgerToMatch(mailbox);
});

test('mail that arrives in the folder that was opened last is seen by the next round', async () => {
  const mailbox = await bench.connect();
  await mailbox.syncAll();
  for (const subject of ['one', 'two', 'three']) {
    await mailbox.person.append('INBOX', mail({ subject }));
    expect(await mailbox.round()).toMatchObject({ kind: 'done', recorded: 1 });
  }
});

test('the same bytes in two folders are one copy with two placements', async () => {
  const mailbox = await bench.connect();
  const raw = mail({ subject: 'twice' });
  await mailbox.person.append('INBOX', raw);
  await mailbox.person.append('Archive', raw);
  await mailbox.syncAll();
  const rows = await mailbox.ledger();
  expect(rows).toHaveLength(2);
  expect(new Set(rows.map((row) => row.copyId)).size).toBe(1);
});

test('the same mail in two mailboxes is one message with two copies', async () => {
  const one = await bench.connect();
  const other = await bench.connect({ tenantId: one.tenantId });
  const body = { subject: 'to both', messageId: 'both@customer.example', text: 'The same words.' };
  await one.person.append(
    'INBOX',
    mail({ ...body, headers: { Received: 'from a by b; Mon, 2 Mar 2026 10:00:00 +0000' } }),
  );
  await other.person.append(
    'INBOX',
    mail({ ...body, headers: { Received: 'from c by d; Mon, 2 Mar 2026 10:00:01 +0000' } }),
  );
  await one.syncAll();
  await other.syncAll();
  const [first] = await one.ledger();
  const [second] = await other.ledger();
  expect(second?.messageId).toBe(first?.messageId);
  expect(second?.copyId).not.toBe(first?.copyId);
});

test('a moved message keeps its copy and gets a new placement', async () => {
  const mailbox = await bench.connect();
  const uid = await mailbox.person.append('INBOX', mail({ subject: 'moving' }));
  await mailbox.syncAll();
  await mailbox.person.move('INBOX', uid, 'Archive');
  await mailbox.round();
  const rows = await mailbox.ledger();
  expect(rows.map((row) => [row.folder, row.presence])).toEqual([
    ['Archive', presences.live],
    ['INBOX', presences.ended],
  ]);
  expect(new Set(rows.map((row) => row.copyId)).size).toBe(1);
});

test('flags follow the server', async () => {
  const mailbox = await bench.connect();
  const uid = await mailbox.person.append('INBOX', mail({ subject: 'to be read' }));
  await mailbox.syncAll();
  await mailbox.person.flag('INBOX', uid, ['\\Seen', '\\Flagged']);
  await mailbox.round();
  expect((await mailbox.ledger())[0]?.flags).toBe(1 | 4);
});

test('with flags: ignore they stay as they were recorded', async () => {
  const mailbox = await bench.connect({ policy: { flags: 'ignore' } });
  const uid = await mailbox.person.append('INBOX', mail({ subject: 'to be read' }));
  await mailbox.syncAll();
  await mailbox.person.flag('INBOX', uid, ['\\Seen']);
  await mailbox.round();
  expect((await mailbox.ledger())[0]?.flags).toBe(0);
});

test('reading never sets \\Seen, unless the policy says so', async () => {
  const quiet = await bench.connect();
  const marking = await bench.connect({ policy: { markSeen: true } });
  const quietUid = await quiet.person.append('INBOX', mail({ subject: 'quiet' }));
  const markedUid = await marking.person.append('INBOX', mail({ subject: 'marked' }));
  await quiet.syncAll();
  await marking.syncAll();
  expect(await quiet.person.flagsOf('INBOX', quietUid)).not.toContain('\\Seen');
  expect(await marking.person.flagsOf('INBOX', markedUid)).toContain('\\Seen');
});

test('a folder with a name beyond ASCII is synced under its name', async () => {
  const mailbox = await bench.connect();
  await mailbox.person.createFolder('Müşteri & Zürich');
  await mailbox.person.append('Müşteri & Zürich', mail({ subject: 'inside' }));
  await mailbox.syncAll();
  expect((await mailbox.ledger()).map((row) => row.folder)).toEqual(['Müşteri & Zürich']);
});

test('Drafts, Junk and Trash get rows without being fetched', async () => {
  const mailbox = await bench.connect();
  for (const folder of ['Drafts', 'Junk', 'Trash']) await mailbox.person.append(folder, mail({ subject: folder }));
  await mailbox.syncAll();
  const rows = await mailbox.ledger();
  expect(rows.map((row) => [row.folder, row.outcome, row.reason, row.sha256])).toEqual(
    ['Drafts', 'Junk', 'Trash'].map((folder) => [folder, outcomes.filtered, 'folder-role', null]),
  );
});

test('a folder that a changed policy names is fetched although its rows said folder-role', async () => {
  const mailbox = await bench.connect();
  await mailbox.person.append('Junk', mail({ subject: 'not junk' }));
  await mailbox.syncAll();
  await bench.database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.execute(`UPDATE source SET policy = jsonb_set(policy, '{folders,include}', '["Junk"]') WHERE id = $1`, [
      mailbox.mailboxId,
    ]),
  );
  await mailbox.syncAll();
  expect((await mailbox.ledger()).map((row) => row.outcome)).toEqual([outcomes.recorded]);
});

test('only selected folders are synced', async () => {
  const mailbox = await bench.connect({ policy: { folders: { mode: 'selected', include: ['Sent'], exclude: [] } } });
  await mailbox.person.append('INBOX', mail({ subject: 'outside' }));
  await mailbox.person.append('Sent', mail({ subject: 'inside' }));
  await mailbox.syncAll();
  expect((await mailbox.ledger()).map((row) => row.folder)).toEqual(['Sent']);
});

test('start: now leaves older mail as rows without bytes and records what comes', async () => {
  const mailbox = await bench.connect({ policy: { start: { from: 'now' } } });
  const yesterday = new Date(Date.now() - 86_400_000);
  await mailbox.person.append('INBOX', mail({ subject: 'old' }), { date: yesterday });
  await mailbox.person.append('INBOX', mail({ subject: 'between connecting and the first round' }));
  await mailbox.syncAll();
  await mailbox.person.append('INBOX', mail({ subject: 'new' }));
  await mailbox.syncAll();
  expect((await mailbox.ledger()).map((row) => [row.outcome, row.reason])).toEqual([
    [outcomes.filtered, 'before-start'],
    [outcomes.recorded, null],
    [outcomes.recorded, null],
  ]);
});

test('start: date takes mail that arrived on or after it', async () => {
  const mailbox = await bench.connect({ policy: { start: { from: 'date', date: '2026-01-10T00:00:00Z' } } });
  await mailbox.person.append('INBOX', mail({ subject: 'before' }), { date: new Date('2026-01-09T22:00:00Z') });
  await mailbox.person.append('INBOX', mail({ subject: 'after' }), { date: new Date('2026-01-10T02:00:00Z') });
  await mailbox.syncAll();
  expect((await mailbox.ledger()).map((row) => row.outcome)).toEqual([outcomes.filtered, outcomes.recorded]);
});

test('start: unread decides at the first listing only', async () => {
  const mailbox = await bench.connect({ policy: { start: { from: 'unread' } } });
  await mailbox.person.append('INBOX', mail({ subject: 'read' }), { flags: ['\\Seen'], date: new Date('2026-01-01') });
  await mailbox.person.append('INBOX', mail({ subject: 'unread' }));
  await mailbox.syncAll();
  await mailbox.person.append('INBOX', mail({ subject: 'later, and read at once' }), { flags: ['\\Seen'] });
  await mailbox.syncAll();
  expect((await mailbox.ledger()).map((row) => row.outcome)).toEqual([
    outcomes.filtered,
    outcomes.recorded,
    outcomes.recorded,
  ]);
});

test('an empty mailbox is live after its first round', async () => {
  const mailbox = await bench.connect();
  expect(await mailbox.round()).toMatchObject({ kind: 'done', recorded: 0, foldersWithHistory: 0 });
});

test('a message that breaks a limit is parked with its bytes and holds up no other', async () => {
  const mailbox = await bench.connect();
  await mailbox.person.append('INBOX', mail({ subject: 'before' }));
  await mailbox.person.append('INBOX', nestedTooDeep());
  await mailbox.person.append('INBOX', mail({ subject: 'after' }));
  await mailbox.syncAll();
  const rows = await mailbox.ledger();
  expect(rows.map((row) => row.outcome)).toEqual([outcomes.recorded, outcomes.parked, outcomes.recorded]);
  await expectLedgerToMatch(mailbox);
});

test('a message above the size limit is recorded by its header', async () => {
  const mailbox = await bench.connect({ policy: { maxMessageBytes: 20_000 } });
  await mailbox.person.append('INBOX', mail({ subject: 'too large', text: 'x'.repeat(30_000) }));
  await mailbox.syncAll();
  const [row] = await mailbox.ledger();
  expect(row?.outcome).toBe(outcomes['headers-only']);
  expect(row?.messageId).not.toBeNull();
});

test('a new UIDVALIDITY begins a new generation and nothing is doubled', async () => {
  const mailbox = await bench.connect();
  await mailbox.person.createFolder('Project');
  const raw = mail({ subject: 'kept' });
  await mailbox.person.append('Project', raw);
  await mailbox.syncAll();
  await mailbox.person.deleteFolder('Project');
  await mailbox.round();
  await mailbox.person.createFolder('Project');
  await mailbox.person.append('Project', raw);
  await mailbox.syncAll();
  const rows = await mailbox.ledger();
  expect(rows.map((row) => row.presence).sort()).toEqual([presences.live, presences.ended]);
  expect(new Set(rows.map((row) => row.copyId)).size).toBe(1);
});

test('an expunged message has ended and stays at the customer', async () => {
  const mailbox = await bench.connect();
  const uid = await mailbox.person.append('INBOX', mail({ subject: 'gone soon' }));
  await mailbox.syncAll();
  await mailbox.person.expunge('INBOX', [uid]);
  await mailbox.round();
  const [row] = await mailbox.ledger();
  expect(row?.presence).toBe(presences.ended);
  expect(row?.messageId).not.toBeNull();
});

test('a stale fence writes nothing', async () => {
  const mailbox = await bench.connect();
  await mailbox.person.append('INBOX', mail({ subject: 'unseen' }));
  const { context } = bench;
  const unlimited = Number.MAX_SAFE_INTEGER;
  context.freeDiskBytes = async () => {
    // The round knows its mailbox by now, and has written nothing yet.
    await bench.database.db.inTenant(mailbox.tenantId, (sql) =>
      sql.execute('UPDATE source SET generation = generation + 1 WHERE id = $1', [mailbox.mailboxId]),
    );
    return unlimited;
  };
  try {
    expect(await mailbox.round()).toEqual({ kind: 'superseded' });
  } finally {
    context.freeDiskBytes = () => Promise.resolve(unlimited);
  }
  expect(await mailbox.ledger()).toEqual([]);
});

function nestedTooDeep(): Buffer {
  const levels = 150;
  const open = Array.from({ length: levels }, (_, i) => {
    const next = `Content-Type: multipart/mixed; boundary="b${String(i + 1)}"\r\n\r\n`;
    return `--b${String(i)}\r\n${next}`;
  });
  const head =
    'From: a@customer.example\r\nSubject: deep\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b0"\r\n\r\n';
  return Buffer.from(`${head}${open.join('')}\r\nend\r\n`);
}

test('mail that reached a record only by Bcc shows to nobody who does not hold a copy', async () => {
  const mailbox = await bench.connect({ policy: { visibility: 'full' } });
  const { db } = bench.database;
  const records = ['to@customer.example', 'hidden@customer.example'].map((address) => ({ id: newUuid(), address }));
  await db.inTenant(mailbox.tenantId, async (sql) => {
    for (const { id, address } of records) {
      await sql.execute(`INSERT INTO record (tenant_id, id, type, name) VALUES ($1, $2, 'contact', 'x')`, [
        mailbox.tenantId,
        id,
      ]);
      await sql.execute(
        `INSERT INTO record_address (tenant_id, address_key, record_id, kind, address) VALUES ($1, $2, $3, 'business', $2)`,
        [mailbox.tenantId, address, id],
      );
    }
  });
  const colleague = 'colleague@corp.example';
  await db.inTenant(mailbox.tenantId, async (sql) => {
    const user = [mailbox.tenantId, newUuid()];
    await sql.execute(
      `INSERT INTO app_user (tenant_id, id, principal, role, name) VALUES ($1, $2, 7, 'member', 'x')`,
      user,
    );
    await sql.execute('INSERT INTO user_address (tenant_id, user_id, address_key) VALUES ($1, $2, $3)', [
      ...user,
      colleague,
    ]);
  });
  const to = `to@customer.example, ${colleague}`;
  await mailbox.person.append('Sent', mail({ from: mailbox.user, to, bcc: 'hidden@customer.example' }));
  await mailbox.syncAll();
  const rows = await db.inTenant(mailbox.tenantId, (sql) =>
    sql.query<{ record_id: string; principal: number }>('SELECT record_id, principal FROM timeline ORDER BY principal'),
  );
  const principalsOf = (id = '') => rows.filter((row) => row.record_id === id).map((row) => row.principal);
  expect(principalsOf(records[0]?.id)).toEqual([-1, 0, 7]);
  expect(principalsOf(records[1]?.id)).toEqual([-1]);
});

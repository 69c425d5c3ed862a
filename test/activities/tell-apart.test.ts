import { answerRemovals, pendingRemovals, type RemovalAnswer } from '../../src/db/removals/answer';
import { outcomes, presences } from '../../src/domain/ledger';
import type { Policy } from '../../src/domain/policy';
import { sharedDovecot } from '../support/dovecot';
import { mail } from '../support/mail-factory';
import { aRecord } from '../support/mail-rows';
import { folderOf, messagesOf } from '../support/scripted-imap-folder';
import { startScriptedServer } from '../support/scripted-imap-server';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';

let bench: SyncBench;

beforeAll(async () => {
  bench = await createSyncBench(sharedDovecot().imapPort);
});

afterAll(async () => {
  await bench.close();
});

const before = new Date('2020-02-02T02:02:02Z');

const query = <Row extends object>({ tenantId }: TestMailbox, text: string, values: unknown[] = []) =>
  bench.database.db.inTenant(tenantId, (sql) => sql.query<Row>(text, values));

const mirrored = (policy: Partial<Policy> = {}) =>
  bench.connect({ policy: { removals: 'mirror', removalGraceSeconds: 0, start: { from: 'now' }, ...policy } });

/** `left` lies in Archive since before the start point; `recorded` came to INBOX, and is gone. */
async function leftAndGone(mailbox: TestMailbox, of: { left: Buffer; recorded: Buffer }): Promise<void> {
  await mailbox.person.append('Archive', of.left, { date: before });
  await mailbox.syncAll();
  await mailbox.person.append('INBOX', of.recorded);
  await mailbox.syncAll();
  await mailbox.person.expunge('INBOX', [1]);
  expect(await mailbox.round()).toMatchObject({ kind: 'done' });
}

const rows = async (mailbox: TestMailbox) =>
  (await mailbox.ledger()).map(({ folder, outcome, presence, reason }) => [folder, outcome, presence, reason]);

test('a message that is too large for the policy is told by its header, and keeps its place', async () => {
  const mailbox = await mirrored({ maxMessageBytes: 2_000 });
  const raw = mail({ subject: 'large', text: 'x'.repeat(3_000) });
  await leftAndGone(mailbox, { left: raw, recorded: raw });
  expect(await rows(mailbox)).toEqual([
    ['Archive', outcomes['headers-only'], presences.live, null],
    ['INBOX', outcomes['headers-only'], presences.ended, null],
  ]);
});

test.each([
  ['lower', 9_000, 2_000],
  ['higher', 2_000, 9_000],
])(
  'a message that is gone waits beside one that may be the same where the greatest size has become %s since',
  async (_, then, now) => {
    const mailbox = await mirrored({ maxMessageBytes: then });
    const raw = mail({ subject: 'large', text: 'x'.repeat(3_000) });
    await mailbox.person.append('Archive', raw, { date: before });
    await mailbox.syncAll();
    await mailbox.person.append('INBOX', raw);
    await mailbox.syncAll();
    await query(mailbox, `UPDATE source SET policy = jsonb_set(policy, '{maxMessageBytes}', $1::jsonb) RETURNING 1`, [
      String(now),
    ]);
    await mailbox.person.expunge('INBOX', [1]);
    await mailbox.round();
    expect((await rows(mailbox)).map(([folder, , presence, reason]) => [folder, presence, reason])).toEqual([
      ['Archive', presences.live, 'before-start'],
      ['INBOX', presences.tombstoned, null],
    ]);
  },
);

test('a left-out message that cannot be read may be the one that is gone, which waits', async () => {
  const mailbox = await mirrored();
  const messageId = 'same@corp.example';
  const parts = '--b\r\nContent-Type: text/plain\r\n\r\nx\r\n'.repeat(1_100);
  const unreadable = Buffer.from(
    `Message-ID: <${messageId}>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n${parts}--b--\r\n`,
  );
  await leftAndGone(mailbox, { left: unreadable, recorded: mail({ messageId }) });
  expect(await rows(mailbox)).toEqual([
    ['Archive', outcomes.filtered, presences.live, 'before-start'],
    ['INBOX', outcomes.recorded, presences.tombstoned, null],
  ]);
});

test('a message that was left out because it matched nobody keeps the place of one that was recorded since', async () => {
  const mailbox = await mirrored({ unmatched: 'drop' });
  const raw = mail({ subject: 'known later', from: 'ada@customer.example' });
  await mailbox.person.append('Archive', raw);
  await mailbox.syncAll();
  expect(await rows(mailbox)).toEqual([['Archive', outcomes.filtered, presences.live, 'unmatched']]);
  await aRecord(bench.database.db, mailbox.tenantId, { addresses: ['ada@customer.example'] });
  await mailbox.person.append('INBOX', raw);
  await mailbox.syncAll();
  await mailbox.person.expunge('INBOX', [1]);
  await mailbox.round();
  expect(await rows(mailbox)).toEqual([
    ['Archive', outcomes.recorded, presences.live, null],
    ['INBOX', outcomes.recorded, presences.ended, null],
  ]);
});

test('what left-out mail is known by is asked once, and noted without any of its content', async () => {
  const mailbox = await mirrored();
  await leftAndGone(mailbox, { left: mail({ subject: 'left out' }), recorded: mail({ subject: 'gone' }) });
  const [noted] = await query<Record<string, unknown>>(
    mailbox,
    `SELECT size > 0 AS sized, internal_date, length(message_id_hash) AS bytes, raw_sha, copy_id, blob_id FROM placement WHERE reason = 'before-start'`,
  );
  expect(noted).toEqual({ sized: true, internal_date: before, bytes: 32, raw_sha: null, copy_id: null, blob_id: null });
  expect(await rows(mailbox)).toEqual([
    ['Archive', outcomes.filtered, presences.live, 'before-start'],
    ['INBOX', outcomes.filtered, presences.ended, 'removed'],
  ]);
});

test.each(['Trash', 'Junk'])(
  'what is only in %s any more counts as removed, and is back with its text when it is put back',
  async (path) => {
    const mailbox = await mirrored();
    await mailbox.syncAll();
    await mailbox.person.append('INBOX', mail({ subject: 'thrown away' }));
    await mailbox.syncAll();
    await mailbox.person.move('INBOX', 1, path);
    await mailbox.round();
    expect(await query(mailbox, 'SELECT FROM message')).toEqual([]);
    await mailbox.person.move(path, 1, 'INBOX');
    await mailbox.round();
    expect(await query(mailbox, 'SELECT subject FROM message_subject')).toEqual([{ subject: 'thrown away' }]);
  },
);

describe('a left-out message whose Message-ID cannot be had', () => {
  const left = [1, 2, 3].map((uid) => ({ uid, raw: mail({ subject: `left ${String(uid)}` }), internalDate: before }));

  test.each<[string, (context: { cut: () => void; no: (text: string) => void }) => void]>([
    [
      'ends the connection',
      ({ cut }) => {
        cut();
      },
    ],
    [
      'is refused',
      ({ no }) => {
        no('[UNAVAILABLE] not this one');
      },
    ],
  ])('where it %s is told by its size and date, and holds up neither mail nor removals', async (_, answer) => {
    const server = await startScriptedServer({
      folders: { INBOX: { messages: [] }, Archive: { messages: left, attributes: ['\\Archive'] } },
    });
    const mailbox = await bench.connect({
      ...{ port: server.port, user: 'somebody', withoutPerson: true },
      policy: { removals: 'mirror', removalGraceSeconds: 0, start: { from: 'date', date: '2025-01-01' } },
    });
    await mailbox.syncAll();
    const inbox = server.folders.get('INBOX');
    if (inbox === undefined) throw new Error('no INBOX');
    Object.assign(inbox, folderOf({ messages: [{ uid: 7, raw: mail({ subject: 'goes' }) }], highestModseq: '20' }));
    await mailbox.syncAll();
    server.on['UID FETCH'] = (context) => {
      if (context.args.includes('HEADER.FIELDS')) answer(context);
      else context.usual();
    };
    Object.assign(inbox, { messages: [], highestModseq: '30' });
    await mailbox.round();
    await query(mailbox, 'UPDATE removal SET due_at = now() RETURNING 1');
    expect(await mailbox.round()).toMatchObject({ kind: 'done' });
    expect(await query(mailbox, 'SELECT FROM message')).toEqual([]);
    await bench.context.connections.closeAll();
    await server.stop();
  });
});

describe('a left-out message of which the server says nothing at all', () => {
  async function besideSilence() {
    const left = [1, 2, 3].map((uid) => ({ uid, raw: mail({ subject: `left ${String(uid)}` }), internalDate: before }));
    const server = await startScriptedServer({
      folders: { INBOX: { messages: [] }, Archive: { messages: left, attributes: ['\\Archive'] } },
    });
    const mailbox = await bench.connect({
      ...{ port: server.port, user: 'somebody', withoutPerson: true },
      policy: { removals: 'mirror', removalGraceSeconds: 0, start: { from: 'date', date: '2025-01-01' } },
    });
    await mailbox.syncAll();
    const inbox = server.folders.get('INBOX');
    const archive = server.folders.get('Archive');
    if (inbox === undefined || archive === undefined) throw new Error('no folders');
    Object.assign(inbox, folderOf({ messages: [{ uid: 7, raw: mail({ subject: 'goes' }) }], highestModseq: '20' }));
    await mailbox.syncAll();
    server.on['UID FETCH'] = (context) => {
      if (context.folder !== archive) {
        context.usual();
        return;
      }
      for (const { uid } of messagesOf(archive, context.args.split(' ')[0] ?? '')) if (uid !== 2) context.sendRow(uid);
      context.ok();
    };
    Object.assign(inbox, { messages: [], highestModseq: '30' });
    await mailbox.round();
    const look = async (daysAfter: number) => {
      await query(mailbox, `UPDATE removal SET due_at = now(), noted_at = now() - $1 * interval '1 day' RETURNING 1`, [
        daysAfter,
      ]);
      expect(await mailbox.round()).toMatchObject({ kind: 'done' });
      const [row] = await query<{ flags: string[]; messages: number; state: string | null }>(
        mailbox,
        `SELECT m.flags, (SELECT count(*)::int FROM message) AS messages, (SELECT state FROM removal) AS state FROM mailbox m`,
      );
      return row;
    };
    const answer = async (said: RemovalAnswer) => {
      const { tenantId, mailboxId: sourceId } = mailbox;
      await bench.database.db.inTenant(tenantId, async (sql) => {
        const { asked: messages, askedAt } = await pendingRemovals(sql, { tenantId, sourceId });
        if (askedAt === null) throw new Error('nothing was asked');
        await answerRemovals(sql, { tenantId, sourceId }, { answer: said, seen: { messages, askedAt } });
      });
    };
    const end = async () => {
      await bench.context.connections.closeAll();
      await server.stop();
    };
    return { mailbox, look, answer, end };
  }

  test('lets a removal wait for a week, and then a person is asked, who ends it', async () => {
    const { mailbox, look, answer, end } = await besideSilence();
    expect(await look(6.99)).toEqual({ flags: [], messages: 1, state: 'waiting' });
    expect(await look(7.01)).toEqual({ flags: ['confirm-removal'], messages: 1, state: 'asked' });
    expect(await look(7.5)).toEqual({ flags: ['confirm-removal'], messages: 1, state: 'asked' });
    await answer('confirm');
    expect(await look(8)).toEqual({ flags: [], messages: 0, state: null });
    expect((await rows(mailbox)).filter(([folder]) => folder === 'Archive')).toEqual(
      [1, 2, 3].map(() => ['Archive', outcomes.filtered, presences.live, 'before-start']),
    );
    await end();
  });

  test('takes nothing with it where the person keeps what is gone', async () => {
    const { look, answer, end } = await besideSilence();
    await look(8);
    await answer('keep');
    expect(await look(9)).toEqual({ flags: [], messages: 1, state: 'kept' });
    await end();
  });
});

describe('many left-out messages that look like one that is gone', () => {
  // A round asks for so many seconds at most, which are over sooner on a busy machine.
  beforeAll(() => {
    const at = Date.now();
    bench.context.now = () => at;
  });
  afterAll(() => {
    bench.context.now = Date.now;
  });

  const many = 150;
  const alike = (text: string) => Buffer.from(`From: a@corp.example\r\nSubject: no id\r\n\r\n${text.padEnd(20)}\r\n`);
  const fetched = /^UID FETCH (\d+) .*BODY\.PEEK\[\]/;

  async function besideMany() {
    const left = Array.from({ length: many }, (_, at) => ({
      uid: at + 1,
      raw: alike(`left ${String(at)}`),
      internalDate: before,
    }));
    const server = await startScriptedServer({
      folders: { INBOX: { messages: [] }, Archive: { messages: left, attributes: ['\\Archive'] } },
    });
    const mailbox = await bench.connect({
      ...{ port: server.port, user: 'somebody', withoutPerson: true },
      policy: { removals: 'mirror', removalGraceSeconds: 0, start: { from: 'date', date: '2025-01-01' } },
    });
    await mailbox.syncAll();
    const inbox = server.folders.get('INBOX');
    if (inbox === undefined) throw new Error('no INBOX');
    Object.assign(inbox, folderOf({ messages: [{ uid: 7, raw: alike('goes') }], highestModseq: '20' }));
    await mailbox.syncAll();
    Object.assign(inbox, { messages: [], highestModseq: '30' });
    server.commands.length = 0;
    const asked = () => server.commands.flatMap((command) => fetched.exec(command)?.[1] ?? []).map(Number);
    const look = async () => {
      await query(mailbox, 'UPDATE removal SET due_at = now() RETURNING 1');
      return (await mailbox.round()).kind;
    };
    const end = async () => {
      await bench.context.connections.closeAll();
      await server.stop();
    };
    return { mailbox, server, asked, look, end };
  }

  const dueIn = async (mailbox: TestMailbox) =>
    (
      await query<{ seconds: number }>(
        mailbox,
        'SELECT extract(epoch FROM due_at - now())::float8 AS seconds FROM removal',
      )
    )[0]?.seconds;

  test('are told apart a hundred in a look, each fetched once, and hold the removal up no longer', async () => {
    const { mailbox, asked, look, end } = await besideMany();
    await look();
    expect(asked()).toHaveLength(100);
    // It is looked at again soon, and not ever more seldom, for it gets on.
    await query(mailbox, `UPDATE removal SET noted_at = now() - interval '3 days' RETURNING 1`);
    expect(await dueIn(mailbox)).toBeLessThanOrEqual(60);
    expect(await look()).toBe('done');
    expect(await query(mailbox, 'SELECT FROM message')).toEqual([]);
    expect(asked().sort((one, other) => one - other)).toEqual(Array.from({ length: many }, (_, at) => at + 1));
    const noted = await query<object>(mailbox, 'SELECT FROM told_apart WHERE message_key IS NOT NULL');
    expect(noted).toHaveLength(many);
    await end();
  });

  test('are told apart although one of them ends the connection, which is asked for last from then on', async () => {
    const { mailbox, server, asked, look, end } = await besideMany();
    server.on['UID FETCH'] = (context) => {
      if (context.args.startsWith(`${String(many)} `) && context.args.includes('BODY.PEEK[]')) context.cut();
      else context.usual();
    };
    expect(await look()).toBe('retry');
    expect(asked()).toEqual([many]);
    await look();
    await look();
    expect(await query(mailbox, 'SELECT FROM told_apart WHERE message_key IS NOT NULL')).toHaveLength(many - 1);
    expect(await query(mailbox, 'SELECT FROM message')).toHaveLength(1);
    server.on = {};
    expect(await look()).toBe('done');
    expect(await query(mailbox, 'SELECT FROM message')).toEqual([]);
    await end();
  });
});

test('a left-out message that is told from one that goes is not taken for another that goes later', async () => {
  const mailbox = await mirrored();
  const messageId = 'same@corp.example';
  const [kept, other] = [mail({ messageId, text: 'kept' }), mail({ messageId, text: 'other' })];
  await mailbox.person.append('Archive', kept, { date: before });
  await mailbox.syncAll();
  await mailbox.person.append('INBOX', other);
  await mailbox.person.append('INBOX', kept);
  await mailbox.syncAll();
  await mailbox.person.expunge('INBOX', [1]);
  await mailbox.round();
  expect(await query(mailbox, 'SELECT FROM message')).toHaveLength(1);
  await mailbox.person.expunge('INBOX', [2]);
  await mailbox.round();
  expect((await rows(mailbox)).filter(([folder]) => folder === 'Archive')).toEqual([
    ['Archive', outcomes.recorded, presences.live, null],
  ]);
  expect(await query(mailbox, 'SELECT FROM told_apart')).toEqual([]);
});

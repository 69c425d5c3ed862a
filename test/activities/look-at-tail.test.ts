import { outcomes, presences } from '../../src/domain/ledger';
import { defaultPolicy } from '../../src/domain/policy';
import { sharedDovecot } from '../support/dovecot';
import { mail } from '../support/mail-factory';
import { folderOf, type ScriptedFolder } from '../support/scripted-imap-folder';
import {
  startScriptedServer,
  type CommandContext,
  type Script,
  type ScriptedServer,
} from '../support/scripted-imap-server';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';

const comparedTailUids = 3;
const liveRoundMessages = 5;
let bench: SyncBench;

beforeAll(async () => {
  bench = await createSyncBench(sharedDovecot().imapPort, { comparedTailUids, liveRoundMessages });
});

afterAll(async () => {
  await bench.close();
});

async function liveUids(mailbox: TestMailbox, folder = 'INBOX'): Promise<number[]> {
  const rows = (await mailbox.ledger()).filter((row) => row.folder === folder && row.presence === presences.live);
  return rows.map(({ uid }) => uid);
}

describe('at a scripted server', () => {
  let server: ScriptedServer;

  afterEach(async () => {
    await bench.context.connections.closeAll();
    await server.stop();
  });

  function folder(path = 'INBOX'): ScriptedFolder {
    const found = server.folders.get(path);
    if (found === undefined) throw new Error('no such folder');
    return found;
  }

  /** The next number of the server's count of changes. */
  function nextModseq(path?: string): number {
    const modseq = Number(folder(path).highestModseq) + 1;
    folder(path).highestModseq = String(modseq);
    return modseq;
  }

  function messageOf(uid: number, modseq: number) {
    const [message] = folderOf({
      messages: [{ uid, modseq, raw: mail({ subject: `number ${String(uid)}` }) }],
    }).messages;
    if (message === undefined) throw new Error('no message');
    return message;
  }

  /** A message under this UID, counted as a change; the next one where none is given. */
  function deliver(uid = folder().uidNext, path?: string): void {
    const at = folder(path);
    const message = messageOf(uid, nextModseq(path));
    at.messages = [...at.messages, message].sort((one, other) => one.uid - other.uid);
    at.uidNext = Math.max(at.uidNext, uid + 1);
  }

  function remove(...uids: number[]): void {
    nextModseq();
    folder().messages = folder().messages.filter(({ uid }) => !uids.includes(uid));
  }

  const numbered = (...uids: number[]) => uids.map((uid) => ({ uid, raw: mail({ subject: `number ${String(uid)}` }) }));

  /** A mailbox whose INBOX has messages 1 to 9, but no 3, and a cursor that is exact. */
  async function connect(script: Script = {}, policy = {}): Promise<TestMailbox> {
    server = await startScriptedServer({
      folders: { INBOX: { uidValidity: '7', messages: numbered(1, 2, 4, 5, 6, 7, 8) } },
      ...script,
    });
    const mailbox = await bench.connect({ port: server.port, user: 'somebody', withoutPerson: true, policy });
    await mailbox.syncAll();
    deliver(9);
    await mailbox.round();
    return mailbox;
  }

  /** How many looks at all UIDs of a folder a round takes. */
  async function wholeLooksOf(round: () => Promise<unknown>): Promise<number> {
    const before = server.commands.length;
    await round();
    return server.commands.slice(before).filter((command) => command.startsWith('UID SEARCH ALL')).length;
  }

  async function cursorOf(mailbox: TestMailbox) {
    const [row] = await bench.database.db.inTenant(mailbox.tenantId, (sql) =>
      sql.query<{ uidnext: string; isExact: boolean }>(
        `SELECT g.uidnext::text, g.is_exact AS "isExact" FROM folder_generation g WHERE g.source_id = $1 AND g.retired_at IS NULL`,
        [mailbox.mailboxId],
      ),
    );
    return row;
  }

  const setBack = (mailbox: TestMailbox, change: string) =>
    bench.database.db.inTenant(mailbox.tenantId, (sql) =>
      sql.execute(`UPDATE folder_generation SET ${change} WHERE source_id = $1`, [mailbox.mailboxId]),
    );

  test('what arrives is recorded without a look at all UIDs, round after round', async () => {
    const mailbox = await connect();
    for (const uid of [10, 11, 12]) {
      deliver(uid);
      expect(await wholeLooksOf(() => mailbox.round())).toBe(0);
      expect(await cursorOf(mailbox)).toEqual({ uidnext: String(uid + 1), isExact: true });
    }
    expect(await liveUids(mailbox)).toEqual([1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(await mailbox.round()).toMatchObject({ folders: 0 });
  });

  test('the UIDs that are asked for are those of the tail, and the flags those that have changed', async () => {
    const mailbox = await connect();
    const since = folder().highestModseq ?? '';
    deliver();
    const before = server.commands.length;
    await mailbox.round();
    const asked = server.commands.slice(before);
    expect(asked.filter((command) => command.startsWith('UID SEARCH'))).toEqual(['UID SEARCH UID 7:*']);
    expect(asked.filter((command) => command.includes('CHANGEDSINCE'))).toEqual([
      `UID FETCH 1:* (UID FLAGS MODSEQ) (CHANGEDSINCE ${since})`,
    ]);
  });

  test('flags follow, of messages old and new', async () => {
    const mailbox = await connect();
    for (const uid of [2, 9]) {
      const message = folder().messages.find((one) => one.uid === uid);
      Object.assign(message ?? {}, { flags: ['\\Seen'], modseq: nextModseq() });
    }
    expect(await wholeLooksOf(() => mailbox.round())).toBe(0);
    const seen = (await mailbox.ledger()).filter(({ flags }) => flags === 1).map(({ uid }) => uid);
    expect(seen).toEqual([2, 9]);
  });

  test('where flags are not followed, they stay, and what arrives is recorded', async () => {
    const mailbox = await connect({}, { flags: 'ignore' });
    Object.assign(folder().messages[0] ?? {}, { flags: ['\\Seen'], modseq: nextModseq() });
    deliver();
    expect(await wholeLooksOf(() => mailbox.round())).toBe(0);
    expect((await mailbox.ledger()).map(({ flags }) => flags)).toEqual(Array.from({ length: 9 }, () => 0));
  });

  test('a message that goes from the tail has ended, and the next round is short again', async () => {
    const mailbox = await connect();
    remove(8);
    deliver();
    expect(await wholeLooksOf(() => mailbox.round())).toBe(0);
    expect(await liveUids(mailbox)).toEqual([1, 2, 4, 5, 6, 7, 9, 10]);
    deliver();
    expect(await wholeLooksOf(() => mailbox.round())).toBe(0);
    expect(await liveUids(mailbox)).toEqual([1, 2, 4, 5, 6, 7, 9, 10, 11]);
  });

  test('a message that goes from below the tail is found by a look at all, and the next round is short again', async () => {
    const mailbox = await connect();
    remove(2);
    deliver();
    expect(await wholeLooksOf(() => mailbox.round())).toBe(1);
    expect(await liveUids(mailbox)).toEqual([1, 4, 5, 6, 7, 8, 9, 10]);
    deliver();
    expect(await wholeLooksOf(() => mailbox.round())).toBe(0);
  });

  test('an old UID that is shown late while another goes, so that the count is the same, is found', async () => {
    const mailbox = await connect();
    remove(1);
    deliver(3);
    expect(await wholeLooksOf(() => mailbox.round())).toBe(1);
    expect(await liveUids(mailbox)).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('a UID of the tail that is shown late, and not counted as a change, is found while another goes', async () => {
    const mailbox = await connect();
    const hidden = 11;
    deliver(12);
    await mailbox.round();
    remove(12);
    folder().messages = [...folder().messages, messageOf(hidden, 1)].sort((one, other) => one.uid - other.uid);
    expect(await wholeLooksOf(() => mailbox.round())).toBe(0);
    expect(await liveUids(mailbox)).toEqual([1, 2, 4, 5, 6, 7, 8, 9, 11]);
  });

  test('folders that are not fetched are followed in the same way', async () => {
    server = await startScriptedServer({
      folders: { INBOX: { uidValidity: '7' }, Trash: { messages: numbered(1, 2, 3, 4, 5) } },
    });
    const mailbox = await bench.connect({ port: server.port, user: 'somebody', withoutPerson: true });
    await mailbox.syncAll();
    deliver(6, 'Trash');
    await mailbox.round();
    deliver(7, 'Trash');
    folder('Trash').messages = folder('Trash').messages.filter(({ uid }) => uid !== 5);
    expect(await wholeLooksOf(() => mailbox.round())).toBe(0);
    expect(await liveUids(mailbox, 'Trash')).toEqual([1, 2, 3, 4, 6, 7]);
    expect((await mailbox.ledger()).every(({ outcome }) => outcome === outcomes.filtered)).toBe(true);
  });

  test('a message that came and was recorded after the folder was opened, and has gone since, has ended', async () => {
    const mailbox = await connect();
    let late = 1;
    server.on['EXAMINE'] = (context) => {
      context.usual();
      if (late > 0) deliver(11);
      late -= 1;
    };
    deliver(10);
    expect(await mailbox.round()).toMatchObject({ recorded: 2 });
    remove(11);
    deliver(12);
    expect(await wholeLooksOf(() => mailbox.round())).toBe(0);
    expect(await liveUids(mailbox)).toEqual([1, 2, 4, 5, 6, 7, 8, 9, 10, 12]);
  });

  test('a folder of as many messages as the tail is compared as a whole, one of more is not', async () => {
    server = await startScriptedServer({ folders: { INBOX: { uidValidity: '7', messages: numbered(1, 2) } } });
    const mailbox = await bench.connect({ port: server.port, user: 'somebody', withoutPerson: true });
    await mailbox.syncAll();
    for (const looks of [1, 1, 0]) {
      deliver();
      expect(await wholeLooksOf(() => mailbox.round())).toBe(looks);
    }
  });

  test('rows that were written below the cursor by a run that did not end make the next look at all UIDs', async () => {
    const mailbox = await connect();
    remove(8);
    deliver(10);
    server.on['UID FETCH'] = (context) => {
      if (context.args.includes('BODY')) context.ok();
      else context.usual();
    };
    await mailbox.round();
    expect(await liveUids(mailbox)).toEqual([1, 2, 4, 5, 6, 7, 9]);
    expect(await cursorOf(mailbox)).toEqual({ uidnext: '10', isExact: false });
    server.on = {};
    expect(await wholeLooksOf(() => mailbox.round())).toBe(1);
    expect(await liveUids(mailbox)).toEqual([1, 2, 4, 5, 6, 7, 9, 10]);
  });

  test('an arrival that is not delivered is asked for again by the next round, which is short as well', async () => {
    const mailbox = await connect();
    deliver(10);
    server.on['UID FETCH'] = (context) => {
      if (context.args.includes('BODY')) context.ok();
      else context.usual();
    };
    await mailbox.round();
    server.on = {};
    deliver(11);
    expect(await wholeLooksOf(() => mailbox.round())).toBe(0);
    expect(await liveUids(mailbox)).toEqual([1, 2, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  describe('all UIDs are compared', () => {
    async function expectWhole(mailbox: TestMailbox): Promise<void> {
      expect(await wholeLooksOf(() => mailbox.round())).toBe(1);
      expect(await liveUids(mailbox)).toEqual(folder().messages.map(({ uid }) => uid));
    }

    test('the first time, while the history is being imported, and after it', async () => {
      server = await startScriptedServer({
        folders: { INBOX: { uidValidity: '7', messages: numbered(1, 2, 4, 5, 6) } },
      });
      const mailbox = await bench.connect({ port: server.port, user: 'somebody', withoutPerson: true });
      await mailbox.round();
      for (const uid of [7, 8]) {
        deliver(uid);
        expect(await wholeLooksOf(() => mailbox.round())).toBe(1);
      }
      await mailbox.syncAll();
      deliver(9);
      await expectWhole(mailbox);
      deliver(10);
      expect(await wholeLooksOf(() => mailbox.round())).toBe(0);
    });

    test('when a day has passed since they were', async () => {
      const mailbox = await connect();
      await setBack(mailbox, `listed_at = now() - interval '25 hours'`);
      await expectWhole(mailbox);
      deliver();
      expect(await wholeLooksOf(() => mailbox.round())).toBe(0);
    });

    test('a day after they were, however many short rounds there were since', async () => {
      const mailbox = await connect();
      await setBack(mailbox, `listed_at = now() - interval '23 hours'`);
      deliver();
      expect(await wholeLooksOf(() => mailbox.round())).toBe(0);
      await setBack(mailbox, `listed_at = listed_at - interval '2 hours'`);
      await expectWhole(mailbox);
    });

    test('when an audit has found a difference', async () => {
      const mailbox = await connect();
      await setBack(mailbox, 'listed_at = NULL');
      deliver();
      expect(await wholeLooksOf(() => mailbox.round())).toBeGreaterThan(0);
      expect(await liveUids(mailbox)).toEqual(folder().messages.map(({ uid }) => uid));
    });

    test('after an outage, which may have been a restore', async () => {
      const mailbox = await connect();
      await bench.database.db.inTenant(mailbox.tenantId, (sql) =>
        sql.execute(`UPDATE mailbox SET down_since = now() - interval '1 hour' WHERE source_id = $1`, [
          mailbox.mailboxId,
        ]),
      );
      deliver();
      expect(await wholeLooksOf(() => mailbox.round())).toBeGreaterThan(0);
      expect(await liveUids(mailbox)).toEqual(folder().messages.map(({ uid }) => uid));
    });

    test.each(['0', '-5', '2', null])('where HIGHESTMODSEQ becomes %s', async (modseq) => {
      const mailbox = await connect();
      deliver();
      folder().highestModseq = modseq;
      expect(await wholeLooksOf(() => mailbox.round())).toBeGreaterThan(0);
      expect(await liveUids(mailbox)).toEqual(folder().messages.map(({ uid }) => uid));
    });

    test('where UIDNEXT has fallen while the messages are the same', async () => {
      const mailbox = await connect();
      folder().uidNext = 50;
      await mailbox.round();
      folder().uidNext = 10;
      expect(await wholeLooksOf(() => mailbox.round())).toBeGreaterThan(0);
      expect(await liveUids(mailbox)).toEqual([1, 2, 4, 5, 6, 7, 8, 9]);
    });

    test('where the server does not count an arrival as a change', async () => {
      const mailbox = await connect();
      nextModseq();
      folder().messages.push(messageOf(10, 1));
      folder().uidNext = 11;
      await expectWhole(mailbox);
    });

    test('where an arrival leaves HIGHESTMODSEQ as it was', async () => {
      const mailbox = await connect();
      folder().messages.push(messageOf(10, 1));
      folder().uidNext = 11;
      await expectWhole(mailbox);
    });

    test('where the answer for the tail leaves an arrival out, which is recorded', async () => {
      const mailbox = await connect();
      remove(1);
      deliver(10);
      server.on['UID SEARCH'] = (context) => {
        if (!context.args.includes('UID')) context.usual();
        else {
          context.send('* SEARCH 7 8 9');
          context.ok();
        }
      };
      await expectWhole(mailbox);
    });

    test('where the server refuses to search the tail', async () => {
      const mailbox = await connect();
      deliver();
      server.on['UID SEARCH'] = (context: CommandContext) => {
        if (context.args.includes('UID')) context.no('not like this');
        else context.usual();
      };
      await expectWhole(mailbox);
    });

    test('where it shows a message again that had gone', async () => {
      const mailbox = await connect();
      const gone = folder().messages.find(({ uid }) => uid === 9);
      remove(9);
      await mailbox.round();
      expect(await liveUids(mailbox)).toEqual([1, 2, 4, 5, 6, 7, 8]);
      if (gone !== undefined) folder().messages.push({ ...gone, modseq: nextModseq() });
      await expectWhole(mailbox);
    });

    test('where STATUS counts more than the folder shows, and then nothing ends', async () => {
      const mailbox = await connect();
      server.on['STATUS'] = (context) => {
        if (!context.args.includes('INBOX')) context.usual();
        else {
          context.send(`* STATUS "INBOX" (MESSAGES 83640 UIDNEXT 11 UIDVALIDITY 7 HIGHESTMODSEQ 500)`);
          context.ok();
        }
      };
      deliver();
      remove(8);
      expect(await wholeLooksOf(() => mailbox.round())).toBeGreaterThan(0);
      expect(await liveUids(mailbox)).toEqual([1, 2, 4, 5, 6, 7, 8, 9, 10]);
    });

    test('where the server shows but a part of its folders', async () => {
      const mailbox = await connect({
        capabilities: ['LITERAL+', 'ENABLE', 'CONDSTORE', 'NAMESPACE', 'UNSELECT', 'MESSAGELIMIT=1000'],
      });
      deliver();
      expect(await wholeLooksOf(() => mailbox.round())).toBeGreaterThan(0);
      expect(await liveUids(mailbox)).toEqual(folder().messages.map(({ uid }) => uid));
    });

    test('where more has come than a round fetches, which is left to the import', async () => {
      const mailbox = await connect();
      for (let count = 0; count <= liveRoundMessages; count += 1) deliver();
      expect(await wholeLooksOf(() => mailbox.round())).toBe(1);
      await mailbox.syncAll();
      expect(await liveUids(mailbox)).toEqual(folder().messages.map(({ uid }) => uid));
      expect((await cursorOf(mailbox))?.isExact).toBe(false);
    });
  });
});

describe('at Dovecot', () => {
  /** The oracle: what an independent client sees and what the ledger says are the same. */
  async function expectLedgerToMatch(mailbox: TestMailbox): Promise<void> {
    const scope = new Set(['INBOX', 'Archive']);
    const server = (await mailbox.server()).filter((row) => scope.has(row.folder));
    const ledger = (await mailbox.ledger()).filter((row) => row.presence === presences.live && scope.has(row.folder));
    const line = (row: { folder: string; uidValidity: string; uid: number; sha256: string | null }) =>
      `${row.folder} ${row.uidValidity} ${String(row.uid)} ${row.sha256 ?? ''}`;
    expect(ledger.map(line).sort()).toEqual(server.map(line).sort());
  }

  async function listedAt(mailbox: TestMailbox): Promise<number> {
    const [row] = await bench.database.db.inTenant(mailbox.tenantId, (sql) =>
      sql.query<{ at: Date | null }>(
        `SELECT g.listed_at AS at FROM folder_generation g JOIN folder f ON f.tenant_id = g.tenant_id AND f.id = g.folder_id
         WHERE g.source_id = $1 AND f.path = 'INBOX' AND g.retired_at IS NULL`,
        [mailbox.mailboxId],
      ),
    );
    return row?.at?.getTime() ?? 0;
  }

  /** What people and other programs do to a mailbox, in an order that is the same in every run. */
  const story: readonly ((at: { mailbox: TestMailbox; uids: number[] }) => Promise<unknown>)[] = [
    ({ mailbox }) => mailbox.person.append('INBOX', mail({ subject: 'arrives' })),
    ({ mailbox, uids }) => mailbox.person.flag('INBOX', uids[0] ?? 0, ['\\Seen']),
    ({ mailbox, uids }) => mailbox.person.expunge('INBOX', uids.slice(-1)),
    ({ mailbox, uids }) => mailbox.person.expunge('INBOX', uids.slice(1, 2)),
    ({ mailbox }) => mailbox.person.append('INBOX', mail({ subject: 'arrives too' })),
    ({ mailbox, uids }) => mailbox.person.move('INBOX', uids.at(-2) ?? 0, 'Archive'),
    async ({ mailbox, uids }) => {
      await mailbox.person.expunge('INBOX', uids.slice(2, 3));
      await mailbox.person.append('INBOX', mail({ subject: 'comes as another goes' }));
    },
    ({ mailbox, uids }) => mailbox.person.copy('INBOX', uids.at(-1) ?? 0, 'Archive'),
    async ({ mailbox }) => {
      for (const subject of ['one', 'two', 'three']) await mailbox.person.append('INBOX', mail({ subject }));
    },
    async ({ mailbox, uids }) => {
      await mailbox.person.move('INBOX', uids.at(-1) ?? 0, 'Archive');
      await mailbox.person.append('INBOX', mail({ subject: 'comes as another is moved' }));
      await mailbox.person.flag('INBOX', uids[1] ?? 0, ['\\Flagged']);
    },
  ];

  test('the ledger is the server after each round of a life, and most of them are short', async () => {
    const mailbox = await bench.connect();
    for (let count = 0; count < 9; count += 1) await mailbox.person.append('INBOX', mail({ subject: String(count) }));
    await mailbox.syncAll();
    await mailbox.person.append('INBOX', mail({ subject: 'the first to arrive' }));
    await mailbox.round();
    let short = 0;
    for (const happens of story) {
      const before = await listedAt(mailbox);
      await happens({ mailbox, uids: await liveUids(mailbox) });
      expect(await mailbox.round()).toMatchObject({ kind: 'done' });
      await expectLedgerToMatch(mailbox);
      if ((await listedAt(mailbox)) === before) short += 1;
    }
    expect(short).toBe(8);
    expect((await mailbox.ledger()).filter(({ flags }) => flags === 4)).toHaveLength(1);
  });

  test('a message whose \\Seen a policy sets is marked after a short round', async () => {
    const policy = { ...defaultPolicy, start: { from: 'everything' as const }, markSeen: true };
    const mailbox = await bench.connect({ policy });
    for (let count = 0; count < 5; count += 1) await mailbox.person.append('INBOX', mail({ subject: String(count) }));
    await mailbox.syncAll();
    for (const subject of ['exact', 'short']) {
      const uid = await mailbox.person.append('INBOX', mail({ subject }));
      await mailbox.round();
      expect(await mailbox.person.flagsOf('INBOX', uid)).toContain('\\Seen');
    }
    await mailbox.round();
    await expectLedgerToMatch(mailbox);
  });
});

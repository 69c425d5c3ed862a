import { outcomes, presences } from '../../src/domain/ledger';
import { mostTwins } from '../../src/domain/strange-bytes';
import { mail } from '../support/mail-factory';
import { folderOf, type MessageWish } from '../support/scripted-imap-folder';
import { startScriptedServer, type Script, type ScriptedServer } from '../support/scripted-imap-server';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';

let bench: SyncBench;
let server: ScriptedServer;

beforeAll(async () => {
  bench = await createSyncBench(0);
});

afterAll(async () => {
  await bench.close();
});

afterEach(async () => {
  await bench.context.connections.closeAll();
  await server.stop();
});

const messages = [1, 2, 3].map((uid) => ({ uid, raw: mail({ subject: `number ${String(uid)}` }) }));

/** A mailbox on a server that plays this script. */
async function connect(script: Script = {}): Promise<TestMailbox> {
  server = await startScriptedServer({ folders: { INBOX: { uidValidity: '7', messages } }, ...script });
  return bench.connect({ port: server.port, user: 'somebody', withoutPerson: true });
}

async function cursorOf(mailbox: TestMailbox): Promise<string | null> {
  const [row] = await bench.database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.query<{ uidnext: string | null }>('SELECT uidnext FROM folder_generation WHERE source_id = $1', [
      mailbox.mailboxId,
    ]),
  );
  return row?.uidnext ?? null;
}

const outcomesOf = async (mailbox: TestMailbox) => (await mailbox.ledger()).map((row) => [row.uid, row.outcome]);

test('a message that a FETCH left out is fetched later, and the cursor waits for it', async () => {
  const mailbox = await connect({ folders: { INBOX: { uidValidity: '7', messages: [] } } });
  await mailbox.syncAll();
  const before = await cursorOf(mailbox);
  for (const message of messages) deliver(message);
  let silentAbout = 2;
  server.on['UID FETCH'] = (context) => {
    if (!context.args.includes('BODY')) {
      context.usual();
      return;
    }
    for (const uid of [1, 2, 3]) if (uid !== silentAbout && asksFor(context.args, uid)) context.sendRow(uid);
    context.ok();
  };
  await mailbox.round();
  expect(await outcomesOf(mailbox)).toEqual([
    [1, outcomes.recorded],
    [3, outcomes.recorded],
  ]);
  expect(await cursorOf(mailbox)).toBe(before);
  silentAbout = 0;
  await mailbox.round();
  expect((await mailbox.ledger()).map((row) => row.uid)).toEqual([1, 2, 3]);
});

test('messages that are never delivered are owed for ten minutes, then parked without bytes', async () => {
  const mailbox = await connect();
  server.on['UID FETCH'] = (context) => {
    if (!context.args.includes('BODY')) context.usual();
    else {
      if (asksFor(context.args, 1)) context.sendRow(1);
      context.ok();
    }
  };
  await mailbox.round();
  for (let tries = 0; tries < 4; tries += 1) await mailbox.syncAll().catch(() => undefined);
  expect(await outcomesOf(mailbox)).toEqual([[1, outcomes.recorded]]);
  bench.context.now = () => Date.now() + 600_001;
  await mailbox.syncAll();
  bench.context.now = Date.now;
  const parked = (await mailbox.ledger()).slice(1);
  expect(parked).toMatchObject([
    { uid: 2, outcome: outcomes.parked, reason: 'not-delivered', sha256: null },
    { uid: 3, outcome: outcomes.parked, reason: 'not-delivered', sha256: null },
  ]);
});

test('a server that delivers nothing at all is busy, and no message is blamed', async () => {
  const mailbox = await connect();
  server.on['UID FETCH'] = (context) => {
    if (context.args.includes('BODY')) context.ok();
    else context.usual();
  };
  await mailbox.round();
  await expect(mailbox.syncAll()).rejects.toThrow('retry');
  expect(await mailbox.ledger()).toEqual([]);
});

test('no placement ends because a SEARCH left it out', async () => {
  const mailbox = await connect();
  await mailbox.syncAll();
  server.on['UID SEARCH'] = (context) => {
    context.send('* SEARCH 1');
    context.ok();
  };
  deliver({ uid: 4, raw: mail({ subject: 'four' }) });
  await mailbox.round();
  expect((await mailbox.ledger()).every((row) => row.presence === presences.live)).toBe(true);
});

/** So many times UID SEARCH ALL shows these numbers; all other answers are right. */
function searchShows(numbers: string, times: number): { isTold: () => boolean } {
  let left = times;
  server.on['UID SEARCH'] = (context) => {
    if (left === 0 || !context.args.includes('ALL')) {
      context.usual();
      return;
    }
    left -= 1;
    context.send(`* SEARCH ${numbers}`);
    context.ok();
  };
  return { isTold: () => left === 0 };
}

const highest = async (mailbox: TestMailbox) => (await mailbox.ledger()).map(({ uid }) => uid).at(-1);

test('no cursor passes new mail of which a listing of the right length shows a number that was not given yet', async () => {
  const mailbox = await connect();
  await mailbox.syncAll();
  deliver({ uid: 4, raw: mail({ subject: 'four' }) });
  const lie = searchShows('1 2 3 9', 1);
  await mailbox.round();
  await mailbox.round();
  expect(lie.isTold()).toBe(true);
  expect(await highest(mailbox)).toBe(4);
});

test('no cursor passes new mail of which a listing shows one that is gone', async () => {
  const mailbox = await connect();
  await mailbox.syncAll();
  deliver({ uid: 5, raw: mail({ subject: 'five' }) });
  const lie = searchShows('1 2 3 4', 1);
  await mailbox.round();
  await mailbox.round();
  expect(lie.isTold()).toBe(true);
  expect(await highest(mailbox)).toBe(5);
});

test('no cursor passes what is shown in place of a message that was never there', async () => {
  const mailbox = await connect();
  await mailbox.syncAll();
  deliver({ uid: 5, raw: mail({ subject: 'five' }) });
  deliver({ uid: 6, raw: mail({ subject: 'six' }) });
  const lie = searchShows('1 2 3 4 6', 1);
  await mailbox.round();
  await mailbox.round();
  expect(lie.isTold()).toBe(true);
  expect((await mailbox.ledger()).map(({ uid }) => uid)).toEqual([1, 2, 3, 5, 6]);
});

test('an import does not end with a listing of the right length that shows another number', async () => {
  const mailbox = await connect();
  await mailbox.round();
  const lie = searchShows('2 3 4', 2);
  for (let left = 5; left > 0 && !lie.isTold(); left -= 1) await mailbox.syncAll();
  expect(lie.isTold()).toBe(true);
  await mailbox.syncAll();
  expect((await mailbox.ledger()).map(({ uid }) => uid)).toEqual([1, 2, 3]);
});

test('a refused SEARCH fails the round and moves no cursor', async () => {
  const mailbox = await connect();
  await mailbox.syncAll();
  const before = await cursorOf(mailbox);
  deliver({ uid: 4, raw: mail({ subject: 'four' }) });
  server.on['UID SEARCH'] = (context) => {
    context.no('not now');
  };
  server.on['UID FETCH'] = (context) => {
    context.no('not now');
  };
  expect((await mailbox.round()).kind).not.toBe('done');
  expect(await cursorOf(mailbox)).toBe(before);
});

test('a connection that is cut in the middle of a FETCH loses nothing', async () => {
  const mailbox = await connect();
  let cuts = 1;
  server.on['UID FETCH'] = (context) => {
    if (context.args.includes('BODY') && cuts > 0) {
      cuts -= 1;
      context.sendRow(3);
      context.cut();
    } else context.usual();
  };
  await mailbox.round();
  await expect(mailbox.syncAll()).rejects.toThrow('retry');
  await mailbox.syncAll();
  expect(await outcomesOf(mailbox)).toEqual([1, 2, 3].map((uid) => [uid, outcomes.recorded]));
});

test('a UIDVALIDITY above 32 bits is kept as it is', async () => {
  const uidValidity = '20260101120000000';
  const mailbox = await connect({ folders: { INBOX: { uidValidity, messages } } });
  expect(await mailbox.round()).toMatchObject({ kind: 'done' });
  await mailbox.syncAll();
  expect((await mailbox.ledger()).map((row) => row.uidValidity)).toEqual([uidValidity, uidValidity, uidValidity]);
});

test('a refused login waits for a person and says so in the mailbox', async () => {
  const mailbox = await connect({ password: 'another' });
  expect(await mailbox.round()).toMatchObject({ kind: 'waiting', state: 'auth-required' });
  const [row] = await bench.database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.query<{ state: string; state_reason: string; state_until: Date | null }>(
      'SELECT state, state_reason, state_until FROM mailbox WHERE source_id = $1',
      [mailbox.mailboxId],
    ),
  );
  expect(row).toEqual({ state: 'auth-required', state_reason: 'login-refused', state_until: null });
});

test('a folder that fails keeps no other folder waiting', async () => {
  const mailbox = await connect({
    folders: { Broken: { uidValidity: '7' }, INBOX: { uidValidity: '8' }, Last: { uidValidity: '9' } },
  });
  await mailbox.syncAll();
  for (const folder of ['Broken', 'INBOX', 'Last']) for (const message of messages) deliver(message, folder);
  server.on['EXAMINE'] = (context) => {
    if (context.args.includes('Broken')) context.no('[SERVERBUG] broken index');
    else context.usual();
  };
  expect((await mailbox.round()).kind).not.toBe('done');
  const recorded = async () =>
    (await mailbox.ledger()).map(({ folder, uid, outcome }) => [folder, uid, outcome === outcomes.recorded]);
  const threeOf = (folder: string) => [1, 2, 3].map((uid) => [folder, uid, true]);
  expect(await recorded()).toEqual([...threeOf('INBOX'), ...threeOf('Last')]);
  server.on = {};
  expect((await mailbox.round()).kind).toBe('done');
  expect(await recorded()).toEqual([...threeOf('Broken'), ...threeOf('INBOX'), ...threeOf('Last')]);
});

/** A message arrives. */
function deliver(message: { uid: number; raw: Buffer }, path = 'INBOX'): void {
  const folder = server.folders.get(path);
  const [arrived] = folderOf({ messages: [message] }).messages;
  if (folder === undefined || arrived === undefined) throw new Error('no such folder');
  folder.messages.push(arrived);
  folder.uidNext = message.uid + 1;
  folder.highestModseq = String(message.uid);
}

function asksFor(args: string, uid: number): boolean {
  const [set = ''] = args.split(' ');
  return set.split(',').some((range) => {
    const [from = '0', to = from] = range.split(':');
    return uid >= Number(from) && uid <= Number(to);
  });
}

describe('a server that gives the bytes of another message', () => {
  const subjects = async (mailbox: TestMailbox) => {
    const rows = await bench.database.db.inTenant(mailbox.tenantId, (sql) =>
      sql.query<{ uid: number; subject: string }>(
        `SELECT p.uid, s.subject FROM placement p JOIN copy c ON c.id = p.copy_id JOIN message_subject s ON s.message_id = c.message_id
         WHERE p.source_id = $1 ORDER BY p.uid`,
        [mailbox.mailboxId],
      ),
    );
    return rows.map(({ uid, subject }) => [uid, subject]);
  };
  const unlike = [1, 2, 3].map((uid) => ({
    uid,
    raw: mail({ subject: `number ${String(uid)}`, text: 'x'.repeat(uid) }),
  }));
  const right = [1, 2, 3].map((uid) => [uid, `number ${String(uid)}`]);

  /** How message 2 comes with the others, and alone. */
  async function answering(
    batch: (string | Buffer)[],
    alone: () => 'usual' | (string | Buffer)[],
    shown: MessageWish[] = unlike,
  ): Promise<TestMailbox> {
    const mailbox = await connect({ folders: { INBOX: { uidValidity: '7', messages: shown } } });
    server.on['UID FETCH'] = (context) => {
      if (!context.args.includes('BODY')) {
        context.usual();
        return;
      }
      const asked = [1, 2, 3].filter((uid) => asksFor(context.args, uid));
      const strange = asked.length > 1 ? batch : alone();
      for (const uid of asked) {
        if (uid === 2 && strange !== 'usual') context.sendRow(uid, strange);
        else context.sendRow(uid);
      }
      context.ok();
    };
    // An import that is owed a message is tried again.
    await mailbox.syncAll().catch(() => undefined);
    return mailbox;
  }
  const sized = (size: number | undefined, raw: Buffer | undefined) => [
    `UID 2 RFC822.SIZE ${String(size)} BODY[] `,
    raw ?? '',
  ];
  const [first, second] = unlike.map(({ raw }) => raw);

  test.each([
    ['with its size', first?.length],
    ['with the right size', second?.length],
  ])('%s is asked for that message alone, and nothing is recorded under a wrong UID', async (_, size) => {
    expect(await subjects(await answering(sized(size, first), () => 'usual'))).toEqual(right);
  });

  test('and others each time, is owed that message', async () => {
    let times = 0;
    const mailbox = await answering(sized(first?.length, first), () => {
      times += 1;
      const other = mail({ subject: 'a third', text: 'y'.repeat(100 + times) });
      return sized(other.length, other);
    });
    expect(await subjects(mailbox)).toEqual(right.filter(([uid]) => uid !== 2));
  });

  const day = (uid: number) => new Date(Date.UTC(2026, 0, uid, 3, 4, 5));
  const alike = [1, 2, 3].map((uid) => ({
    uid,
    raw: mail({ subject: `number ${String(uid)}`, messageId: `${String(uid)}@corp.example`, date: day(1) }),
    internalDate: day(uid),
  }));

  test('of the right size, but the same for two times of arrival, is asked for those alone', async () => {
    expect(new Set(alike.map(({ raw }) => raw.length)).size).toBe(1);
    const wrong = [`UID 2 RFC822.SIZE ${String(alike[0]?.raw.length)} BODY[] `, alike[0]?.raw ?? ''];
    expect(await subjects(await answering(wrong, () => 'usual', alike))).toEqual(right);
  });

  const alone = () =>
    server.commands
      .filter((line) => /^UID FETCH \d+ .*BODY/.test(line))
      .map((line) => Number(line.split(' ')[2]))
      .sort();

  test.each([
    [mostTwins, 'asked for alone, and believed where it insists'],
    [mostTwins + 1, 'believed: whoever sends it has sent it so often'],
  ])('that is the same for %d times of arrival is %s', async (count) => {
    const raw = alike[0]?.raw ?? '';
    const twins = Array.from({ length: count }, (_, at) => ({ uid: at + 1, raw, internalDate: day(at + 1) }));
    const mailbox = await connect({ folders: { INBOX: { uidValidity: '7', messages: twins } } });
    await mailbox.syncAll();
    expect(await outcomesOf(mailbox)).toEqual(twins.map(({ uid }) => [uid, outcomes.recorded]));
    expect(alone()).toEqual(count > mostTwins ? [] : twins.map(({ uid }) => uid));
  });

  test('is believed where it insists', async () => {
    const mailbox = await answering(sized(7, second), () => sized(7, second));
    expect(await subjects(mailbox)).toEqual(right);
  });
});

import { outcomes, presences } from '../../src/domain/ledger';
import { auditOf } from '../support/audit-of';
import { mail } from '../support/mail-factory';
import { allowOneConnection } from '../support/one-connection';
import { folderOf, type ScriptedFolder } from '../support/scripted-imap-folder';
import { startScriptedServer, type Script, type ScriptedServer } from '../support/scripted-imap-server';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';

let bench: SyncBench;
let server: ScriptedServer;

beforeAll(async () => {
  bench = await createSyncBench(0, { maxFolders: 5 });
});

afterAll(async () => {
  await bench.close();
});

afterEach(async () => {
  await bench.context.connections.closeAll();
  await server.stop();
});

const numbered = (count: number) =>
  Array.from({ length: count }, (_, at) => ({
    uid: at + 1,
    raw: mail({ subject: `number ${String(at + 1)}` }),
    internalDate: new Date(1_767_000_000_000 + at * 60_000),
  }));

async function connect(script: Script = {}): Promise<TestMailbox> {
  server = await startScriptedServer(script);
  const mailbox = await bench.connect({ port: server.port, user: 'somebody', withoutPerson: true });
  await mailbox.syncAll();
  return mailbox;
}

function folder(path: string): ScriptedFolder {
  const found = server.folders.get(path);
  if (found === undefined) throw new Error('no such folder');
  return found;
}

const live = async (mailbox: TestMailbox) =>
  (await mailbox.ledger()).filter(({ presence }) => presence === presences.live);

async function eventsOf(mailbox: TestMailbox, type: string): Promise<number[][]> {
  const rows = await bench.database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.query<{ ids: { uids: number[] } }>('SELECT ids FROM outbox WHERE stream = $1 AND type = $2 ORDER BY seq', [
      mailbox.mailboxId,
      type,
    ]),
  );
  return rows.map(({ ids }) => ids.uids);
}

const bodiesAsked = () => server.commands.filter((command) => command.includes('BODY.PEEK')).length;
const side = { INBOX: { uidValidity: '7' }, Side: { uidValidity: '8', messages: numbered(3) } };

/** From now on one connection at a time; none is kept from before. */
async function oneConnection(): Promise<void> {
  await bench.context.connections.closeAll();
  allowOneConnection(server);
}

/** LIST leaves the folder out so many times. */
function omit(path: string, times: number): void {
  let left = times;
  server.on['LIST'] = (context) => {
    const hidden = folder(path);
    left -= 1;
    if (left < 0 || !context.args.includes('*')) {
      context.usual();
      return;
    }
    server.folders.delete(path);
    context.usual();
    server.folders.set(path, hidden);
  };
}

describe('a folder that LIST leaves out', () => {
  test('once is not gone', async () => {
    const mailbox = await connect({ folders: side });
    omit('Side', 1);
    expect(await mailbox.round()).toMatchObject({ kind: 'done' });
    expect(await live(mailbox)).toHaveLength(3);
    expect(await eventsOf(mailbox, 'placement.ended')).toEqual([]);
  });

  test('on every connection, and that can be opened, is not gone, and its new mail is recorded', async () => {
    const mailbox = await connect({ folders: side });
    omit('Side', Infinity);
    const [, , , fourth] = folderOf({ messages: numbered(4) }).messages;
    if (fourth !== undefined) folder('Side').messages.push(fourth);
    folder('Side').uidNext = 5;
    await mailbox.round();
    expect(await live(mailbox)).toHaveLength(4);
  });

  test('on every connection, and that does not exist, is gone', async () => {
    const mailbox = await connect({ folders: side });
    server.folders.delete('Side');
    await mailbox.round();
    expect(await live(mailbox)).toEqual([]);
    expect(await eventsOf(mailbox, 'placement.ended')).toEqual([[1, 2, 3]]);
  });

  test('and cannot be asked about is left as it is', async () => {
    const mailbox = await connect({ folders: side });
    omit('Side', Infinity);
    server.on['EXAMINE'] = (context) => {
      context.no('[INUSE] locked');
    };
    expect(await mailbox.round()).toMatchObject({ kind: 'done' });
    expect(await live(mailbox)).toHaveLength(3);
  });

  test('and does not exist is gone also where the server allows no second connection', async () => {
    const mailbox = await connect({ folders: side });
    server.folders.delete('Side');
    await oneConnection();
    expect(await mailbox.round()).toMatchObject({ kind: 'done' });
    expect(await live(mailbox)).toEqual([]);
  });

  test('once is not gone where the server allows no second connection', async () => {
    const mailbox = await connect({ folders: side });
    await oneConnection();
    omit('Side', 1);
    expect(await mailbox.round()).toMatchObject({ kind: 'done' });
    expect(await live(mailbox)).toHaveLength(3);
  });

  test('stays as it is where no other connection is to be had at all', async () => {
    const mailbox = await connect({ folders: side });
    server.folders.delete('Side');
    server.on['LOGIN'] = (context) => {
      context.no('[UNAVAILABLE] Maximum number of connections exceeded');
    };
    expect(await mailbox.round()).toMatchObject({ kind: 'retry' });
    expect(await live(mailbox)).toHaveLength(3);
  });

  test('stays as it is, and nobody logs in again, where the second connection is told to come back later', async () => {
    const mailbox = await connect({ folders: side });
    server.folders.delete('Side');
    let logins = 0;
    server.on['LOGIN'] = (context) => {
      logins += 1;
      context.no('[LIMIT] Rate limit hit, try again in 2 minutes');
    };
    expect(await mailbox.round()).toMatchObject({ kind: 'retry' });
    expect(logins).toBe(1);
    expect(await live(mailbox)).toHaveLength(3);
  });

  test('and is back later lives again, with an event, and nothing is fetched', async () => {
    const mailbox = await connect({ folders: side });
    const kept = folder('Side');
    server.folders.delete('Side');
    await mailbox.round();
    const asked = bodiesAsked();
    server.folders.set('Side', kept);
    await mailbox.syncAll();
    expect(await live(mailbox)).toHaveLength(3);
    expect(await eventsOf(mailbox, 'placement.revived')).toEqual([[1, 2, 3]]);
    expect(bodiesAsked()).toBe(asked);
  });

  test('and is back under another name lives again there', async () => {
    const mailbox = await connect({ folders: side });
    const kept = folder('Side');
    server.folders.delete('Side');
    await mailbox.round();
    server.folders.set('Elsewhere', kept);
    await mailbox.syncAll();
    expect((await live(mailbox)).map((row) => row.folder)).toEqual(['Elsewhere', 'Elsewhere', 'Elsewhere']);
    expect(await mailbox.ledger()).toHaveLength(3);
  });
});

test('a folder called unselectable once keeps its placements; twice, they end', async () => {
  const mailbox = await connect({ folders: side });
  let closed = 1;
  server.on['LIST'] = (context) => {
    folder('Side').attributes = closed > 0 ? ['\\Noselect'] : [];
    closed -= 1;
    context.usual();
  };
  await mailbox.round();
  expect(await live(mailbox)).toHaveLength(3);
  closed = Infinity;
  server.on['EXAMINE'] = (context) => {
    if (context.args.includes('Side')) context.no('[NONEXISTENT] Mailbox is not selectable');
    else context.usual();
  };
  await mailbox.round();
  expect(await live(mailbox)).toEqual([]);
});

test('a folder called unselectable that does not say now whether it opens stays in scope, and is not provable', async () => {
  const mailbox = await connect({ folders: side });
  folder('Side').attributes = ['\\Noselect'];
  server.on['EXAMINE'] = (context) => {
    if (context.args.includes('Side')) context.no('[INUSE] locked');
    else context.usual();
  };
  await mailbox.round();
  expect(await live(mailbox)).toHaveLength(3);
  expect(await auditOf(bench, mailbox)).toMatchObject({ kind: 'done', state: 'done' });
  const rows = await bench.database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.query(
      `SELECT f.path, f.in_scope AS "inScope", a.verdict FROM folder f
       JOIN folder_audit a ON a.folder_id = f.id WHERE f.source_id = $1 AND f.path = 'Side'`,
      [mailbox.mailboxId],
    ),
  );
  expect(rows).toEqual([{ path: 'Side', inScope: true, verdict: 'not-provable' }]);
});

describe('a folder that was made anew, and that a session goes on calling unselectable', () => {
  /** Sessions that were begun before now show Side as a mere parent. */
  function stayBehind(): void {
    const behind = new Set(server.sockets);
    const isBehind = () => [...server.sockets].some((socket) => behind.has(socket)) && server.sockets.size === 1;
    server.on['LIST'] = (context) => {
      folder('Side').attributes = isBehind() ? ['\\Noselect'] : [];
      context.usual();
    };
    server.on['EXAMINE'] = (context) => {
      if (isBehind() && context.args.includes('Side')) context.no('[NONEXISTENT] not selectable');
      else context.usual();
    };
  }

  test('is followed in the same round', async () => {
    const mailbox = await connect({ folders: side });
    server.folders.set('Side', folderOf({ uidValidity: '9', messages: numbered(4) }));
    stayBehind();
    expect(await mailbox.round()).toMatchObject({ kind: 'done' });
    await mailbox.syncAll();
    expect((await live(mailbox)).map(({ uidValidity }) => uidValidity)).toEqual(['9', '9', '9', '9']);
  });

  test('is found when its end had been noted before, as soon as the session is a minute old', async () => {
    const mailbox = await connect({ folders: side });
    const open = folder('Side');
    Object.assign(open, { attributes: ['\\Noselect'] });
    server.on['EXAMINE'] = (context) => {
      if (context.args.includes('Side')) context.no('[NONEXISTENT] not selectable');
      else context.usual();
    };
    await mailbox.round();
    expect(await live(mailbox)).toEqual([]);
    stayBehind();
    const { now } = Date;
    const inAMinute = jest.spyOn(Date, 'now').mockImplementation(() => now() + 61_000);
    await mailbox.round();
    inAMinute.mockRestore();
    await mailbox.syncAll();
    expect(await live(mailbox)).toHaveLength(3);
  });
});

describe('MAILBOXID', () => {
  const capabilities = ['LITERAL+', 'ENABLE', 'UIDPLUS', 'CONDSTORE', 'NAMESPACE', 'UNSELECT', 'OBJECTID'];

  test('tells a renamed folder, also an empty one', async () => {
    const mailbox = await connect({
      capabilities,
      folders: { Full: { mailboxId: 'F1', messages: numbered(3) }, Empty: { mailboxId: 'F2' } },
    });
    const ids = () =>
      bench.database.db.inTenant(mailbox.tenantId, (sql) =>
        sql.query<{ id: string }>(
          `SELECT id FROM folder WHERE source_id = $1 AND mailbox_object_id IN ('F1', 'F2') AND gone_at IS NULL
           ORDER BY mailbox_object_id`,
          [mailbox.mailboxId],
        ),
      );
    const before = await ids();
    const asked = bodiesAsked();
    for (const [from, to] of [
      ['Full', 'Filled'],
      ['Empty', 'Void'],
    ] as const) {
      server.folders.set(to, folder(from));
      server.folders.delete(from);
    }
    await mailbox.round();
    expect(await ids()).toEqual(before);
    expect(bodiesAsked()).toBe(asked);
    expect((await live(mailbox)).map((row) => row.folder)).toEqual(['Filled', 'Filled', 'Filled']);
  });

  test('tells another folder with the same UIDVALIDITY and the same messages from the one that is gone', async () => {
    const mailbox = await connect({ capabilities, folders: { One: { mailboxId: 'F1', messages: numbered(3) } } });
    server.folders.delete('One');
    server.folders.set('Two', folderOf({ mailboxId: 'F9', messages: numbered(3) }));
    await mailbox.syncAll();
    const rows = await mailbox.ledger();
    expect(rows.filter((row) => row.folder === 'One').every((row) => row.presence === presences.ended)).toBe(true);
    expect(rows.filter((row) => row.folder === 'Two')).toHaveLength(3);
  });
});

test('a folder with the same UIDVALIDITY and other messages is not the one that vanished', async () => {
  const mailbox = await connect({ folders: { One: { messages: numbered(3) } } });
  server.folders.delete('One');
  const others = numbered(3).map(({ uid }) => ({ uid, raw: mail({ subject: `another ${String(uid)}` }) }));
  server.folders.set('Two', folderOf({ messages: others }));
  await mailbox.syncAll();
  const rows = await live(mailbox);
  expect(rows.map((row) => row.folder)).toEqual(['Two', 'Two', 'Two']);
  expect(new Set((await mailbox.ledger()).map((row) => row.copyId)).size).toBe(6);
});

describe('many messages missing at once', () => {
  test('are not believed where a fresh connection shows them', async () => {
    const mailbox = await connect({ folders: { INBOX: { messages: numbered(100) } } });
    const all = folder('INBOX').messages;
    let lies = 1;
    server.on['EXAMINE'] = (context) => {
      folder('INBOX').messages = lies > 0 ? all.slice(0, 20) : all;
      lies -= 1;
      context.usual();
    };
    folder('INBOX').highestModseq = '500';
    folder('INBOX').messages = all.slice(0, 20);
    await mailbox.round();
    expect(await live(mailbox)).toHaveLength(100);
    expect(await eventsOf(mailbox, 'placement.ended')).toEqual([]);
    await mailbox.round();
    expect(await live(mailbox)).toHaveLength(100);
  });

  test('are believed where it does not', async () => {
    const mailbox = await connect({ folders: { INBOX: { messages: numbered(100) } } });
    Object.assign(folder('INBOX'), { messages: folder('INBOX').messages.slice(0, 20), highestModseq: '500' });
    await mailbox.round();
    expect(await live(mailbox)).toHaveLength(20);
  });
});

test('a server that shows fewer messages than STATUS counts ends none', async () => {
  const mailbox = await connect({ folders: { INBOX: { messages: numbered(30) } } });
  folder('INBOX').messages = folder('INBOX').messages.slice(10);
  folder('INBOX').highestModseq = '500';
  server.on['STATUS'] = (context) => {
    context.send(`* STATUS "INBOX" (MESSAGES 83640 UIDNEXT 31 UIDVALIDITY 1 HIGHESTMODSEQ 500)`);
    context.ok();
  };
  expect(await mailbox.round()).toMatchObject({ kind: 'done' });
  expect(await live(mailbox)).toHaveLength(30);
});

test('a folder that shows only a part, whichever way it is asked, is synced as far as it is shown', async () => {
  const mailbox = await connect({
    folders: { INBOX: { messages: numbered(30) } },
    on: {
      EXAMINE: (context) => {
        context.usual();
        context.send('* 83640 EXISTS');
      },
    },
  });
  expect(await live(mailbox)).toHaveLength(30);
  folder('INBOX').messages = folder('INBOX').messages.slice(10);
  folder('INBOX').highestModseq = '500';
  await mailbox.round();
  expect(await live(mailbox)).toHaveLength(30);
});

describe('UIDVALIDITY', () => {
  test.each(['6', '9', '0', '20260101120000000'])(
    'that becomes %s begins a generation, and nothing is doubled',
    async (next) => {
      const mailbox = await connect({ folders: { INBOX: { uidValidity: '7', messages: numbered(3) } } });
      Object.assign(folder('INBOX'), { uidValidity: next });
      await mailbox.syncAll();
      const rows = await mailbox.ledger();
      expect(rows.map((row) => [row.uidValidity, row.presence])).toEqual([
        ...[1, 2, 3].map(() => ['7', presences.ended]),
        ...[1, 2, 3].map(() => [next, presences.live]),
      ]);
      expect(new Set(rows.map((row) => row.copyId)).size).toBe(3);
      expect(await eventsOf(mailbox, 'placement.ended')).toEqual([[1, 2, 3]]);
    },
  );

  test('that goes and comes back is the generation it was', async () => {
    const mailbox = await connect({ folders: { INBOX: { uidValidity: '7', messages: numbered(3) } } });
    for (const next of ['8', '7']) {
      folder('INBOX').uidValidity = next;
      await mailbox.syncAll();
    }
    expect((await live(mailbox)).map((row) => row.uidValidity)).toEqual(['7', '7', '7']);
    expect(await mailbox.ledger()).toHaveLength(6);
    expect(await eventsOf(mailbox, 'placement.revived')).toEqual([[1, 2, 3]]);
  });
});

describe('UIDNEXT', () => {
  test('that falls while the messages are the same changes nothing', async () => {
    const mailbox = await connect({ folders: { INBOX: { uidNext: 50, messages: numbered(3) } } });
    folder('INBOX').uidNext = 4;
    await mailbox.syncAll();
    expect((await mailbox.ledger()).map(({ presence }) => presence)).toEqual([1, 1, 1]);
  });

  test('that falls because the folder was made anew under its UIDVALIDITY begins a generation', async () => {
    const mailbox = await connect({ folders: { INBOX: { messages: numbered(5) } } });
    const others = [1, 2].map((uid) => ({ uid, raw: mail({ subject: `anew ${String(uid)}` }) }));
    server.folders.set('INBOX', folderOf({ messages: others }));
    await mailbox.syncAll();
    expect((await live(mailbox)).map(({ uid }) => uid)).toEqual([1, 2]);
    expect(new Set((await mailbox.ledger()).map((row) => row.copyId)).size).toBe(7);
  });

  test('that falls in a folder that is empty when it is looked at begins a generation, and its new mail is recorded', async () => {
    const mailbox = await connect({ folders: { INBOX: { uidNext: 500, messages: numbered(5) } } });
    server.folders.set('INBOX', folderOf({}));
    await mailbox.syncAll();
    server.folders.set(
      'INBOX',
      folderOf({ messages: [{ uid: 1, raw: mail({ subject: 'the first of the new ones' }) }] }),
    );
    await mailbox.syncAll();
    expect((await live(mailbox)).map(({ uid }) => uid)).toEqual([1]);
    expect(new Set((await mailbox.ledger()).map((row) => row.copyId)).size).toBe(6);
  });

  test('that runs ahead of the last message is no missing mail', async () => {
    const mailbox = await connect({ folders: { INBOX: { uidNext: 5_000, messages: numbered(3) } } });
    expect(await mailbox.round()).toMatchObject({ kind: 'done', folders: 0 });
  });
});

test('more folders than are allowed need a person, and nothing ends', async () => {
  const mailbox = await connect({ folders: side });
  for (let number = 0; number < 6; number += 1) server.folders.set(`More ${String(number)}`, folderOf({}));
  server.folders.delete('Side');
  expect(await mailbox.round()).toMatchObject({
    kind: 'waiting',
    state: 'needs-attention',
    failure: 'refused (too-many-folders)',
  });
  expect(await live(mailbox)).toHaveLength(3);
});

test('a listing without any folder needs a person, and nothing ends', async () => {
  const mailbox = await connect({ folders: side });
  server.on['LIST'] = (context) => {
    context.ok();
  };
  expect(await mailbox.round()).toMatchObject({ kind: 'waiting', failure: 'refused (empty-listing)' });
  expect(await live(mailbox)).toHaveLength(3);
});

test('a folder whose STATUS is missing is opened and followed all the same', async () => {
  const mailbox = await connect({ folders: side });
  server.on['STATUS'] = (context) => {
    if (context.args.includes('Side')) context.no('[SERVERBUG] no status');
    else context.usual();
  };
  const [, , , fourth] = folderOf({ messages: numbered(4) }).messages;
  if (fourth !== undefined) folder('Side').messages.push(fourth);
  folder('Side').uidNext = 5;
  expect(await mailbox.round()).toMatchObject({ kind: 'done', recorded: 1 });
  expect((await mailbox.ledger()).every(({ outcome }) => outcome === outcomes.recorded)).toBe(true);
});

test('VANISHED for living messages ends none of them', async () => {
  const mailbox = await connect({ folders: side });
  folder('Side').highestModseq = '900';
  server.on['EXAMINE'] = (context) => {
    context.send('* VANISHED (EARLIER) 1:3');
    context.usual();
  };
  await mailbox.round();
  expect(await live(mailbox)).toHaveLength(3);
});

test.each(['0', '-5', '1', null])('a HIGHESTMODSEQ that becomes %s loses no flag', async (modseq) => {
  const mailbox = await connect({ folders: { INBOX: { highestModseq: '700', messages: numbered(3) } } });
  const [first] = folder('INBOX').messages;
  if (first !== undefined) first.flags = ['\\Seen'];
  folder('INBOX').highestModseq = modseq;
  await mailbox.round();
  expect((await mailbox.ledger())[0]?.flags).toBe(1);
});

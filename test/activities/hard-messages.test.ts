import { createHash } from 'node:crypto';

import { createConnections } from '../../src/activities/connections';
import type { ActivityContext } from '../../src/activities/context';
import { importBatch } from '../../src/activities/import-batch';
import { runRound } from '../../src/activities/run-round';
import { mailboxForSync } from '../../src/db/sync/mailbox-for-sync';
import { MailFailure } from '../../src/domain/failure';
import { outcomes } from '../../src/domain/ledger';
import type { Policy } from '../../src/domain/policy';
import { mail } from '../support/mail-factory';
import { startScriptedServer, type Handler, type Script, type ScriptedServer } from '../support/scripted-imap-server';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';

let bench: SyncBench;
let server: ScriptedServer;

beforeAll(async () => {
  bench = await createSyncBench(0, { maxFolders: 50, socketTimeoutMs: 1_500 });
});

afterAll(async () => {
  await bench.close();
});

afterEach(async () => {
  bench.context.now = Date.now;
  await bench.context.connections.closeAll();
  await server.stop();
});

const messages = [1, 2, 3, 4, 5].map((uid) => ({ uid, raw: mail({ subject: `number ${String(uid)}` }) }));

async function connect(script: Script = {}, policy: Partial<Policy> = {}): Promise<TestMailbox> {
  server = await startScriptedServer({ folders: { INBOX: { uidValidity: '7', messages } }, ...script });
  return bench.connect({ port: server.port, user: 'somebody', withoutPerson: true, policy });
}

function asksFor(args: string, uid: number): boolean {
  const [set = ''] = args.split(' ');
  return set.split(',').some((range) => {
    const [from = '0', to = from] = range.split(':');
    return uid >= Number(from) && uid <= Number(to);
  });
}

const inElevenMinutes = () => Date.now() + 660_000;
const recordedUids = async (mailbox: TestMailbox) =>
  (await mailbox.ledger()).filter(({ outcome }) => outcome === outcomes.recorded).map(({ uid }) => uid);

/** Rounds and import, whatever they come to. */
async function tryAll(mailbox: TestMailbox, times: number): Promise<void> {
  for (let tried = 0; tried < times; tried += 1) await mailbox.syncAll().catch(() => undefined);
}

test('a message that the server refuses in every way is parked, the others are recorded', async () => {
  const mailbox = await connect();
  server.on['UID FETCH'] = (context) => {
    if (asksFor(context.args, 3)) context.no('[UNAVAILABLE] UID FETCH Server error');
    else context.usual();
  };
  await tryAll(mailbox, 3);
  expect(await recordedUids(mailbox)).toEqual([1, 2, 4, 5]);
  bench.context.now = inElevenMinutes;
  await tryAll(mailbox, 1);
  expect((await mailbox.ledger())[2]).toMatchObject({ uid: 3, outcome: outcomes.parked, reason: 'not-delivered' });
});

test('a message whose size and date the server refuses is asked for its bytes alone, and recorded', async () => {
  const mailbox = await connect();
  server.on['UID FETCH'] = (context) => {
    const refused = context.args.includes('RFC822.SIZE') && asksFor(context.args, 3);
    if (refused) context.no('[UNAVAILABLE] UID FETCH Server error');
    else context.usual();
  };
  await mailbox.syncAll();
  expect(await recordedUids(mailbox)).toEqual([1, 2, 3, 4, 5]);
});

test('a big message that the server refuses holds up nobody', async () => {
  const big = { uid: 6, raw: mail({ subject: 'big', text: 'x'.repeat(9_000_000) }) };
  const mailbox = await connect({ folders: { INBOX: { uidValidity: '7', messages: [...messages, big] } } });
  server.on['UID FETCH'] = (context) => {
    if (context.args.includes('BODY') && asksFor(context.args, 6)) context.no('[UNAVAILABLE] not this one');
    else context.usual();
  };
  await tryAll(mailbox, 1);
  expect(await recordedUids(mailbox)).toEqual([1, 2, 3, 4, 5]);
});

test('neither ENVELOPE nor BODYSTRUCTURE is ever asked for', async () => {
  const mailbox = await connect();
  await mailbox.syncAll();
  expect(await recordedUids(mailbox)).toHaveLength(5);
  expect(
    server.commands.filter((command) => /\bENVELOPE\b|\bBODYSTRUCTURE\b|\bBODY\b(?!\.PEEK)/.test(command)),
  ).toEqual([]);
});

const breaking: Record<string, Handler> = {
  'a cut': (context) => {
    context.cut();
  },
  'a BYE': (context) => {
    context.send('* BYE Internal error occurred');
    context.cut();
  },
};

test.each(Object.entries(breaking))(
  'a message that ends every connection by %s is parked, the others are recorded',
  async (_, end) => {
    const mailbox = await connect();
    server.on['UID FETCH'] = (context) => {
      if (context.args.includes('BODY') && asksFor(context.args, 3)) end(context);
      else context.usual();
    };
    await tryAll(mailbox, 5);
    expect(await recordedUids(mailbox)).toEqual([1, 2, 4, 5]);
    bench.context.now = inElevenMinutes;
    await tryAll(mailbox, 2);
    expect((await mailbox.ledger())[2]).toMatchObject({ uid: 3, outcome: outcomes.parked });
    expect(await mailbox.round()).toMatchObject({ kind: 'done' });
  },
);

describe('a message that ends every connection by', () => {
  test.each(Object.entries(breaking))(
    '%s when its size is asked for is parked, the others are recorded',
    async (_, end) => {
      const many = Array.from({ length: 40 }, (_unused, at) => ({
        uid: at + 1,
        raw: mail({ subject: `number ${String(at + 1)}` }),
      }));
      const mailbox = await connect({ folders: { INBOX: { uidValidity: '7', messages: many } } });
      const ends = [13, 31];
      server.on['UID FETCH'] = (context) => {
        if (ends.some((uid) => asksFor(context.args, uid))) end(context);
        else context.usual();
      };
      await tryAll(mailbox, 5);
      expect(await recordedUids(mailbox)).toEqual(many.map(({ uid }) => uid).filter((uid) => !ends.includes(uid)));
      bench.context.now = inElevenMinutes;
      await tryAll(mailbox, 4);
      const parked = (await mailbox.ledger()).filter(({ outcome }) => outcome === outcomes.parked);
      expect(parked.map(({ uid }) => uid)).toEqual(ends);
      expect(await mailbox.round()).toMatchObject({ kind: 'done' });
    },
  );

  test('a cut when its size is asked for is recorded where its bytes alone come', async () => {
    const mailbox = await connect();
    server.on['UID FETCH'] = (context) => {
      if (context.args.includes('RFC822.SIZE') && asksFor(context.args, 3)) context.cut();
      else context.usual();
    };
    await tryAll(mailbox, 5);
    expect(await recordedUids(mailbox)).toEqual([1, 2, 3, 4, 5]);
  });

  test('a cut holds up no start point', async () => {
    const mailbox = await connect({}, { start: { from: 'date', date: '2020-01-01' } });
    server.on['UID FETCH'] = (context) => {
      if (asksFor(context.args, 3)) context.cut();
      else context.usual();
    };
    await tryAll(mailbox, 6);
    expect(await recordedUids(mailbox)).toEqual([1, 2, 4, 5]);
  });
});

describe('while it is looked for which message ends every connection', () => {
  const cutAt3: Handler = (context) => {
    if (asksFor(context.args, 3)) context.cut();
    else context.usual();
  };
  const refOf = async (mailbox: TestMailbox) => {
    const found = await mailboxForSync(bench.context.db, mailbox);
    if (found === null) throw new Error('the mailbox is gone');
    return { tenantId: mailbox.tenantId, mailboxId: mailbox.mailboxId, fence: found.fence };
  };

  test('one connection is enough, and each is given back before the next', async () => {
    const mailbox = await connect();
    server.on['UID FETCH'] = cutAt3;
    let held = 0;
    const connectOne: ActivityContext['connect'] = async (wanted, signal) => {
      if (held > 0) throw new MailFailure('busy', 'connect', { code: 'too-many-connections' });
      const open = await bench.context.connect(wanted, signal);
      held += 1;
      const closeIt = open.close.bind(open);
      let isHeld = true;
      return Object.assign(open, {
        close: async () => {
          await closeIt();
          held -= isHeld ? 1 : 0;
          isHeld = false;
        },
      });
    };
    const connections = createConnections({
      connect: (use) => connectOne(use.mailbox),
      standings: () => Promise.resolve([]),
      idleMs: 60_000,
      checkMs: 60_000,
    });
    const context = { ...bench.context, connections, connect: connectOne };
    const ref = await refOf(mailbox);
    const run = { signal: new AbortController().signal, heartbeat: () => undefined };
    for (let tried = 0; tried < 3; tried += 1) {
      await runRound(context, run, ref);
      await connections.closeAll();
      await importBatch(context, run, ref);
      await connections.closeAll();
    }
    expect(held).toBe(0);
    expect(await recordedUids(mailbox)).toEqual([1, 2, 4, 5]);
  });

  test('whoever gives the round up ends the search too', async () => {
    const mailbox = await connect({}, { start: { from: 'date', date: '2020-01-01' } });
    server.on['UID FETCH'] = cutAt3;
    await mailbox.round();
    const giveUp = new AbortController();
    const neverConnects: ActivityContext['connect'] = (_, signal) =>
      new Promise((_resolve, reject) => {
        if (signal === undefined) throw new Error('nobody could end it');
        signal.addEventListener('abort', () => {
          reject(signal.reason as Error);
        });
        giveUp.abort(new Error('the worker ends'));
      });
    const context = { ...bench.context, connect: neverConnects };
    const run = { signal: giveUp.signal, heartbeat: () => undefined };
    await expect(runRound(context, run, await refOf(mailbox))).rejects.toThrow('the worker ends');
  });

  test('a search that is given up blames no message', async () => {
    const mailbox = await connect({}, { start: { from: 'date', date: '2020-01-01' } });
    server.on['UID FETCH'] = cutAt3;
    await mailbox.round();
    const giveUp = new AbortController();
    server.on['UID FETCH'] = (context) => {
      // The round's own connection is lost; the one that looks is left without an answer.
      if (context.connection === lastOfRound()) context.cut();
      else giveUp.abort(new Error('the worker ends'));
    };
    const before = server.connections;
    const lastOfRound = () => before + 1;
    const run = { signal: giveUp.signal, heartbeat: () => undefined };
    await expect(runRound(bench.context, run, await refOf(mailbox))).rejects.toThrow('the worker ends');
    server.on['UID FETCH'] = (context) => {
      context.usual();
    };
    await mailbox.syncAll();
    expect(await recordedUids(mailbox)).toEqual([1, 2, 3, 4, 5]);
  });
});

const refusals = [
  '[LIMIT] too much',
  '[INUSE] locked',
  '[OVERQUOTA] full',
  '[SERVERBUG] oops',
  '[CORRUPTION] broken',
  '[NOPERM] no',
];

describe.each(['BODY', 'RFC822.SIZE'])('a message of which %s is refused for ever with', (item) => {
  test.each(refusals)('%s is parked, or comes by its bytes alone, and holds up no other', async (text) => {
    const mailbox = await connect();
    server.on['UID FETCH'] = (context) => {
      if (context.args.includes(item) && asksFor(context.args, 3)) context.no(text);
      else context.usual();
    };
    await tryAll(mailbox, 6);
    expect(await recordedUids(mailbox)).toEqual(expect.arrayContaining([1, 2, 4, 5]));
    bench.context.now = inElevenMinutes;
    await tryAll(mailbox, 4);
    expect((await mailbox.ledger()).map(({ uid }) => uid)).toEqual([1, 2, 3, 4, 5]);
    expect(await mailbox.round()).toMatchObject({ kind: 'done' });
  });
});

test.each([
  ['shorter', -10],
  ['longer', 10],
])('a literal %s than announced loses nothing and invents nothing', async (_, difference) => {
  const mailbox = await connect();
  let lies = 3;
  server.on['UID FETCH'] = (context) => {
    const raw = server.folders.get('INBOX')?.messages[2]?.raw;
    if (!context.args.includes('BODY') || !asksFor(context.args, 3) || raw === undefined || lies <= 0) {
      context.usual();
      return;
    }
    lies -= 1;
    const announced = String(raw.length + difference);
    context.send(`* 3 FETCH (UID 3 BODY[] {${announced}}\r\n${raw.toString()})`);
    context.ok();
  };
  await tryAll(mailbox, 8);
  expect(await recordedUids(mailbox)).toEqual([1, 2, 3, 4, 5]);
  const shown = messages.map(({ raw }) => createHash('sha256').update(raw).digest('hex'));
  expect((await mailbox.ledger()).map(({ sha256 }) => sha256)).toEqual(shown);
});

test('a connection that is lost by chance blames no message', async () => {
  const mailbox = await connect();
  let cuts = 1;
  server.on['UID FETCH'] = (context) => {
    cuts -= 1;
    if (cuts >= 0) context.cut();
    else context.usual();
  };
  await tryAll(mailbox, 2);
  expect(await recordedUids(mailbox)).toEqual([1, 2, 3, 4, 5]);
  expect(server.commands.filter((command) => command.startsWith('EXAMINE')).length).toBeLessThan(12);
});

test('rows of other messages, doubled rows and rows with flags alone change nothing', async () => {
  const mailbox = await connect();
  server.on['UID FETCH'] = (context) => {
    context.sendRow(2, ['FLAGS (\\Seen)']);
    context.sendRow(99, ['UID 99 RFC822.SIZE 4 BODY[] ', Buffer.from('fake')]);
    context.usual();
    context.sendRow(1);
  };
  await mailbox.syncAll();
  expect((await mailbox.ledger()).map(({ uid, outcome }) => [uid, outcome])).toEqual(
    messages.map(({ uid }) => [uid, outcomes.recorded]),
  );
});

test.each([
  ['NIL', ['NIL']],
  ['an empty literal', [Buffer.alloc(0)]],
])('a body of %s is owed, asked for again, and comes later', async (_, body) => {
  const mailbox = await connect();
  let refuses = true;
  server.on['UID FETCH'] = (context) => {
    if (!refuses || !context.args.includes('BODY') || !asksFor(context.args, 4)) context.usual();
    else {
      for (const uid of [1, 2, 3, 5]) if (asksFor(context.args, uid)) context.sendRow(uid);
      context.sendRow(4, ['UID 4 BODY[] ', ...body]);
      context.ok();
    }
  };
  await tryAll(mailbox, 1);
  expect(await recordedUids(mailbox)).toEqual([1, 2, 3, 5]);
  refuses = false;
  await mailbox.syncAll();
  expect(await recordedUids(mailbox)).toEqual([1, 2, 3, 4, 5]);
});

test("Exchange's made-up message is never stored in place of the real one", async () => {
  const mailbox = await connect();
  const excuse = Buffer.from(
    'Subject: Retrieval using the IMAP4 protocol failed for the following message: 4\r\n\r\nThe server could not retrieve it.\r\n',
  );
  server.on['UID FETCH'] = (context) => {
    if (context.args.includes('BODY') && asksFor(context.args, 4)) {
      for (const uid of [1, 2, 3, 5]) if (asksFor(context.args, uid)) context.sendRow(uid);
      context.sendRow(4, ['UID 4 RFC822.SIZE 90 BODY[] ', excuse]);
      context.ok();
    } else context.usual();
  };
  await tryAll(mailbox, 1);
  expect(await recordedUids(mailbox)).toEqual([1, 2, 3, 5]);
});

test('a message that is expunged between listing and fetch holds up nothing', async () => {
  const mailbox = await connect();
  server.on['UID FETCH'] = (context) => {
    const inbox = server.folders.get('INBOX');
    if (context.args.includes('BODY') && inbox?.messages.length === 5) {
      inbox.messages.splice(2, 1);
      context.send('* 3 EXPUNGE');
      for (const uid of [1, 2, 4, 5]) context.sendRow(uid);
      context.no('[EXPUNGEISSUED] Some of the requested messages no longer exist');
    } else context.usual();
  };
  await mailbox.syncAll();
  expect(await recordedUids(mailbox)).toEqual([1, 2, 4, 5]);
  expect(await mailbox.round()).toMatchObject({ kind: 'done' });
});

const withIds = messages.map((message) => ({ ...message, emailId: `M${String(message.uid)}` }));
const objectId = ['LITERAL+', 'ENABLE', 'UIDPLUS', 'CONDSTORE', 'NAMESPACE', 'UNSELECT', 'OBJECTID'];
const bodiesAsked = () => server.commands.filter((command) => command.includes('BODY.PEEK')).length;

test('after a new UIDVALIDITY, messages that the server knows by EMAILID are not fetched again', async () => {
  const mailbox = await connect({
    capabilities: objectId,
    folders: { INBOX: { uidValidity: '7', messages: withIds } },
  });
  await mailbox.syncAll();
  const before = await mailbox.ledger();
  const asked = bodiesAsked();
  const inbox = server.folders.get('INBOX');
  if (inbox === undefined) throw new Error('no INBOX');
  inbox.uidValidity = '8';
  inbox.messages = inbox.messages.map((message) => ({ ...message, uid: message.uid + 10 }));
  inbox.uidNext = 16;
  await mailbox.syncAll();
  expect(bodiesAsked()).toBe(asked);
  const after = (await mailbox.ledger()).filter(({ uidValidity }) => uidValidity === '8');
  expect(after.map(({ copyId }) => copyId)).toEqual(before.map(({ copyId }) => copyId));
});

test('a message moved to another folder is not fetched again where the server knows it by EMAILID', async () => {
  const mailbox = await connect({
    capabilities: objectId,
    folders: { INBOX: { uidValidity: '7', messages: withIds }, Archive: { uidValidity: '9' } },
  });
  await mailbox.syncAll();
  const asked = bodiesAsked();
  const [inbox, archive] = [server.folders.get('INBOX'), server.folders.get('Archive')];
  const moved = inbox?.messages.pop();
  if (archive === undefined || moved === undefined || inbox === undefined) throw new Error('no folders');
  inbox.highestModseq = '20';
  Object.assign(archive, { messages: [{ ...moved, uid: 1 }], uidNext: 2, highestModseq: '20' });
  await mailbox.syncAll();
  expect(bodiesAsked()).toBe(asked);
  const rows = (await mailbox.ledger()).filter(
    ({ copyId }, at, all) => all.findIndex((row) => row.copyId === copyId) !== at,
  );
  expect(rows).toHaveLength(1);
});

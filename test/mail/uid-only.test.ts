import { openMailbox, type OpenOptions } from '../../src/mail/open-mailbox';
import type { Mailbox, OpenFolder } from '../../src/mail/mailbox';
import type { Script, ScriptedServer } from '../support/scripted-imap-server';
import { startUidOnlyServer } from '../support/uid-only-server';

const options: OpenOptions = {
  hostRules: { allowedNetworks: ['127.0.0.0/8'] },
  connectTimeoutMs: 5_000,
  socketTimeoutMs: 2_000,
};

const uids = Array.from({ length: 30 }, (_, at) => at * 3 + 1);
const newest = uids.slice(-10);
const rawOf = (uid: number) => `Subject: number ${String(uid)}\r\n\r\n${'text '.repeat(uid)}`;

let server: ScriptedServer;
let mailbox: Mailbox;

afterEach(async () => {
  await mailbox.close();
  await server.stop();
});

/** 30 messages, of which 10 are shown to who counts by sequence numbers. */
async function inbox(script: Script = {}, change: Partial<OpenOptions> = {}): Promise<OpenFolder> {
  const messages = uids.map((uid) => ({ uid, raw: rawOf(uid), flags: uid === 4 ? ['\\Flagged'] : [] }));
  server = await startUidOnlyServer({ INBOX: { messages, uidNext: 100 } }, { shown: 10, ...script });
  mailbox = await openMailbox(server.access(), { ...options, ...change });
  return mailbox.examine('INBOX');
}

const asked = (start: string) => server.commands.filter((command) => command.startsWith(start));

test('all is shown where the server agrees, and nothing is asked for by a sequence number', async () => {
  const folder = await inbox();
  expect(folder.snapshot).toMatchObject({ messages: 30, uidNext: 100 });
  expect(await folder.listUids()).toEqual({ proven: true, uids });
  const other = await folder.listByOtherRoutes({ shown: newest, counted: 30, uidNext: 100, mostCommands: 50 });
  expect(other).toMatchObject({ uids });
  expect([...asked('FETCH'), ...asked('SEARCH'), ...asked('STORE')]).toEqual([]);
});

test('a listing whose SEARCH is cut is had by UID FETCH', async () => {
  const folder = await inbox({
    on: {
      'UID SEARCH': ({ send, ok }) => {
        send('* SEARCH 1 4');
        ok();
      },
    },
  });
  expect(await folder.listUids()).toEqual({ proven: true, uids });
  expect(asked('FETCH')).toEqual([]);
});

test('envelopes, bytes, flags and marks are those of the message that the UID names', async () => {
  const folder = await inbox();
  const envelopes = await folder.fetchEnvelopes([4, 7]);
  expect(envelopes.map(({ uid, size }) => [uid, size])).toEqual([4, 7].map((uid) => [uid, rawOf(uid).length]));
  const raws = new Map<number, string>();
  await folder.fetchRaw([1, 4, 88], (message) => {
    raws.set(message.uid, message.raw.toString());
    return Promise.resolve();
  });
  expect(raws).toEqual(new Map([1, 4, 88].map((uid) => [uid, rawOf(uid)])));
  const flags = await folder.flagsSince(null);
  expect(flags.map(({ uid }) => uid)).toEqual(uids);
  await mailbox.markSeen('INBOX', '1', [4]);
  expect(server.folders.get('INBOX')?.messages.find(({ uid }) => uid === 4)?.flags).toEqual(['\\Flagged', '\\Seen']);
});

test('a row without items names its message all the same', async () => {
  const folder = await inbox({
    on: {
      'UID SEARCH': ({ no }) => {
        no('not now');
      },
      'UID FETCH': ({ send, ok }) => {
        for (const uid of uids) send(`* ${String(uid)} uidfetch ()`);
        ok();
      },
    },
  });
  expect(await folder.listUids()).toEqual({ proven: true, uids });
});

test('a big folder is searched by even ranges of UIDs', async () => {
  const folder = await inbox({
    on: {
      EXAMINE: ({ send, ok }) => {
        send('* 60000 EXISTS');
        send('* OK [UIDVALIDITY 1] valid');
        send('* OK [UIDNEXT 120000] next');
        ok('[READ-ONLY] opened');
      },
      'UID SEARCH': ({ send, ok }) => {
        send('* SEARCH 9 50000 90000');
        ok();
      },
    },
  });
  expect(await folder.listUidsSince(new Date('2026-01-01'))).toEqual([9, 50_000, 90_000]);
  expect(asked('UID SEARCH').map((command) => /UID ([\d:*]+)$/.exec(command)?.[1])).toEqual([
    '1:39999',
    '40000:79999',
    '80000:*',
  ]);
  expect(asked('FETCH')).toEqual([]);
});

test.each<[string, Script['on']]>([
  [
    'refuses',
    {
      ENABLE: ({ args, no, usual }) => {
        if (args.includes('UIDONLY')) no('not for you');
        else usual();
      },
    },
  ],
  [
    'says yes, and does not say to what',
    {
      ENABLE: ({ args, ok, usual }) => {
        if (args.includes('UIDONLY')) ok();
        else usual();
      },
    },
  ],
])('a server that %s is asked as any other', async (_how, on) => {
  const folder = await inbox({ on: on ?? {} });
  expect(await folder.listUids()).toMatchObject({ uids: newest });
  expect(await folder.fetchEnvelopes([88])).toHaveLength(1);
});

test('a connection that breaks while it is asked is a failure', async () => {
  const opened = inbox({
    on: {
      ENABLE: ({ args, cut, usual }) => {
        if (args.includes('UIDONLY')) cut();
        else usual();
      },
    },
  });
  await expect(opened).rejects.toMatchObject({ kind: 'unreachable', code: 'connection-lost' });
  mailbox = await openMailbox(server.access(), { ...options, uidOnly: false });
});

test.each<[string, Script, Partial<OpenOptions>]>([
  ['does not announce it', { capabilities: ['ENABLE', 'UIDPLUS', 'CONDSTORE'] }, {}],
  ['announces it, where an operator has switched it off', {}, { uidOnly: false }],
])('a server that %s is not asked', async (_how, script, change) => {
  const folder = await inbox(script, change);
  expect(asked('ENABLE UIDONLY')).toEqual([]);
  expect(await folder.listUids()).toMatchObject({ uids: newest });
});

import { MailFailure } from '../../src/domain/failure';
import type { UidListing } from '../../src/domain/folder';
import { openMailbox } from '../../src/mail/open-mailbox';
import type { Mailbox, OpenFolder } from '../../src/mail/mailbox';
import { watchLoop } from '../fuzz/loop-watch';
import { startScriptedServer, type Handler, type ScriptedServer } from '../support/scripted-imap-server';

// A machine that is busy with other tests computes at half its speed: a stall of ours is there each time.
jest.retryTimes(2);

/* What a server says in a few bytes keeps nobody waiting, and is no proof of anything. */
const mostStallMs = 200;

let server: ScriptedServer;
let mailbox: Mailbox;

afterEach(async () => {
  await mailbox.close();
  await server.stop();
});

async function folderWith(on: Record<string, Handler>): Promise<OpenFolder> {
  const messages = [3, 5, 9].map((uid) => ({ uid, raw: 'From: a@example.org\r\n\r\n' }));
  server = await startScriptedServer({ folders: { INBOX: { messages } }, on });
  mailbox = await openMailbox(server.access(), {
    hostRules: { allowedNetworks: ['127.0.0.0/8'] },
    connectTimeoutMs: 60_000,
    socketTimeoutMs: 60_000,
  });
  return mailbox.examine('INBOX');
}

async function listed(folder: OpenFolder) {
  const watch = watchLoop();
  const listing = await folder.listUids();
  return { listing, longestStallMs: watch.stop().longestStallMs };
}

test.each([
  ['of a few messages', 3],
  ['of more messages than there are folders with', 4_294_967_295],
  ['of as many messages as are believed', 19_000_000],
])('a set of all numbers in a folder %s is no listing, and the UIDs are asked for otherwise', async (_, exists) => {
  const folder = await folderWith({
    'UID SEARCH': ({ send, ok, tag }) => {
      send(`* ${String(exists)} EXISTS`);
      for (let times = 0; times < 10; times += 1) send(`* ESEARCH (TAG "${tag}") UID ALL 1:4294967295`);
      ok();
    },
    FETCH: ({ no }) => {
      no('not by number');
    },
  });
  const { listing, longestStallMs } = await listed(folder);
  expect(listing.uids).toEqual([3, 5, 9]);
  expect(listing.proven).toBe(exists === 3);
  expect(longestStallMs).toBeLessThan(mostStallMs);
});

test('a set of the numbers that there are is a listing', async () => {
  const folder = await folderWith({
    'UID SEARCH': ({ send, ok, tag }) => {
      send(`* ESEARCH (TAG "${tag}") UID COUNT 3 ALL 3,5,9`);
      ok();
    },
  });
  expect((await listed(folder)).listing).toEqual({ proven: true, uids: [3, 5, 9] });
  expect(server.commands.filter((command) => command.includes('FETCH'))).toEqual([]);
});

test('a search of more numbers than are asked for at once is no listing', async () => {
  const line = `* SEARCH ${Array.from({ length: 100_000 }, (_, at) => 200_000 - at).join(' ')}`;
  const folder = await folderWith({
    'UID SEARCH': ({ send, ok }) => {
      for (let times = 0; times < 3; times += 1) send(line);
      ok();
    },
  });
  const { listing } = await listed(folder);
  expect(listing).toEqual({ proven: true, uids: [3, 5, 9] });
});

test.each([
  ['all numbers are gone', '* VANISHED 1:4294967295', [3, 5, 9]],
  ['all numbers were gone before', '* VANISHED (EARLIER) 1:4294967295', [3, 5, 9]],
  ['a line of nothing but brackets', `* 1 FETCH (${'('.repeat(1_500_000)}`, 'no answer'],
  ['a line of a million numbers', `* ESEARCH ALL ${'1,'.repeat(700_000)}1`, [3, 5, 9]],
])('%s: said without being asked, it holds nothing up', async (_, line, expected) => {
  const folder = await folderWith({
    'UID SEARCH': ({ send, usual }) => {
      send(line);
      usual();
    },
  });
  const watch = watchLoop();
  const ending: unknown = await folder.listUids().catch((error: unknown) => error);
  expect(ending instanceof MailFailure ? 'no answer' : (ending as UidListing).uids).toEqual(expected);
  expect(watch.stop().longestStallMs).toBeLessThan(mostStallMs);
});

test('many short lines at once let other work go first', async () => {
  const folder = await folderWith({
    'UID SEARCH': ({ sendRaw, usual }) => {
      sendRaw(Buffer.from('* 3 EXISTS\r\n'.repeat(100_000)));
      usual();
    },
  });
  const { listing, longestStallMs } = await listed(folder);
  expect(listing).toEqual({ proven: true, uids: [3, 5, 9] });
  expect(longestStallMs).toBeLessThan(mostStallMs);
});

test('an EXAMINE that is answered by nothing of use is a failure of the server', async () => {
  await folderWith({});
  server.on['EXAMINE'] = ({ ok }) => {
    ok();
  };
  await expect(mailbox.examine('INBOX')).rejects.toMatchObject({ name: 'MailFailure' });
});

test('an EXISTS beyond all reason costs a few commands', async () => {
  const folder = await folderWith({
    'UID SEARCH': ({ send, usual }) => {
      send('* 4294967295 EXISTS');
      usual();
    },
  });
  server.commands.length = 0;
  expect(await folder.listUids()).toMatchObject({ proven: false, uids: [3, 5, 9] });
  expect(server.commands.length).toBeLessThan(10);
});

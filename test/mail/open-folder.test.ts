import { openMailbox, type OpenOptions } from '../../src/mail/open-mailbox';
import type { Mailbox } from '../../src/mail/mailbox';
import { examine, markSeen } from '../../src/mail/open-folder';
import type { Session } from '../../src/mail/session';
import type { FolderWish } from '../support/scripted-imap-folder';
import { startScriptedServer, type Handler, type Script, type ScriptedServer } from '../support/scripted-imap-server';

const options: OpenOptions = {
  hostRules: { allowedNetworks: ['127.0.0.0/8'] },
  connectTimeoutMs: 5_000,
  socketTimeoutMs: 1_000,
};

const messages = [3, 5, 9].map((uid) => ({ uid, raw: 'From: a@example.org\r\n\r\n' }));
const withInbox = (inbox: FolderWish): Script => ({ folders: { INBOX: { messages, ...inbox } } });

let server: ScriptedServer;
let mailbox: Mailbox;

afterEach(async () => {
  await mailbox.close();
  await server.stop();
});

async function open(script: Script): Promise<Mailbox> {
  server = await startScriptedServer(script);
  mailbox = await openMailbox(server.access(), options);
  return mailbox;
}

/** EXAMINE of a folder that counts more than it has. */
const opensWith =
  (exists: number, uidNext: number): Handler =>
  ({ send, ok }) => {
    send(`* ${String(exists)} EXISTS`);
    send('* OK [UIDVALIDITY 1] valid');
    send(`* OK [UIDNEXT ${String(uidNext)}] next`);
    ok('[READ-ONLY] opened');
  };

const inbox = async (script: Script) => (await open(script)).examine('INBOX');

describe('the snapshot', () => {
  test('holds the state of the folder', async () => {
    const { snapshot } = await inbox(withInbox({ uidValidity: '42', highestModseq: '77' }));
    expect(snapshot).toEqual({ uidValidity: '42', uidNext: 10, messages: 3, highestModseq: '77' });
  });

  test.each(['0', '4294967296', '9007199254740993'])('takes UIDVALIDITY %s as it is', async (uidValidity) => {
    const { snapshot } = await inbox(withInbox({ uidValidity }));
    expect(snapshot.uidValidity).toBe(uidValidity);
  });

  test.each(['0', '-1', null])('has no modseq where the server says %s', async (highestModseq) => {
    const { snapshot } = await inbox(withInbox({ highestModseq }));
    expect(snapshot.highestModseq).toBeNull();
  });

  test('carries the MAILBOXID that the server gives, and none where it gives none', async () => {
    const folder = await inbox({
      on: {
        EXAMINE: ({ send, usual, args }) => {
          if (args.includes('INBOX')) send('* OK [MAILBOXID (F2212ea87-6097-4256-9d51-71338625)] id');
          usual();
        },
      },
      folders: { Other: {} },
    });
    expect(folder.mailboxId).toBe('F2212ea87-6097-4256-9d51-71338625');
    expect((await mailbox.examine('Other')).mailboxId).toBeNull();
  });

  test('has no modseq where the folder says NOMODSEQ', async () => {
    const folder = await inbox({
      ...withInbox({ highestModseq: null }),
      on: {
        EXAMINE: ({ send, usual }) => {
          send('* OK [NOMODSEQ] none');
          usual();
        },
      },
    });
    expect(folder.snapshot.highestModseq).toBeNull();
  });

  test('keeps a modseq above 2^53 exactly', async () => {
    const { snapshot } = await inbox(withInbox({ highestModseq: '9007199254740993' }));
    expect(snapshot.highestModseq).toBe('9007199254740993');
  });

  test('does not move with the rows that are fetched later', async () => {
    const folder = await inbox({
      ...withInbox({ highestModseq: '16' }),
      on: {
        'UID FETCH': ({ send, ok }) => {
          send('* 3 FETCH (UID 9 FLAGS () RFC822.SIZE 5 MODSEQ (18))');
          send('* 4 FETCH (UID 12 FLAGS () MODSEQ (19))');
          ok();
        },
      },
    });
    await folder.fetchEnvelopes([9]);
    expect(folder.snapshot).toMatchObject({ highestModseq: '16', uidNext: 10 });
  });

  test('is made anew by every examine of the same folder', async () => {
    await inbox(withInbox({}));
    server.folders.get('INBOX')?.messages.pop();
    const again = await mailbox.examine('INBOX');
    expect(again.snapshot.messages).toBe(2);
    expect(server.commands.filter((line) => line === 'EXAMINE INBOX')).toHaveLength(2);
  });

  test('finds UIDNEXT by STATUS where EXAMINE leaves it out', async () => {
    const folder = await inbox({
      ...withInbox({}),
      on: {
        EXAMINE: ({ send, ok }) => {
          send('* 3 EXISTS');
          send('* OK [UIDVALIDITY 7] valid');
          ok('[READ-ONLY] opened');
        },
      },
    });
    expect(folder.snapshot).toEqual({ uidValidity: '7', uidNext: 10, messages: 3, highestModseq: null });
  });

  test('finds UIDNEXT of a folder with an odd name by STATUS too', async () => {
    await open({
      folders: { 'a&b': { messages } },
      on: {
        EXAMINE: ({ send, ok }) => {
          send('* 3 EXISTS');
          send('* OK [UIDVALIDITY 7] valid');
          ok('[READ-ONLY] opened');
        },
      },
    });
    const { snapshot, toldUidNext } = await mailbox.examine('a\ufffd&b');
    expect({ snapshot, toldUidNext }).toMatchObject({ snapshot: { uidNext: 10 }, toldUidNext: true });
  });

  test('is not made up where EXAMINE is answered without a count', async () => {
    await open({
      on: {
        EXAMINE: ({ send, ok }) => {
          send('* OK [UIDVALIDITY 7] valid');
          ok();
        },
      },
    });
    await expect(mailbox.examine('INBOX')).rejects.toMatchObject({ kind: 'unreachable', code: 'garbled-answer' });
  });

  test.each([[undefined], [false]])('is not made up where EXAMINE, or SELECT, is answered with %s', async (answer) => {
    await open({});
    const client = { mailboxOpen: () => Promise.resolve(answer) };
    const session = { client, run: (_operation: string, action: () => unknown) => action() } as unknown as Session;
    const garbled = { kind: 'unreachable', code: 'garbled-answer' };
    await expect(examine(session, 'INBOX')).rejects.toMatchObject({ ...garbled, operation: 'EXAMINE' });
    const target = { path: 'INBOX', uidValidity: '7', sets: ['1'] };
    await expect(markSeen(session, target)).rejects.toMatchObject({ ...garbled, operation: 'SELECT' });
  });

  test('a folder without UIDVALIDITY is refused', async () => {
    await open({
      on: {
        EXAMINE: ({ send, ok }) => {
          send('* 3 EXISTS');
          ok();
        },
      },
    });
    await expect(mailbox.examine('INBOX')).rejects.toMatchObject({ kind: 'refused', code: 'no-uidvalidity' });
  });
});

describe('a folder that cannot be opened', () => {
  test('and does not exist is gone', async () => {
    await open({});
    await expect(mailbox.examine('Away')).rejects.toMatchObject({ kind: 'gone', code: 'folder-gone' });
  });

  test('and does not exist, said without a code, is gone', async () => {
    await open({
      on: {
        EXAMINE: ({ no }) => {
          no('cannot do that');
        },
      },
    });
    await expect(mailbox.examine('Away')).rejects.toMatchObject({ kind: 'gone' });
  });

  test('but exists is refused', async () => {
    await open({
      on: {
        EXAMINE: ({ no }) => {
          no('[NOPERM] not yours');
        },
      },
    });
    await expect(mailbox.examine('INBOX')).rejects.toMatchObject({ kind: 'refused', code: 'no-permission' });
  });

  test('because it is in use is tried again', async () => {
    await open({
      on: {
        EXAMINE: ({ no }) => {
          no('[INUSE] locked');
        },
      },
    });
    await expect(mailbox.examine('INBOX')).rejects.toMatchObject({ kind: 'busy', code: 'in-use' });
  });
});

describe('the listing of all UIDs', () => {
  test('is proven by EXISTS', async () => {
    const folder = await inbox(withInbox({}));
    await expect(folder.listUids()).resolves.toEqual({ proven: true, uids: [3, 5, 9] });
  });

  test('of an empty folder is proven and empty', async () => {
    const folder = await inbox({});
    await expect(folder.listUids()).resolves.toEqual({ proven: true, uids: [] });
  });

  test('that SEARCH falsely calls empty comes by FETCH', async () => {
    const folder = await inbox({
      ...withInbox({}),
      on: {
        'UID SEARCH': ({ send, ok }) => {
          send('* SEARCH');
          ok();
        },
      },
    });
    await expect(folder.listUids()).resolves.toEqual({ proven: true, uids: [3, 5, 9] });
  });

  test('that SEARCH answers without a word comes by FETCH', async () => {
    const folder = await inbox({
      ...withInbox({}),
      on: {
        'UID SEARCH': ({ ok }) => {
          ok();
        },
      },
    });
    await expect(folder.listUids()).resolves.toEqual({ proven: true, uids: [3, 5, 9] });
  });

  test('that SEARCH refuses comes by FETCH', async () => {
    const folder = await inbox({
      ...withInbox({}),
      on: {
        'UID SEARCH': ({ no }) => {
          no('no searching here');
        },
      },
    });
    await expect(folder.listUids()).resolves.toEqual({ proven: true, uids: [3, 5, 9] });
  });

  const twoOfThree: Script['on'] = {
    'UID SEARCH': ({ send, ok }) => {
      send('* SEARCH 9 3');
      ok();
    },
    'UID FETCH': ({ sendRow, ok }) => {
      sendRow(3);
      sendRow(5);
      ok();
    },
  };

  test('that is short both ways is not proven, and holds what either showed', async () => {
    const folder = await inbox({
      ...withInbox({}),
      on: {
        ...twoOfThree,
        EXAMINE: ({ send, usual }) => {
          usual();
          send('* 4 EXISTS');
        },
      },
    });
    await expect(folder.listUids()).resolves.toEqual({ proven: false, uids: [3, 5, 9], reason: 'count-differs' });
  });

  const noSearching: Script['on'] = {
    ...twoOfThree,
    'UID SEARCH': ({ no }) => {
      no('no');
    },
  };

  test('that is refused and short by UID FETCH comes by sequence numbers', async () => {
    const folder = await inbox({ ...withInbox({}), on: noSearching });
    await expect(folder.listUids()).resolves.toEqual({ proven: true, uids: [3, 5, 9] });
  });

  test('that is refused, short by UID FETCH and refused by sequence is not proven', async () => {
    const folder = await inbox({
      ...withInbox({}),
      on: {
        ...noSearching,
        FETCH: ({ no }) => {
          no('no');
        },
      },
    });
    await expect(folder.listUids()).resolves.toEqual({ proven: false, uids: [3, 5], reason: 'search-refused' });
  });

  test('that shows the same part every way is capped by the server', async () => {
    const folder = await inbox({
      ...withInbox({}),
      on: {
        EXAMINE: ({ usual, send }) => {
          usual();
          send('* 83640 EXISTS');
        },
        FETCH: ({ args, usual, ok }) => {
          if (args.startsWith('1:1000 ')) usual();
          else ok();
        },
      },
    });
    // EXISTS has come when the next answer has.
    await folder.listUids({ from: 3, to: 3 });
    await expect(folder.listUids()).resolves.toEqual({ proven: false, uids: [3, 5, 9], reason: 'message-limit' });
  });

  test('counts a message that arrives meanwhile', async () => {
    const folder = await inbox({
      ...withInbox({}),
      on: {
        'UID SEARCH': ({ send, ok }) => {
          send('* SEARCH 3 5 9');
          send('* 4 EXISTS');
          server.folders.get('INBOX')?.messages.push({
            ...messages[0]!,
            uid: 10,
            raw: Buffer.from('x'),
            flags: [],
            modseq: 10,
            internalDate: new Date(0),
            emailId: null,
            threadId: null,
            labels: [],
          });
          ok();
        },
      },
    });
    await expect(folder.listUids()).resolves.toEqual({ proven: true, uids: [3, 5, 9, 10] });
  });

  test.each(['MESSAGELIMIT=1000', 'MESSAGELIMIT'])('is never proven under %s', async (capability) => {
    const folder = await inbox({ ...withInbox({}), capabilities: [capability] });
    expect(mailbox.abilities.messageLimit).toBe(true);
    await expect(folder.listUids()).resolves.toEqual({ proven: false, uids: [3, 5, 9], reason: 'message-limit' });
  });

  test('is never proven where the server calls itself Yahoo', async () => {
    const folder = await inbox({
      ...withInbox({}),
      capabilities: ['ID'],
      on: {
        ID: ({ send, ok }) => {
          send('* ID ("vendor" "Yahoo! Inc." "support-url" "http://help.yahoo.com/")');
          ok();
        },
      },
    });
    await expect(folder.listUids()).resolves.toMatchObject({ proven: false, reason: 'message-limit' });
  });

  test('fails where the connection ends, and is not empty', async () => {
    const folder = await inbox({
      ...withInbox({}),
      on: {
        'UID SEARCH': ({ cut }) => {
          cut();
        },
      },
    });
    await expect(folder.listUids()).rejects.toMatchObject({ kind: 'unreachable', code: 'connection-lost' });
  });
});

describe('other listings', () => {
  /** A folder of 60,000 and more, of which the server tells only UIDs. */
  async function bigInbox(exists: number, uidNext: number, more: Script['on'] = {}) {
    const folder = await inbox({
      folders: { INBOX: { messages, uidNext } },
      on: {
        EXAMINE: opensWith(exists, uidNext),
        FETCH: ({ args, send, ok }) => {
          for (const number of (args.split(' ')[0] ?? '').split(',')) send(`* ${number} FETCH (UID ${number})`);
          ok();
        },
        'UID SEARCH': ({ send, ok }) => {
          send('* SEARCH 9 59900 60000');
          ok();
        },
        ...more,
      },
    });
    server.commands.length = 0;
    return folder;
  }

  test('the end of a big folder costs one command', async () => {
    const folder = await bigInbox(60_000, 60_001);
    const { uids } = await folder.listUids({ from: 59_900, to: Infinity });
    expect(uids).toEqual([59_900, 60_000]);
    expect(server.commands).toEqual(['UID SEARCH UID 59900:*']);
  });

  test('a long range of a big folder is asked for in parts, and nothing outside of it', async () => {
    const folder = await bigInbox(160_000, 160_001);
    await folder.listUids({ from: 40_000, to: 120_000 });
    expect(server.commands).toEqual([
      expect.stringMatching(/^FETCH 25001,50001,75001,100001,125001,150001 /),
      'UID SEARCH UID 40000:50000',
      ...['50001:75000', '75001:100000', '100001:120000'].map((range) => `UID SEARCH UID ${range}`),
    ]);
  });

  test('rows that nobody asked for begin no parts', async () => {
    const folder = await bigInbox(60_000, 60_001, {
      FETCH: ({ send, ok }) => {
        for (let number = 1; number <= 300; number += 1) send(`* ${String(number)} FETCH (UID ${String(number * 7)})`);
        for (const uid of [50_100, 50_200]) send(`* 50001 FETCH (UID ${String(uid)})`);
        ok();
      },
    });
    await folder.listUnseenUids();
    expect(server.commands.slice(1)).toEqual(['UID SEARCH UNSEEN UID 1:50099', 'UID SEARCH UNSEEN UID 50100:*']);
  });

  test('a range is inside its ends, also where the server answers with the last message', async () => {
    const folder = await inbox({
      ...withInbox({}),
      on: {
        'UID SEARCH': ({ send, ok }) => {
          send('* SEARCH 9');
          ok();
        },
      },
    });
    await expect(folder.listUids({ from: 10, to: 999 })).resolves.toEqual({ proven: false, uids: [], reason: 'range' });
  });

  test('a range that is refused is a failure, not empty', async () => {
    const folder = await inbox({
      ...withInbox({}),
      on: {
        'UID SEARCH': ({ no }) => {
          no('no');
        },
      },
    });
    await expect(folder.listUids({ from: 1, to: 9 })).rejects.toMatchObject({ code: 'search-refused' });
    await expect(folder.listUnseenUids()).rejects.toMatchObject({ code: 'search-refused' });
    await expect(folder.listUidsSince(new Date())).rejects.toMatchObject({ code: 'search-refused' });
  });

  test('since a day is asked by that day, and answered ascending', async () => {
    const folder = await inbox({
      ...withInbox({}),
      on: {
        'UID SEARCH': ({ send, ok }) => {
          send('* SEARCH 9 3');
          ok();
        },
      },
    });
    await expect(folder.listUidsSince(new Date('2026-03-04T23:00:00Z'))).resolves.toEqual([3, 9]);
    expect(server.commands.at(-1)).toBe('UID SEARCH SINCE 04-Mar-2026');
  });

  test('before a day is asked by that day, whatever the hour', async () => {
    const folder = await inbox(withInbox({}));
    for (const hour of ['00', '23']) {
      await folder.listUidsBefore(new Date(`2026-03-04T${hour}:00:00Z`));
      expect(server.commands.at(-1)).toBe('UID SEARCH BEFORE 04-Mar-2026');
    }
  });

  test('unseen messages', async () => {
    const folder = await inbox({
      folders: { INBOX: { messages: [{ ...messages[0]!, flags: ['\\Seen'] }, messages[1]!] } },
    });
    await expect(folder.listUnseenUids()).resolves.toEqual([5]);
    await folder.listSeenUids();
    expect(server.commands.at(-1)).toBe('UID SEARCH SEEN');
  });
});

describe('flags', () => {
  const flagged = { ...messages[0]!, flags: ['\\Seen', '\\Flagged'], modseq: 12 };

  test('changed since a modseq', async () => {
    const folder = await inbox({ folders: { INBOX: { messages: [flagged, { ...messages[1]!, modseq: 8 }] } } });
    await expect(folder.flagsSince('10')).resolves.toEqual([{ uid: 3, flags: 5, modseq: '12' }]);
    expect(server.commands.at(-1)).toContain('CHANGEDSINCE 10');
  });

  test('all of them', async () => {
    const folder = await inbox({ folders: { INBOX: { messages: [flagged, messages[1]!] } } });
    await expect(folder.flagsSince(null)).resolves.toHaveLength(2);
  });

  test('all of them, and no modseq, where the server has no CONDSTORE', async () => {
    const folder = await inbox({ folders: { INBOX: { messages: [flagged] } }, capabilities: ['ENABLE'] });
    expect(mailbox.abilities.condstore).toBe(false);
    await expect(folder.flagsSince('100')).resolves.toEqual([{ uid: 3, flags: 5, modseq: null }]);
    expect(server.commands.at(-1)).not.toContain('CHANGEDSINCE');
  });

  test('of an empty folder are not asked for', async () => {
    const folder = await inbox({});
    await expect(folder.flagsSince('1')).resolves.toEqual([]);
    expect(server.commands.at(-1)).toBe('EXAMINE INBOX');
  });

  test('iCloud answers ENABLE with an empty list: CONDSTORE is off', async () => {
    await open({
      on: {
        ENABLE: ({ send, ok }) => {
          send('* ENABLED');
          ok();
        },
      },
    });
    expect(mailbox.abilities.condstore).toBe(false);
  });
});

describe('markSeen', () => {
  test('selects and sets \\Seen; the second time changes nothing', async () => {
    await open(withInbox({}));
    await mailbox.markSeen('INBOX', '1', [9, 3]);
    await mailbox.markSeen('INBOX', '1', [9, 3]);
    expect(server.commands.filter((line) => line.startsWith('UID STORE'))).toEqual(
      Array(2).fill('UID STORE 3,9 +FLAGS.SILENT (\\Seen)'),
    );
    expect(server.folders.get('INBOX')?.messages.map(({ flags }) => flags)).toEqual([['\\Seen'], [], ['\\Seen']]);
  });

  test('touches nothing in another generation of the folder', async () => {
    await open(withInbox({ uidValidity: '2' }));
    await expect(mailbox.markSeen('INBOX', '1', [3])).rejects.toMatchObject({ kind: 'cursor-lost' });
    expect(server.commands.at(-1)).toBe('SELECT INBOX');
  });

  test('a refusal is a failure', async () => {
    await open({
      ...withInbox({}),
      on: {
        'UID STORE': ({ no }) => {
          no('no');
        },
      },
    });
    await expect(mailbox.markSeen('INBOX', '1', [3])).rejects.toMatchObject({ kind: 'refused', code: 'store-refused' });
  });

  test('a folder that is read-only is a failure', async () => {
    await open({
      ...withInbox({}),
      on: {
        SELECT: ({ send, ok }) => {
          send('* 3 EXISTS');
          send('* OK [UIDVALIDITY 1] valid');
          ok('[READ-ONLY] opened');
        },
      },
    });
    await expect(mailbox.markSeen('INBOX', '1', [3])).rejects.toMatchObject({ kind: 'refused', code: 'read-only' });
  });

  test('no UIDs, no command', async () => {
    await open(withInbox({}));
    const before = server.commands.length;
    await mailbox.markSeen('INBOX', '1', []);
    expect(server.commands).toHaveLength(before);
  });
});

test('a folder that is no longer the open one refuses to be read', async () => {
  const folder = await inbox({ folders: { INBOX: { messages }, Other: {} } });
  await mailbox.examine('Other');
  await expect(folder.listUids()).rejects.toMatchObject({ code: 'folder-not-open' });
});

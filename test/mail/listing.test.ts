import type { ListedFolder } from '../../src/domain/folder';
import { openMailbox, type OpenOptions } from '../../src/mail/open-mailbox';
import { startScriptedServer, type Script, type ScriptedServer } from '../support/scripted-imap-server';

const options: OpenOptions = {
  hostRules: { allowedNetworks: ['127.0.0.0/8'] },
  connectTimeoutMs: 5_000,
  socketTimeoutMs: 1_000,
};

let server: ScriptedServer;

afterEach(async () => {
  await server.stop();
});

async function listed(script: Script): Promise<ListedFolder[]> {
  server = await startScriptedServer(script);
  const mailbox = await openMailbox(server.access(), options);
  try {
    return await mailbox.listFolders();
  } finally {
    await mailbox.close();
  }
}

const rolesOf = (folders: ListedFolder[]) => Object.fromEntries(folders.map(({ path, role }) => [path, role]));
const listStatus = ['LIST-EXTENDED', 'LIST-STATUS', 'SPECIAL-USE', 'CONDSTORE', 'ENABLE'];

test('LIST-STATUS brings every folder and its state in one command', async () => {
  const folders = await listed({
    capabilities: listStatus,
    folders: { INBOX: { uidValidity: '9', highestModseq: '5' }, 'Projekte/K&APY-ln': { uidValidity: '4294967296' } },
  });
  expect(folders).toEqual([
    {
      ...{ path: 'INBOX', delimiter: '/', role: 'inbox', selectable: true },
      status: { uidValidity: '9', uidNext: 1, messages: 0, highestModseq: '5' },
    },
    {
      ...{ path: 'Projekte/Köln', delimiter: '/', role: null, selectable: true },
      status: { uidValidity: '4294967296', uidNext: 1, messages: 0, highestModseq: '1' },
    },
  ]);
  expect(server.commands.filter((line) => line.startsWith('STATUS'))).toEqual([]);
});

test('without LIST-STATUS each folder is asked', async () => {
  const folders = await listed({ capabilities: [], folders: { Archive: { uidNext: 7 } } });
  expect(folders.map(({ status }) => status?.uidNext)).toEqual([1, 7]);
  expect(server.commands.filter((line) => line.startsWith('STATUS'))).toHaveLength(2);
});

describe('a STATUS that is not known is null, not empty', () => {
  test('left out of LIST-STATUS', async () => {
    const folders = await listed({
      capabilities: listStatus,
      on: {
        LIST: ({ send, ok }) => {
          send('* LIST () "/" INBOX');
          send('* STATUS INBOX (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 3)');
          send('* LIST () "/" Silent');
          ok();
        },
      },
    });
    expect(folders.map(({ path, status }) => [path, status === null])).toEqual([
      ['INBOX', false],
      ['Silent', true],
    ]);
  });

  test('refused', async () => {
    const folders = await listed({
      capabilities: [],
      on: {
        STATUS: ({ no }) => {
          no('[NOPERM] not yours');
        },
      },
    });
    expect(folders).toMatchObject([{ path: 'INBOX', selectable: true, status: null }]);
  });

  test('half of it', async () => {
    const folders = await listed({
      capabilities: [],
      on: {
        STATUS: ({ send, ok }) => {
          send('* STATUS INBOX (UIDNEXT 2 UIDVALIDITY 3)');
          ok();
        },
      },
    });
    expect(folders[0]?.status).toBeNull();
  });

  test('a modseq of 0 is none', async () => {
    const folders = await listed({ capabilities: listStatus, folders: { INBOX: { highestModseq: '0' } } });
    expect(folders[0]?.status).toMatchObject({ messages: 0, highestModseq: null });
  });
});

test('a connection lost between two STATUS is a failure, not folders without a state', async () => {
  const listing = listed({
    capabilities: [],
    folders: { A: {}, B: {}, C: {} },
    on: {
      STATUS: ({ earlier, usual, cut }) => {
        if (earlier === 0) usual();
        else cut();
      },
    },
  });
  await expect(listing).rejects.toMatchObject({ kind: 'unreachable', code: 'connection-lost' });
});

test('LIST refused is a failure', async () => {
  const listing = listed({
    on: {
      LIST: ({ no }) => {
        no('[UNAVAILABLE] later');
      },
    },
  });
  await expect(listing).rejects.toMatchObject({ kind: 'busy', code: 'unavailable' });
});

test('a server that knows no RETURN options is asked plainly', async () => {
  const folders = await listed({
    capabilities: listStatus,
    folders: { Work: {} },
    on: {
      LIST: ({ args, usual, bad }) => {
        if (args.includes('RETURN')) bad('unexpected RETURN');
        else usual();
      },
    },
  });
  expect(folders.map(({ status }) => status?.messages)).toEqual([0, 0]);
});

describe('roles', () => {
  test('come from the attributes of RFC 6154, whatever the name; several folders may have one', async () => {
    const folders = await listed({
      capabilities: ['SPECIAL-USE'],
      folders: {
        '[Gmail]/Alle Nachrichten': { attributes: ['\\All'] },
        '[Gmail]/Wichtig': { attributes: ['\\Important'] },
        Verschickt: { attributes: ['\\sent'] },
        'Old bin': { attributes: ['\\Trash'] },
        Bin: { attributes: ['\\Trash'] },
        Entwurf: { attributes: ['\\Drafts'] },
        Werbung: { attributes: ['\\Junk'] },
        Ablage: { attributes: ['\\Archive'] },
        Sterne: { attributes: ['\\Flagged'] },
      },
    });
    expect(rolesOf(folders)).toEqual({
      INBOX: 'inbox',
      '[Gmail]/Alle Nachrichten': 'all',
      '[Gmail]/Wichtig': null,
      Verschickt: 'sent',
      'Old bin': 'trash',
      Bin: 'trash',
      Entwurf: 'drafts',
      Werbung: 'junk',
      Ablage: 'archive',
      Sterne: 'flagged',
    });
  });

  test('come from the name where the server has none, at the top and right below INBOX', async () => {
    const folders = await listed({ capabilities: [], folders: { Papierkorb: {}, 'INBOX/Gesendet': {}, Kunden: {} } });
    expect(rolesOf(folders)).toEqual({ INBOX: 'inbox', Papierkorb: 'trash', 'INBOX/Gesendet': 'sent', Kunden: null });
  });

  test("do not come from a name inside other people's folders, which would be left out of the sync", async () => {
    const folders = await listed({ capabilities: [], folders: { 'Kunden/Trash': {}, 'Kunden/Muster/Spam': {} } });
    expect(rolesOf(folders)).toEqual({ INBOX: 'inbox', 'Kunden/Trash': null, 'Kunden/Muster/Spam': null });
  });
});

test('folders that hold no messages are shown, and not asked', async () => {
  const folders = await listed({ capabilities: [], folders: { '[Gmail]': { attributes: ['\\Noselect'] } } });
  expect(folders.find(({ path }) => path === '[Gmail]')).toMatchObject({ selectable: false, status: null });
});

describe('the state of one folder whose name is odd', () => {
  test.each([
    ['broken UTF-7', 'a&b', 'a\ufffd&b'],
    ['a NUL', 'bad&AAA-name', 'bad\ufffd{0000}name'],
    ['a line break', 'two\r\nlines', 'two\r\nlines'],
  ])('for %s, is asked for by the bytes that the server knows', async (_, listedAs, path) => {
    const asked: string[] = [];
    server = await startScriptedServer({
      on: {
        STATUS: ({ args, send, ok }) => {
          asked.push(args);
          send('* STATUS ', Buffer.from(listedAs), ' (MESSAGES 4 UIDNEXT 12 UIDVALIDITY 7 HIGHESTMODSEQ 3)');
          ok();
        },
      },
    });
    const mailbox = await openMailbox(server.access(), options);
    const status = await mailbox.folderStatus(path);
    await mailbox.close();
    expect(status).toEqual({ uidValidity: '7', uidNext: 12, messages: 4, highestModseq: '3' });
    expect(asked).toEqual([expect.stringContaining(`"${listedAs}" (`)]);
  });

  test('is not known where the server refuses it, and the folder is gone where it has none', async () => {
    server = await startScriptedServer({
      folders: { 'a&b': {} },
      on: {
        STATUS: ({ no }) => {
          no('not now');
        },
      },
    });
    const mailbox = await openMailbox(server.access(), options);
    expect(await mailbox.folderStatus('a\ufffd&b')).toBeNull();
    await expect(mailbox.folderStatus('c\ufffd&d')).rejects.toMatchObject({ kind: 'gone', code: 'folder-gone' });
    await mailbox.close();
  });
});

test('a folder listed twice is one', async () => {
  const folders = await listed({
    capabilities: [],
    on: {
      LIST: ({ send, ok }) => {
        send('* LIST () "/" INBOX');
        send('* LIST () "/" "inbox"');
        ok();
      },
    },
  });
  expect(folders.map(({ path }) => path)).toEqual(['INBOX']);
});

test('a shared folder is opened by its own name, not below the personal namespace', async () => {
  server = await startScriptedServer({
    folders: { '#shared.team': {} },
    on: {
      NAMESPACE: ({ send, ok }) => {
        send('* NAMESPACE (("INBOX." ".")) NIL (("#shared." "."))');
        ok();
      },
    },
  });
  const mailbox = await openMailbox(server.access(), options);
  await expect(mailbox.examine('#shared.team')).resolves.toMatchObject({ path: '#shared.team' });
  await mailbox.close();
});

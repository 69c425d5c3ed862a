import { randomUUID } from 'node:crypto';

import { defaultPolicy, type Policy } from '../../src/domain/policy';
import type { FolderLook, MailboxLook, PreviewAnswer } from '../../src/domain/preview';
import type { MailboxAccess } from '../../src/mail/mailbox';
import { previewMailbox, type PreviewOptions } from '../../src/mail/preview-mailbox';
import { sharedDovecot, startDovecot, type TestDovecot } from '../support/dovecot';
import { openMailClient, type MailClient } from '../support/mail-client';
import { mail } from '../support/mail-factory';
import type { MessageWish } from '../support/scripted-imap-folder';
import { startScriptedServer, type Handler, type Script, type ScriptedServer } from '../support/scripted-imap-server';

const options: PreviewOptions = {
  hostRules: { allowedNetworks: ['127.0.0.0/8', '::1/128'] },
  timeoutMs: 60_000,
  folders: 500,
  sampleMessages: 200,
};

const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const accessTo = (dovecot: TestDovecot, username: string): MailboxAccess => ({
  ...{ host: dovecot.host, port: dovecot.imapPort, security: 'none', allowInvalidCertificate: false, ca: null },
  ...{ username, password: dovecot.password },
});

/** A person with an account on the server. */
async function personAt(dovecot: TestDovecot): Promise<{ person: MailClient; access: MailboxAccess }> {
  const user = `u${randomUUID().replaceAll('-', '')}@corp.example`;
  const person = await openMailClient(dovecot.imapPort, user);
  closing.push(() => person.close());
  return { person, access: accessTo(dovecot, user) };
}

function lookOf(answer: PreviewAnswer): MailboxLook {
  if (!answer.ok) throw new Error(`the preview failed with ${answer.code}`);
  return answer.look;
}

function folderOf(look: MailboxLook, path: string): FolderLook {
  const folder = look.folders.find((one) => one.path === path);
  if (folder === undefined) throw new Error(`there is no folder ${path}`);
  return folder;
}

const policy = (change: Partial<Policy> = {}): Policy => ({ ...defaultPolicy, ...change });

const day = (text: string): Date => new Date(`${text}T12:00:00Z`);

const mailOf = (n: number): Buffer => mail({ subject: `n${String(n)}`, text: 'x'.repeat(n * 1_000) });

describe('on Dovecot', () => {
  /** INBOX with three messages, two unread; Sent with one; Customers/Acme with one; Junk with one. */
  async function account(dovecot: TestDovecot = sharedDovecot()) {
    const { person, access } = await personAt(dovecot);
    const [first, second, third] = [mailOf(1), mailOf(2), mailOf(3)];
    await person.append('INBOX', first, { date: day('2024-01-10'), flags: ['\\Seen'] });
    await person.append('INBOX', second, { date: day('2025-06-15') });
    await person.append('INBOX', third, { date: day('2026-03-20') });
    await person.append('Sent', first, { date: day('2025-01-01'), flags: ['\\Seen'] });
    await person.createFolder('Customers/Acme');
    await person.append('Customers/Acme', second, { date: day('2023-05-05'), flags: ['\\Seen'] });
    await person.append('Junk', third, { date: day('2026-04-01') });
    return { person, access, sizes: [first.length, second.length, third.length] as const };
  }

  test('folders come with role, counts, bytes, dates, and what of them is in scope', async () => {
    const { access, sizes } = await account();
    const look = lookOf(await previewMailbox(access, policy(), options));
    expect(folderOf(look, 'INBOX')).toEqual({
      path: 'INBOX',
      role: 'inbox',
      scope: 'fetch',
      messages: 3,
      inside: {
        shown: 3,
        capped: false,
        bytes: { value: sizes[0] + sizes[1] + sizes[2], estimated: false },
        firstDate: day('2024-01-10'),
        lastDate: day('2026-03-20'),
        unread: 2,
        sinceDate: null,
      },
    });
    expect(folderOf(look, 'Sent')).toMatchObject({ role: 'sent', scope: 'fetch', inside: { shown: 1, unread: 0 } });
    expect(folderOf(look, 'Customers/Acme')).toMatchObject({
      role: null,
      scope: 'fetch',
      inside: { bytes: { value: sizes[1] }, firstDate: day('2023-05-05'), lastDate: day('2023-05-05') },
    });
    expect(folderOf(look, 'Junk')).toMatchObject({
      role: 'junk',
      scope: 'ledger-only',
      messages: 1,
      inside: { shown: 1, unread: null, lastDate: day('2026-04-01') },
    });
    expect(folderOf(look, 'Drafts')).toMatchObject({ messages: 0, inside: { shown: 0, firstDate: null } });
    expect(look).toMatchObject({ gmail: false, messageLimit: false });
  });

  test("bytes are the server's own sum where it has STATUS=SIZE (RFC 8438), and no sample", async () => {
    const { access, sizes } = await account();
    const look = lookOf(await previewMailbox(access, policy(), { ...options, sampleMessages: 1 }));
    expect(folderOf(look, 'INBOX').inside?.bytes).toEqual({ value: sizes[0] + sizes[1] + sizes[2], estimated: false });
  });

  test('selected folders alone are in scope', async () => {
    const { access } = await account();
    const folders: Policy['folders'] = { mode: 'selected', include: ['Customers/*'], exclude: [] };
    const look = lookOf(await previewMailbox(access, policy({ folders }), options));
    expect(look.folders.filter(({ scope }) => scope === 'fetch').map(({ path }) => path)).toEqual(['Customers/Acme']);
    expect(folderOf(look, 'INBOX')).toMatchObject({ scope: 'ignore', messages: 3, inside: { shown: 3, unread: null } });
  });

  test.each([
    ['2025-06-15', 2],
    ['2025-06-16', 1],
    ['2025-06-15T12:00:00Z', 2],
    ['2025-06-15T12:00:01Z', 1],
    ['2025-06-15T23:00:00+14:00', 2],
    ['2024-01-01', 3],
    ['2026-11-01', 0],
  ])('from %s there are %i messages, counted to the second', async (date, count) => {
    const { access } = await account();
    const look = lookOf(await previewMailbox(access, policy({ start: { from: 'date', date } }), options));
    expect(folderOf(look, 'INBOX').inside?.sinceDate).toBe(count);
    expect(folderOf(look, 'Junk').inside?.sinceDate).toBeNull();
  });

  test('nothing is changed: no flag and no folder', async () => {
    const { person, access } = await account();
    // The person's own first look takes \\Recent away (RFC 3501 2.3.2).
    await person.flagsOf('INBOX', 2);
    const before = await person.flagsOf('INBOX', 2);
    const first = lookOf(await previewMailbox(access, policy(), options));
    expect(await person.flagsOf('INBOX', 2)).toEqual(before);
    expect(lookOf(await previewMailbox(access, policy(), options))).toEqual(first);
  });

  test('a server without extensions tells the same, its bytes by a sample', async () => {
    const dovecot = await startDovecot({ profile: 'poor' });
    closing.push(() => dovecot.stop());
    const { access, sizes } = await account(dovecot);
    const look = lookOf(await previewMailbox(access, policy(), { ...options, sampleMessages: 2 }));
    expect(folderOf(look, 'INBOX').inside).toMatchObject({
      shown: 3,
      // The first and the last are asked for; that the one between them is as long as they are on average happens to be so.
      bytes: { value: sizes[0] + sizes[1] + sizes[2], estimated: true },
      firstDate: day('2024-01-10'),
      lastDate: day('2026-03-20'),
      unread: 2,
    });
    const whole = lookOf(await previewMailbox(access, policy(), options));
    expect(folderOf(whole, 'INBOX').inside?.bytes.estimated).toBe(false);
  });

  test('of more folders than are looked into, those in scope come first, INBOX and Sent before others', async () => {
    const { access } = await account();
    const look = lookOf(await previewMailbox(access, policy(), { ...options, folders: 2 }));
    const into = look.folders.filter(({ inside }) => inside !== null).map(({ path }) => path);
    expect(into.sort()).toEqual(['INBOX', 'Sent']);
    expect(folderOf(look, 'Customers/Acme')).toMatchObject({ messages: 1, inside: null });
  });

  test('a refused password is login-refused, in the words of connecting', async () => {
    const { access } = await personAt(sharedDovecot());
    const answer = await previewMailbox({ ...access, password: 'marked-wrong' }, policy(), options);
    expect(answer).toMatchObject({ ok: false, code: 'login-refused' });
    expect(JSON.stringify(answer)).not.toContain('marked');
  });
});

describe('on odd servers', () => {
  async function scripted(script: Script): Promise<ScriptedServer> {
    const server = await startScriptedServer(script);
    closing.push(() => server.stop());
    return server;
  }

  const messages = (count: number): MessageWish[] =>
    Array.from({ length: count }, (_, index) => ({ uid: index + 1, raw: 'Subject: x\r\n\r\nbody\r\n' }));

  async function looked(script: Script, change: Partial<PreviewOptions> = {}): Promise<MailboxLook> {
    const server = await scripted(script);
    return lookOf(await previewMailbox(server.access(), policy(), { ...options, ...change }));
  }

  test('a server that counts more than it shows is capped', async () => {
    const look = await looked({
      folders: { INBOX: { messages: messages(5) } },
      on: {
        STATUS: ({ args, send, ok }) => {
          const path = /"([^"]*)"|^(\S+)/.exec(args)?.slice(1).find(Boolean) ?? '';
          send(`* STATUS "${path}" (MESSAGES 83640 UIDNEXT 99999 UIDVALIDITY 1)`);
          ok();
        },
      },
    });
    expect(folderOf(look, 'INBOX')).toMatchObject({ messages: 83_640, inside: { shown: 5, capped: true } });
  });

  test('a message that is removed meanwhile is no cap', async () => {
    let asked = 0;
    const look = await looked({
      folders: { INBOX: { messages: messages(5) } },
      on: {
        STATUS: ({ args, send, ok }) => {
          asked += 1;
          send(`* STATUS ${args.split(' ')[0] ?? ''} (MESSAGES ${asked === 1 ? '6' : '5'} UIDNEXT 9 UIDVALIDITY 1)`);
          ok();
        },
      },
    });
    expect(folderOf(look, 'INBOX')).toMatchObject({ messages: 6, inside: { shown: 5, capped: false } });
  });

  describe('a SEARCH that is wrong is not believed', () => {
    const old = new Date('2020-05-05T12:00:00Z');
    const recent = new Date('2026-05-05T12:00:00Z');
    const mixed = messages(6).map((message, at) => ({
      ...message,
      flags: at < 2 ? [] : ['\\Seen'],
      internalDate: at < 3 ? recent : old,
    }));
    const start = { from: 'date', date: '2025-01-01' } as const;
    const wrong: [string, Handler][] = [
      [
        'finds nothing',
        (context) => {
          context.send('* SEARCH');
          context.ok();
        },
      ],
      [
        'finds all',
        (context) => {
          context.send(`* SEARCH ${mixed.map(({ uid }) => String(uid)).join(' ')}`);
          context.ok();
        },
      ],
      [
        'is refused',
        (context) => {
          context.no('cannot search');
        },
      ],
    ];
    test.each(wrong)('one that %s', async (_, answer) => {
      const server = await scripted({
        folders: { INBOX: { messages: mixed } },
        on: {
          'UID SEARCH': (context) => {
            if (/UNSEEN|SINCE/i.test(context.args)) answer(context);
            else context.usual();
          },
        },
      });
      const look = lookOf(await previewMailbox(server.access(), policy({ start }), options));
      expect(folderOf(look, 'INBOX')).toMatchObject({ inside: { unread: 2, sinceDate: 3 } });
    });
  });

  test('RFC 9738 and Gmail are known by their capabilities', async () => {
    expect(await looked({ capabilities: ['MESSAGELIMIT=1000'] })).toMatchObject({ messageLimit: true, gmail: false });
    expect(await looked({ capabilities: ['X-GM-EXT-1'] })).toMatchObject({ messageLimit: false, gmail: true });
  });

  test('the quota of INBOX is told in bytes', async () => {
    const look = await looked({
      capabilities: ['QUOTA'],
      on: {
        GETQUOTAROOT: ({ send, ok }) => {
          send('* QUOTAROOT INBOX ""');
          send('* QUOTA "" (STORAGE 980 1000)');
          ok();
        },
      },
    });
    expect(look.quota).toEqual({ usedBytes: 980 * 1_024, limitBytes: 1_000 * 1_024 });
  });

  test('a refused quota is none', async () => {
    const look = await looked({
      capabilities: ['QUOTA'],
      on: {
        GETQUOTAROOT: ({ no }) => {
          no('[NOPERM] not for you');
        },
      },
    });
    expect(look.quota).toBeNull();
  });

  test('a folder that the server refuses is not looked into, the others are', async () => {
    const look = await looked({
      folders: { INBOX: { messages: messages(2) }, Closed: { messages: messages(3) } },
      on: {
        EXAMINE: ({ args, no, usual }) => {
          if (args.includes('Closed')) no('[NOPERM] not for you');
          else usual();
        },
      },
    });
    expect(folderOf(look, 'Closed')).toMatchObject({ messages: 3, inside: null });
    expect(folderOf(look, 'INBOX')).toMatchObject({ inside: { shown: 2 } });
  });

  test('a server that asks to be left alone is asked for no more folders', async () => {
    const asked: string[] = [];
    const look = await looked({
      folders: { INBOX: { messages: messages(2) }, One: { messages: messages(3) }, Two: { messages: messages(1) } },
      on: {
        EXAMINE: ({ args, no, usual }) => {
          asked.push(args);
          if (args.includes('INBOX')) usual();
          else no('[UNAVAILABLE] Please try again in 5 minutes');
        },
      },
    });
    expect(folderOf(look, 'INBOX')).toMatchObject({ inside: { shown: 2 } });
    expect(folderOf(look, 'One')).toMatchObject({ messages: 3, inside: null });
    expect(folderOf(look, 'Two')).toMatchObject({ messages: 1, inside: null });
    expect(asked.filter((args) => !args.includes('INBOX'))).toHaveLength(1);
  });

  test('a folder without STATUS is not called empty', async () => {
    const look = await looked({
      folders: { INBOX: { messages: messages(2) }, Mute: { messages: messages(3) } },
      on: {
        STATUS: ({ args, no, usual }) => {
          if (args.includes('Mute')) no('not now');
          else usual();
        },
      },
    });
    expect(folderOf(look, 'Mute')).toMatchObject({ messages: null, inside: null });
  });

  test('a server that gets stuck leaves what was seen until the time was up', async () => {
    const look = await looked(
      {
        folders: { INBOX: { messages: messages(2) }, Stuck: { messages: messages(3) }, Zoo: { messages: messages(1) } },
        on: {
          EXAMINE: ({ args, usual }) => {
            if (!args.includes('Stuck')) usual();
          },
        },
      },
      { timeoutMs: 4_000 },
    );
    expect(folderOf(look, 'INBOX')).toMatchObject({ inside: { shown: 2 } });
    expect(folderOf(look, 'Stuck')).toMatchObject({ messages: 3, inside: null });
    expect(folderOf(look, 'Zoo')).toMatchObject({ messages: 1, inside: null });
  });

  test('a connection that breaks is a failure, not half a look', async () => {
    const server = await scripted({
      folders: { INBOX: { messages: messages(2) } },
      on: {
        EXAMINE: ({ cut }) => {
          cut();
        },
      },
    });
    expect(await previewMailbox(server.access(), policy(), options)).toMatchObject({ ok: false });
  });

  test('a folder of many messages is sampled evenly, with its first and last', async () => {
    const server = await scripted({ folders: { INBOX: { messages: messages(1_000) } } });
    const answer = await previewMailbox(server.access(), policy(), { ...options, sampleMessages: 5 });
    expect(folderOf(lookOf(answer), 'INBOX').inside).toMatchObject({
      shown: 1_000,
      bytes: { value: 20_000, estimated: true },
    });
    const fetches = server.commands.filter((command) => command.startsWith('UID FETCH'));
    expect(fetches).toEqual([expect.stringMatching(/^UID FETCH 1,251,501,750,1000 /)]);
  });

  test('no content is fetched, no folder selected for writing, and no connection left open', async () => {
    const server = await scripted({ folders: { INBOX: { messages: messages(3) } } });
    await previewMailbox(server.access(), policy(), options);
    const sent = server.commands.join('\n');
    expect(sent).not.toMatch(/BODY|RFC822(?!\.SIZE)|^(SELECT|UID STORE|APPEND|CREATE)/m);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(server.sockets.size).toBe(0);
  });

  test('host-not-allowed, before anything is connected', async () => {
    const server = await scripted({});
    const answer = await previewMailbox(server.access(), policy(), { ...options, hostRules: { allowedNetworks: [] } });
    expect(answer).toMatchObject({ ok: false, code: 'host-not-allowed' });
    expect(server.commands).toEqual([]);
  });
});

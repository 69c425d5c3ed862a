import { openMailbox, type OpenOptions } from '../../src/mail/open-mailbox';
import type { Mailbox } from '../../src/mail/mailbox';
import { startScriptedServer, type Script, type ScriptedServer } from '../support/scripted-imap-server';

const options: OpenOptions = {
  hostRules: { allowedNetworks: ['127.0.0.0/8'] },
  connectTimeoutMs: 1_000,
  socketTimeoutMs: 400,
};

let server: ScriptedServer;
let mailbox: Mailbox | undefined;

afterEach(async () => {
  await mailbox?.close();
  mailbox = undefined;
  await server.stop();
});

async function open(script: Script = {}, change: Partial<OpenOptions> = {}): Promise<Mailbox> {
  server = await startScriptedServer(script);
  mailbox = await openMailbox(server.access(), { ...options, ...change });
  return mailbox;
}

const soon = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test('a connection that nobody uses is kept, beyond the time a server may be silent', async () => {
  const opened = await open();
  await soon(900);
  expect(opened.usable).toBe(true);
  await expect(opened.listFolders()).resolves.toHaveLength(1);
});

test('a server that keeps talking may take longer than it may be silent', async () => {
  const opened = await open({
    on: {
      LIST: ({ send, usual }) => {
        let told = 0;
        const telling = setInterval(() => {
          send('* OK still searching');
          told += 1;
          if (told < 6) return;
          clearInterval(telling);
          usual();
        }, 150);
      },
    },
  });
  await expect(opened.listFolders()).resolves.toHaveLength(1);
});

test('a server that drips is left when a command has taken too long for its bytes', async () => {
  const script: Script = {
    on: {
      LIST: ({ send }) => {
        const dripping = setInterval(() => {
          if (server.sockets.size === 0) clearInterval(dripping);
          send('* OK .');
        }, 50);
      },
    },
  };
  const opened = await open(script, { commandTimeoutMs: 1_000 });
  await expect(opened.listFolders()).rejects.toMatchObject({ kind: 'unreachable', code: 'timed-out' });
});

test('an answer that goes on long and brings enough is waited for', async () => {
  const script: Script = {
    on: {
      LIST: ({ send, usual }) => {
        let told = 0;
        const telling = setInterval(() => {
          send(`* OK ${'.'.repeat(1_000)}`);
          told += 1;
          if (told < 10) return;
          clearInterval(telling);
          usual();
        }, 100);
      },
    },
  };
  const opened = await open(script, { commandTimeoutMs: 300 });
  await expect(opened.listFolders()).resolves.toHaveLength(1);
});

test('an aborted call fails at once, and so do all later ones', async () => {
  const stop = new AbortController();
  const opened = await open({ on: { LIST: () => undefined } }, { signal: stop.signal });
  setTimeout(() => {
    stop.abort();
  }, 50);
  const started = Date.now();
  await expect(opened.listFolders()).rejects.toMatchObject({ kind: 'unreachable', code: 'aborted', operation: 'LIST' });
  expect(Date.now() - started).toBeLessThan(300);
  expect(opened.usable).toBe(false);
  await expect(opened.examine('INBOX')).rejects.toMatchObject({ code: 'aborted' });
});

test('an aborted attempt to connect fails at once and leaves nothing open', async () => {
  server = await startScriptedServer({ greeting: null });
  const stop = new AbortController();
  setTimeout(() => {
    stop.abort();
  }, 50);
  const opening = openMailbox(server.access(), { ...options, signal: stop.signal });
  await expect(opening).rejects.toMatchObject({ code: 'aborted' });
  await soon(50);
  expect(server.sockets.size).toBe(0);
  await expect(openMailbox(server.access(), { ...options, signal: stop.signal })).rejects.toMatchObject({
    code: 'aborted',
  });
});

test('a connection that the server ends between two calls is not usable', async () => {
  const opened = await open();
  for (const socket of server.sockets) socket.end('* BYE idle for too long\r\n');
  await soon(100);
  expect(opened.usable).toBe(false);
  await expect(opened.listFolders()).rejects.toMatchObject({ kind: 'unreachable', code: 'connection-lost' });
});

test('a BYE that says there are too many connections is busy', async () => {
  const opened = await open({
    on: {
      LIST: ({ send }) => {
        send('* BYE Too many simultaneous connections');
      },
    },
  });
  await expect(opened.listFolders()).rejects.toMatchObject({ kind: 'busy', code: 'too-many-connections' });
});

test('close says goodbye, may be called twice, and waits for nobody', async () => {
  const opened = await open();
  await opened.close();
  await opened.close();
  expect(server.commands.at(-1)).toBe('LOGOUT');
  expect(opened.usable).toBe(false);
});

test('close ends also where LOGOUT is not answered', async () => {
  const opened = await open({ on: { LOGOUT: () => undefined } });
  const started = Date.now();
  await opened.close();
  expect(Date.now() - started).toBeLessThan(3_000);
});

test('close ends also a connection that is just opened anew, and that the server leaves unanswered', async () => {
  const opened = await open(
    {
      on: {
        LOGIN: ({ connection, usual }) => {
          if (connection === 1) usual();
        },
      },
    },
    { connectTimeoutMs: 600_000, socketTimeoutMs: 600_000 },
  );
  const reopening = opened.reopen();
  while (server.commands.filter((line) => line.startsWith('LOGIN')).length < 2) await soon(20);
  await opened.close();
  await expect(reopening).rejects.toMatchObject({ kind: 'unreachable', code: 'aborted' });
  while (server.sockets.size > 0) await soon(20);
});

test('the second address is tried where the first refuses', async () => {
  server = await startScriptedServer();
  const lookup = () => Promise.resolve([{ address: '127.0.0.9' }, { address: '127.0.0.1' }]);
  const hostRules = { ...options.hostRules, lookup };
  mailbox = await openMailbox(server.access({ host: 'imap.example.org' }), { ...options, hostRules });
  expect(mailbox.usable).toBe(true);
});

test('a host that may not be connected to is refused before a socket is opened', async () => {
  server = await startScriptedServer();
  const opening = openMailbox(server.access(), { ...options, hostRules: { allowedNetworks: [] } });
  await expect(opening).rejects.toMatchObject({ kind: 'refused', code: 'host-not-allowed' });
  expect(server.sockets.size).toBe(0);
});

test('IMAP4rev2, QRESYNC, COMPRESS and IDLE are left alone where they are offered', async () => {
  const opened = await open({
    capabilities: ['IMAP4rev2', 'ENABLE', 'CONDSTORE', 'QRESYNC', 'COMPRESS=DEFLATE', 'IDLE'],
  });
  await opened.examine('INBOX');
  await soon(100);
  const sent = server.commands.join('\n');
  expect(sent).toContain('ENABLE CONDSTORE');
  expect(sent).not.toMatch(/QRESYNC|REV2|COMPRESS|IDLE/i);
  expect(opened.abilities).toMatchObject({ condstore: true, idle: true });
});

test('nothing is written to the console, whatever the server does', async () => {
  const written: unknown[] = [];
  const spies = (['log', 'error', 'warn', 'info'] as const).map((name) =>
    jest.spyOn(console, name).mockImplementation((...args) => {
      written.push(args);
    }),
  );
  const opened = await open({
    on: {
      LIST: ({ send }) => {
        send('* LIST garbage ((( marked');
        send('* 1 FETCH (BODY[] {99999999999}');
      },
    },
  });
  await expect(opened.listFolders()).rejects.toThrow('LIST: ');
  for (const spy of spies) spy.mockRestore();
  expect(written).toEqual([]);
});

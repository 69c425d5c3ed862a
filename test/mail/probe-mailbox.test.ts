import { readFileSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { connectionSentence } from '../../src/domain/connect-sentences';
import { connectCodes } from '../../src/domain/failure';
import { languages } from '../../src/domain/languages';
import type { ProbeAnswer } from '../../src/domain/probe';
import type { MailboxAccess } from '../../src/mail/mailbox';
import { probeMailbox, type ProbeOptions } from '../../src/mail/probe-mailbox';
import { importScript } from '../support/import-script';
import { startScriptedServer, type Script, type ScriptedServer } from '../support/scripted-imap-server';

const loopback: ProbeOptions = { hostRules: { allowedNetworks: ['127.0.0.0/8', '::1/128'] }, probeTimeoutMs: 2_000 };

const closing: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function scripted(script: Script): Promise<ScriptedServer> {
  const server = await startScriptedServer(script);
  closing.push(() => server.stop());
  return server;
}

async function probed(script: Script, access: Partial<MailboxAccess> = {}): Promise<ProbeAnswer> {
  const server = await scripted(script);
  return probeMailbox(server.access(access), loopback);
}

async function listening(server: Server): Promise<MailboxAccess> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.close();
  });
  return {
    ...{ host: '127.0.0.1', port: (server.address() as AddressInfo).port, security: 'none' },
    ...{ allowInvalidCertificate: false, ca: null, username: 'somebody', password: 'pass' },
  };
}

test('a mailbox that works says what the server can do and how many folders hold messages', async () => {
  const answer = await probed({ folders: { Sent: {}, '[Gmail]': { attributes: ['\\Noselect'] } } });
  expect(answer).toEqual({ ok: true, provider: null, abilities: ['condstore', 'uidPlus'], folders: 2 });
});

describe('the way to the server', () => {
  const somewhere = {
    port: 993,
    security: 'tls',
    allowInvalidCertificate: false,
    ca: null,
    username: 'u',
    password: 'p',
  } as const;

  test('host-not-found', async () => {
    const hostRules = { allowedNetworks: [], lookup: () => Promise.reject(new Error('ENOTFOUND')) };
    await expect(
      probeMailbox({ host: 'imap.example.org', ...somewhere }, { ...loopback, hostRules }),
    ).resolves.toMatchObject({
      ok: false,
      code: 'host-not-found',
    });
  });

  test('host-not-allowed, before anything is connected', async () => {
    const server = await scripted({});
    const answer = await probeMailbox(server.access(), { ...loopback, hostRules: { allowedNetworks: [] } });
    expect(answer).toMatchObject({ ok: false, code: 'host-not-allowed' });
    expect(server.sockets.size).toBe(0);
  });

  test('port-closed', async () => {
    const server = await scripted({});
    await server.stop();
    closing.pop();
    await expect(probeMailbox(server.access(), loopback)).resolves.toMatchObject({ ok: false, code: 'port-closed' });
  });

  test('timed-out where nothing is said, within the time', async () => {
    const started = Date.now();
    await expect(probed({ greeting: null, on: { CAPABILITY: () => undefined } })).resolves.toMatchObject({
      ok: false,
      code: 'timed-out',
    });
    expect(Date.now() - started).toBeLessThan(2_300);
  });

  test('timed-out where the resolver does not answer', async () => {
    const hostRules = { allowedNetworks: [], lookup: () => new Promise<never>(() => undefined) };
    const answer = await probeMailbox({ host: 'imap.example.org', ...somewhere }, { hostRules, probeTimeoutMs: 300 });
    expect(answer).toMatchObject({ ok: false, code: 'timed-out' });
  });

  test.each(['CAPABILITY', 'LOGIN', 'LIST'])('timed-out where %s is never answered', async (command) => {
    await expect(probed({ on: { [command]: () => undefined } })).resolves.toMatchObject({
      ok: false,
      code: 'timed-out',
    });
  });
});

describe('not-an-imap-server', () => {
  const foreign = { ok: false, code: 'not-an-imap-server' };

  test.each([
    '220 mail.example.org ESMTP\r\n',
    '+OK POP3 ready\r\n',
    'SSH-2.0-OpenSSH_9.2\r\n',
    '\u0016\u0003 garbage',
    'x',
  ])('greets with %j', async (greeting) => {
    const started = Date.now();
    await expect(probed({ greeting })).resolves.toMatchObject(foreign);
    expect(Date.now() - started).toBeLessThan(900);
  });

  test('is an HTTP server, which waits to be spoken to', async () => {
    const access = await listening(createHttpServer());
    await expect(probeMailbox(access, loopback)).resolves.toMatchObject(foreign);
  });

  test('closes without a word', async () => {
    const access = await listening(createServer((socket) => socket.end()));
    await expect(probeMailbox(access, loopback)).resolves.toMatchObject(foreign);
  });

  test('speaks IMAP without TLS where TLS was chosen', async () => {
    await expect(probed({}, { security: 'tls' })).resolves.toMatchObject(foreign);
  });

  test('answers nonsense', async () => {
    const nonsense: Script['on'] = {
      LOGIN: ({ tag, send }) => {
        send(`${tag} MAYBE`);
      },
    };
    await expect(probed({ on: nonsense })).resolves.toMatchObject(foreign);
  });
});

test.each(['Waiting for authentication process to respond..', '[CAPABILITY IMAP4rev1] Dovecot ready.'])(
  'a greeting in two pieces is a greeting: %s',
  async (words) => {
    const server = await scripted({ greeting: '* ' });
    const probing = probeMailbox(server.access(), loopback);
    while (server.sockets.size === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    setTimeout(() => {
      for (const socket of server.sockets) socket.write(`OK ${words}\r\n`);
    }, 50);
    await expect(probing).resolves.toMatchObject({ ok: true });
  },
);

describe('tls-required', () => {
  const required = { ok: false, code: 'tls-required' };

  test('LOGINDISABLED: no password is sent', async () => {
    const server = await scripted({ capabilities: ['LOGINDISABLED'] });
    await expect(probeMailbox(server.access(), loopback)).resolves.toMatchObject(required);
    expect(server.commands.join('\n')).not.toContain('pass');
  });

  test('[PRIVACYREQUIRED]', async () => {
    const answer = await probed({
      on: {
        LOGIN: ({ no }) => {
          no('[PRIVACYREQUIRED] Not like this');
        },
      },
    });
    expect(answer).toMatchObject(required);
  });

  test('STARTTLS asked for and not offered: no password is sent', async () => {
    const server = await scripted({});
    await expect(probeMailbox(server.access({ security: 'starttls' }), loopback)).resolves.toMatchObject(required);
    expect(server.commands.join('\n')).not.toContain('pass');
  });

  test('STARTTLS asked for and the session already authenticated', async () => {
    const answer = await probed({ greeting: '* PREAUTH welcome\r\n' }, { security: 'starttls' });
    expect(answer).toMatchObject(required);
  });
});

describe('with real certificates', () => {
  let dir: string;
  let made: Record<'valid' | 'expired' | 'other-name', { key: string; cert: string; ca: string }>;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'letterbook-tls-'));
    interface Certificates {
      makeCertificate: (wish: {
        dir: string;
        kind: string;
      }) => Promise<{ certFile: string; keyFile: string; caFile: string }>;
    }
    const { makeCertificate } = await importScript<Certificates>('scripts/lib/certificates.mjs');
    const make = async (kind: string) => {
      const { certFile, keyFile, caFile } = await makeCertificate({ dir, kind });
      return {
        key: readFileSync(keyFile, 'utf8'),
        cert: readFileSync(certFile, 'utf8'),
        ca: readFileSync(caFile, 'utf8'),
      };
    };
    made = { valid: await make('valid'), expired: await make('expired'), 'other-name': await make('other-name') };
  });

  afterAll(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  const over = async (
    kind: keyof typeof made,
    change: Partial<MailboxAccess> = {},
    from: 'start' | 'starttls' = 'start',
  ) =>
    probed(
      { tls: { ...made[kind], from } },
      { ca: made[kind].ca, security: from === 'start' ? 'tls' : 'starttls', ...change },
    );

  test.each(['start', 'starttls'] as const)('a valid one is taken, TLS from %s', async (from) => {
    await expect(over('valid', {}, from)).resolves.toMatchObject({ ok: true });
    await expect(over('valid', { host: 'localhost' }, from)).resolves.toMatchObject({ ok: true });
  });

  test.each(['start', 'starttls'] as const)(
    'certificate-not-trusted without its authority, TLS from %s',
    async (from) => {
      await expect(over('valid', { ca: null }, from)).resolves.toMatchObject({
        ok: false,
        code: 'certificate-not-trusted',
      });
    },
  );

  test.each(['start', 'starttls'] as const)('certificate-expired, TLS from %s', async (from) => {
    await expect(over('expired', {}, from)).resolves.toMatchObject({ ok: false, code: 'certificate-expired' });
  });

  test.each(['start', 'starttls'] as const)('tls-name-mismatch by name and by address, TLS from %s', async (from) => {
    const mismatch = { ok: false, code: 'tls-name-mismatch' };
    await expect(over('other-name', { host: 'localhost' }, from)).resolves.toMatchObject(mismatch);
    await expect(over('other-name', {}, from)).resolves.toMatchObject(mismatch);
  });

  test.each(['valid', 'expired', 'other-name'] as const)(
    'all are taken where invalid ones are allowed: %s',
    async (kind) => {
      await expect(over(kind, { ca: null, allowInvalidCertificate: true })).resolves.toMatchObject({ ok: true });
    },
  );

  test('a TLS port asked without TLS is tls-required', async () => {
    await expect(over('valid', { security: 'none' })).resolves.toMatchObject({ ok: false, code: 'tls-required' });
  });

  test('the name goes into the handshake, the checked address into the connection', async () => {
    const hostRules = { allowedNetworks: ['127.0.0.0/8'], lookup: () => Promise.resolve([{ address: '127.0.0.1' }]) };
    const server = await scripted({ tls: { ...made['other-name'], from: 'start' } });
    const access = server.access({ host: 'mail.example.net', ca: made['other-name'].ca });
    await expect(probeMailbox(access, { ...loopback, hostRules })).resolves.toMatchObject({ ok: true });
  });
});

describe('the login', () => {
  const refusing = (text: string): Script => ({
    on: {
      LOGIN: ({ no }) => {
        no(text);
      },
    },
  });

  test.each([
    ['login-refused', '[AUTHENTICATIONFAILED] Authentication failed.'],
    ['login-refused', 'LOGIN failed.'],
    ['login-refused', '[ALERT] Application-specific password required'],
    ['imap-disabled', '[ALERT] Your account is not enabled for IMAP use.'],
    ['imap-disabled', 'AuthFailed:LogonDenied-BasicAuthBlocked'],
    ['imap-disabled', '[AUTHENTICATIONFAILED] IMAP access is disabled for this user'],
    ['too-many-connections', '[ALERT] Too many simultaneous connections. (Failure)'],
    ['too-many-connections', '[LIMIT] LOGIN Rate limit hit.'],
    ['too-many-connections', '[UNAVAILABLE] Temporary authentication failure.'],
  ])('%s: NO %s', async (code, text) => {
    await expect(probed(refusing(text))).resolves.toMatchObject({ ok: false, code });
  });

  test('login-refused: a wrong password, by LOGIN and by AUTHENTICATE', async () => {
    await expect(probed({}, { password: 'wrong' })).resolves.toMatchObject({ ok: false, code: 'login-refused' });
    const sasl = await probed({ capabilities: ['AUTH=PLAIN', 'LOGINDISABLED'] }, { password: 'wrong' });
    expect(sasl).toMatchObject({ ok: false, code: 'login-refused' });
  });

  test('too-many-connections: a BYE for a greeting', async () => {
    const greeting = '* BYE Maximum number of connections from user+IP exceeded\r\n';
    await expect(probed({ greeting })).resolves.toMatchObject({ ok: false, code: 'too-many-connections' });
  });

  test('imap-disabled: Exchange lets in and answers nothing', async () => {
    const answer = await probed({
      on: {
        NAMESPACE: ({ bad }) => {
          bad('User is authenticated but not connected.');
        },
      },
    });
    expect(answer).toMatchObject({ ok: false, code: 'imap-disabled' });
  });

  test('throttled: the server says how long, and the answer does not wait for it', async () => {
    const started = Date.now();
    const answer = await probed({
      on: {
        LOGIN: ({ bad }) => {
          bad('Request is throttled. Suggested Backoff Time: 240000 milliseconds');
        },
      },
    });
    expect(answer).toMatchObject({ ok: false, code: 'too-many-connections' });
    expect(Date.now() - started).toBeLessThan(900);
  });
});

test('an answer holds no password, no user and no words of the server', async () => {
  const marked = { username: 'marked-user@example.org', password: 'marked-password' };
  const answer = await probed(
    {
      on: {
        LOGIN: ({ no }) => {
          no('marked words for marked-user');
        },
      },
    },
    marked,
  );
  expect(JSON.stringify(answer)).not.toContain('marked');
});

test('no connection is left open by a failed attempt', async () => {
  const server = await scripted({
    on: {
      LIST: ({ no }) => {
        no('no');
      },
    },
  });
  await probeMailbox(server.access(), loopback);
  await probeMailbox(server.access({ password: 'wrong' }), loopback);
  await probeMailbox(server.access({ security: 'starttls' }), loopback);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(server.sockets.size).toBe(0);
});

test('every code has a sentence for a person', () => {
  for (const language of languages) {
    const sentences = connectCodes.map((code) => connectionSentence(code, 'imap.example', language));
    expect(new Set(sentences).size).toBe(connectCodes.length);
    for (const sentence of sentences) expect(sentence).toMatch(/^\p{Lu}.*\.$/u);
  }
});

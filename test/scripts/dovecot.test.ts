import { readFileSync } from 'node:fs';
import { connect as connectPlain } from 'node:net';
import { connect as connectTls } from 'node:tls';

import { sharedDovecot, startDovecot, type DovecotWish, type TestDovecot } from '../support/dovecot';

/** Everything a server says to these commands, without TLS. */
function talk({ host, imapPort: port }: TestDovecot, commands: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    const socket = connectPlain({ port, host }, () => socket.write(`${commands.join('\r\n')}\r\n`));
    socket.on('data', (bytes: Buffer) => (said += bytes.toString('latin1')));
    socket.once('error', reject);
    socket.once('close', () => {
      resolve(said);
    });
  });
}

/** The code of what TLS finds wrong with the server's certificate; null: nothing. */
function tlsProblem(dovecot: TestDovecot, host = 'localhost'): Promise<string | null> {
  const ca = readFileSync(dovecot.caFile);
  return new Promise((resolve) => {
    const socket = connectTls({ port: dovecot.imapsPort, host: '127.0.0.1', servername: host, ca }, () => {
      socket.destroy();
      resolve(null);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code ?? error.message);
    });
  });
}

async function withDovecot<Result>(
  wish: DovecotWish,
  look: (dovecot: TestDovecot) => Promise<Result>,
): Promise<Result> {
  const dovecot = await startDovecot(wish);
  try {
    return await look(dovecot);
  } finally {
    await dovecot.stop();
  }
}

test('every user is known, and a message that is appended is there', async () => {
  const message = 'Subject: x\r\n\r\ny';
  const said = await talk(sharedDovecot(), [
    'a login dovecot-test@example.com pass',
    `b append INBOX {${message.length}+}`,
    message,
    'c status INBOX (messages)',
    'd list "" "*"',
    'e logout',
  ]);
  expect(said).toContain('STATUS INBOX (MESSAGES 1)');
  expect(said).toMatch(/\* LIST \([^)]*\\Trash\) "\/" Trash/);
  expect(said).toContain('QRESYNC');
});

test('its certificate is valid for localhost', async () => {
  expect(await tlsProblem(sharedDovecot())).toBeNull();
});

test('an expired certificate is expired and nothing else', async () => {
  expect(await withDovecot({ certificate: 'expired' }, (dovecot) => tlsProblem(dovecot))).toBe('CERT_HAS_EXPIRED');
});

test('a certificate for another host is valid, but not for this one', async () => {
  await withDovecot({ certificate: 'other-name' }, async (dovecot) => {
    expect(await tlsProblem(dovecot)).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    expect(await tlsProblem(dovecot, 'mail.example.net')).toBeNull();
  });
});

test('the poor profile has no CONDSTORE, IDLE, MOVE or roles of folders', async () => {
  const said = await withDovecot({ profile: 'poor' }, (dovecot) =>
    talk(dovecot, ['a login poor@example.com pass', 'b capability', 'c list "" "*"', 'd logout']),
  );
  expect(said).toContain('UIDPLUS');
  expect(said).not.toMatch(/CONDSTORE|IDLE|MOVE|\\Trash/);
});

test('the profile that requires TLS takes no password without it', async () => {
  const said = await withDovecot({ profile: 'tls-required' }, (dovecot) =>
    talk(dovecot, ['a login x@example.com pass', 'b logout']),
  );
  expect(said).toContain('LOGINDISABLED');
  expect(said).toMatch(/^a (NO|BAD) \[PRIVACYREQUIRED\]/m);
});

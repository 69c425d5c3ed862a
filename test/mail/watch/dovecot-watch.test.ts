import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';

import type { MailboxAccess } from '../../../src/mail/mailbox';
import type { WatchMode } from '../../../src/mail/watch/mailbox-watch';
import { sharedDovecot, startDovecot, type TestDovecot } from '../../support/dovecot';
import { openMailClient, type MailClient } from '../../support/mail-client';
import { soon, until, watching, type Watching } from './watching';

const closing: (() => Promise<void>)[] = [];
const servers: { stop: () => Promise<void> }[] = [];
/** A server for each way of watching. */
const dovecots = new Map<WatchMode, TestDovecot>();

beforeAll(async () => {
  const [idle, none] = await Promise.all([
    startDovecot({ profile: 'without-notify' }),
    startDovecot({ profile: 'poor' }),
  ]);
  servers.push(idle, none);
  dovecots.set('notify', sharedDovecot()).set('idle', idle).set('none', none);
});

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

afterAll(async () => {
  for (const server of servers) await server.stop();
});

const accessTo = (dovecot: TestDovecot, change: Partial<MailboxAccess> = {}): MailboxAccess => ({
  ...{ host: dovecot.host, port: dovecot.imapPort, security: 'none', allowInvalidCertificate: false, ca: null },
  ...{ username: `watched-${randomUUID()}`, password: dovecot.password, ...change },
});

const mail = Buffer.from('From: a@example.org\r\nSubject: n\r\n\r\ntext\r\n');

interface Account extends Watching {
  person: MailClient;
}

/** An account that is watched, and a person who has it open as well. */
async function account(mode: WatchMode, folders: string[] = []): Promise<Account> {
  const dovecot = dovecots.get(mode) ?? sharedDovecot();
  const access = accessTo(dovecot);
  const person = await openMailClient(dovecot.imapPort, access.username);
  closing.push(() => person.close());
  for (const folder of folders) await person.createFolder(folder);
  const opened = await watching(access);
  closing.push(() => opened.watch.close());
  expect(opened.watch.mode).toBe(mode);
  await opened.watch.sweep();
  // Dovecot tells once more of what the login of a new account made.
  await soon(700);
  opened.news = 0;
  return Object.assign(opened, { person });
}

async function newsOf(told: Watching, action: () => Promise<unknown>): Promise<void> {
  const before = told.news;
  await action();
  await until(() => told.news > before);
}

const uidNexts = async ({ watch }: Watching): Promise<Record<string, number | undefined>> =>
  Object.fromEntries((await watch.sweep()).map(({ path, status }) => [path, status?.uidNext]));

describe('NOTIFY', () => {
  test('an arrival in INBOX and one in another folder are news', async () => {
    const told = await account('notify', ['Customers/North']);
    await newsOf(told, () => told.person.append('INBOX', mail));
    await newsOf(told, () => told.person.append('Customers/North', mail));
    await expect(uidNexts(told)).resolves.toMatchObject({ INBOX: 2, 'Customers/North': 2 });
    expect(told.losses).toEqual([]);
  });

  test('each of several arrivals one after the other is news', async () => {
    const told = await account('notify');
    for (let at = 0; at < 4; at += 1) await newsOf(told, () => told.person.append('INBOX', mail));
    expect(told.losses).toEqual([]);
  });

  test('flags, removals and moves are news in any folder', async () => {
    const told = await account('notify', ['Projects']);
    const [first, second] = [await told.person.append('Projects', mail), await told.person.append('Projects', mail)];
    await until(() => told.news > 0);
    await soon(700);
    await newsOf(told, () => told.person.flag('Projects', first, ['\\Flagged']));
    await newsOf(told, () => told.person.expunge('Projects', [first]));
    await newsOf(told, () => told.person.move('Projects', second, 'INBOX'));
    await expect(uidNexts(told)).resolves.toMatchObject({ INBOX: 2, Projects: 3 });
  });

  test('a folder that is made, renamed or deleted is news, and so is what arrives in it', async () => {
    const told = await account('notify');
    await newsOf(told, () => told.person.createFolder('Neu & später'));
    await newsOf(told, () => told.person.append('Neu & später', mail));
    await expect(uidNexts(told)).resolves.toMatchObject({ 'Neu & später': 2 });
    await newsOf(told, () => told.person.renameFolder('Neu & später', 'Alt'));
    await newsOf(told, () => told.person.append('Alt', mail));
    await expect(uidNexts(told)).resolves.toMatchObject({ Alt: 3 });
    await newsOf(told, () => told.person.deleteFolder('Alt'));
    expect(Object.keys(await uidNexts(told))).not.toContain('Alt');
  });
});

describe('IDLE', () => {
  test('an arrival, a flag and a removal in INBOX are news, one after the other', async () => {
    const told = await account('idle');
    for (let at = 0; at < 3; at += 1) await newsOf(told, () => told.person.append('INBOX', mail));
    await newsOf(told, () => told.person.flag('INBOX', 1, ['\\Flagged']));
    await newsOf(told, () => told.person.expunge('INBOX', [1]));
    expect(told.losses).toEqual([]);
  });

  test('sweeps show the other folders, and IDLE goes on after each', async () => {
    const told = await account('idle', ['Archive/2026']);
    for (let at = 2; at < 5; at += 1) {
      await told.person.append('Archive/2026', mail);
      await expect(uidNexts(told)).resolves.toMatchObject({ 'Archive/2026': at });
      await newsOf(told, () => told.person.append('INBOX', mail));
      await expect(uidNexts(told)).resolves.toMatchObject({ INBOX: at });
    }
  });

  test('renewals lose nothing', async () => {
    const dovecot = dovecots.get('idle') ?? sharedDovecot();
    const access = accessTo(dovecot);
    const told = await watching(access, { limits: { idleRenewMs: 40 } });
    closing.push(() => told.watch.close());
    const person = await openMailClient(dovecot.imapPort, access.username);
    closing.push(() => person.close());
    for (let at = 0; at < 10; at += 1) await newsOf(told, () => person.append('INBOX', mail));
    expect(told.losses).toEqual([]);
  });

  test('the folder that is watched is deleted', async () => {
    const dovecot = dovecots.get('idle') ?? sharedDovecot();
    const access = accessTo(dovecot);
    const person = await openMailClient(dovecot.imapPort, access.username);
    closing.push(() => person.close());
    await person.createFolder('Short');
    const told = await watching(access, { folder: 'Short', limits: { idleRenewMs: 500 } });
    closing.push(() => told.watch.close());
    expect(told.watch.mode).toBe('idle');
    await person.deleteFolder('Short');
    await until(() => told.losses.length > 0);
    expect(told.losses).toMatchObject([{ kind: 'unreachable' }]);
  });
});

test('a server without push shows all by sweeps alone', async () => {
  const told = await account('none', ['Archive/2026']);
  await told.person.append('Archive/2026', mail);
  await told.person.append('INBOX', mail);
  await expect(uidNexts(told)).resolves.toMatchObject({ INBOX: 2, 'Archive/2026': 2 });
  await told.person.append('INBOX', mail);
  await expect(uidNexts(told)).resolves.toMatchObject({ INBOX: 3 });
});

test.each<WatchMode>(['notify', 'idle'])(
  'whatever arrives while a watch is opened is in the first sweep, or is news (%s)',
  async (mode) => {
    const dovecot = dovecots.get(mode) ?? sharedDovecot();
    const access = accessTo(dovecot);
    const person = await openMailClient(dovecot.imapPort, access.username);
    closing.push(() => person.close());
    for (let at = 1; at <= 25; at += 1) {
      const [told, uid] = await Promise.all([
        watching(access),
        soon(Math.random() * 25).then(() => person.append('INBOX', mail)),
      ]);
      const swept = (await uidNexts(told))['INBOX'] ?? 0;
      if (swept <= uid) await until(() => told.news > 0);
      await told.watch.close();
    }
  },
);

describe('a server that stops', () => {
  test('every watch is lost once, and can be opened again when it is back', async () => {
    const dovecot = await startDovecot();
    const access = accessTo(dovecot);
    const told = await Promise.all([watching(access), watching(access), watching(accessTo(dovecot))]);
    await dovecot.stop();
    await until(() => told.every(({ losses }) => losses.length > 0));
    for (const { losses } of told) expect(losses).toEqual([expect.objectContaining({ kind: 'unreachable' })]);
    await expect(watching(access)).rejects.toMatchObject({ kind: 'unreachable', code: 'port-closed' });
    const ports = { imap: dovecot.imapPort, imaps: dovecot.imapsPort, lmtp: dovecot.lmtpPort };
    const again = await startDovecot({ ports });
    servers.push(again);
    const back = await watching(access);
    closing.push(() => back.watch.close());
    expect(back.watch.mode).toBe('notify');
    for (const { watch } of told) await watch.close();
  });
});

describe('TLS', () => {
  test.each(['tls', 'starttls'] as const)('news comes through %s, and the certificate is checked', async (security) => {
    const dovecot = sharedDovecot();
    const port = security === 'tls' ? dovecot.imapsPort : dovecot.imapPort;
    const access = accessTo(dovecot, { host: 'localhost', security, port, ca: readFileSync(dovecot.caFile, 'utf8') });
    const told = await watching(access);
    closing.push(() => told.watch.close());
    const person = await openMailClient(dovecot.imapPort, access.username);
    closing.push(() => person.close());
    await newsOf(told, () => person.append('INBOX', mail));
    await expect(watching({ ...access, ca: null })).rejects.toMatchObject({
      ...{ kind: 'refused', code: 'certificate-not-trusted' },
    });
    await expect(watching({ ...access, password: 'wrong' })).rejects.toMatchObject({ kind: 'credentials' });
  });
});

import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { ImapFlow } from 'imapflow';

import { openMailbox, type OpenOptions } from '../../src/mail/open-mailbox';
import type { Mailbox, MailboxAccess } from '../../src/mail/mailbox';
import { probeMailbox } from '../../src/mail/probe-mailbox';
import { sharedDovecot, startDovecot, type TestDovecot } from '../support/dovecot';

const options: OpenOptions = {
  hostRules: { allowedNetworks: ['127.0.0.0/8', '::1/128'] },
  connectTimeoutMs: 5_000,
  socketTimeoutMs: 10_000,
};

const accessTo = (dovecot: TestDovecot, change: Partial<MailboxAccess> = {}): MailboxAccess => ({
  ...{ host: dovecot.host, port: dovecot.imapPort, security: 'none', allowInvalidCertificate: false, ca: null },
  ...{ username: `user-${randomUUID()}`, password: dovecot.password, ...change },
});

const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');
const mail = (n: number): string =>
  `From: a${String(n)}@example.org\r\nMessage-ID: <${String(n)}@example.org>\r\nSubject: n ${String(n)}\r\n\r\n${'text '.repeat(n)}\r\n`;

/** Bytes of buffers that somebody still holds: what is garbage is collected first. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().arrayBuffers;
}

const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** An independent client on the same account. */
async function otherClient(access: MailboxAccess): Promise<ImapFlow> {
  const client = new ImapFlow({
    ...{ host: access.host, port: access.port, secure: false, doSTARTTLS: false, logger: false },
    ...{ auth: { user: access.username, pass: access.password }, disableAutoIdle: true },
  });
  await client.connect();
  closing.push(async () => {
    await client.logout();
  });
  return client;
}

async function opened(access: MailboxAccess): Promise<Mailbox> {
  const mailbox = await openMailbox(access, options);
  closing.push(() => mailbox.close());
  return mailbox;
}

/** An account with messages 1 to `count` in INBOX, opened by both. */
async function account(count: number, dovecot = sharedDovecot()) {
  const access = accessTo(dovecot);
  const other = await otherClient(access);
  for (let n = 1; n <= count; n += 1) await other.append('INBOX', mail(n), n % 2 === 0 ? ['\\Seen'] : []);
  return { access, other, mailbox: await opened(access) };
}

test('folders come with names, roles and state', async () => {
  const { other, mailbox } = await account(2);
  await other.mailboxCreate('Verträge/Köln & Łódź');
  const folders = await mailbox.listFolders();
  expect(folders.find(({ path }) => path === 'INBOX')).toMatchObject({
    role: 'inbox',
    status: { messages: 2, uidNext: 3 },
  });
  expect(folders.find(({ path }) => path === 'Trash')).toMatchObject({ role: 'trash', status: { messages: 0 } });
  const named = folders.find(({ path }) => path === 'Verträge/Köln & Łódź');
  expect(named).toMatchObject({ role: null, selectable: true, delimiter: '/' });
  const opening = await mailbox.examine('Verträge/Köln & Łódź');
  expect(opening.snapshot).toEqual(named?.status);
  expect(mailbox.abilities).toEqual({
    ...{ condstore: true, uidPlus: true, idle: true, listStatus: true, gmail: false, messageLimit: false },
  });
});

test('every message comes once, byte for byte, and stays unseen', async () => {
  const { other, mailbox } = await account(30);
  const folder = await mailbox.examine('INBOX');
  const listing = await folder.listUids();
  expect(listing).toEqual({ proven: true, uids: Array.from({ length: 30 }, (_, at) => at + 1) });
  const hashes = new Map<number, string>();
  const { owed } = await folder.fetchRaw(listing.uids, ({ uid, raw }) => {
    hashes.set(uid, sha256(raw));
    return Promise.resolve();
  });
  expect(owed).toEqual([]);
  expect([...hashes]).toEqual(listing.uids.map((uid) => [uid, sha256(mail(uid))]));
  const { content } = (await folder.streamRaw(7)) ?? {};
  const streamed: Buffer[] = [];
  for await (const chunk of content ?? []) streamed.push(chunk as Buffer);
  expect(sha256(Buffer.concat(streamed))).toBe(sha256(mail(7)));
  await other.mailboxOpen('INBOX');
  await expect(other.search({ seen: true }, { uid: true })).resolves.toHaveLength(15);
});

test('flags are followed by modseq, and markSeen is seen by others', async () => {
  const { other, mailbox } = await account(6);
  const before = await mailbox.examine('INBOX');
  await expect(before.flagsSince(before.snapshot.highestModseq)).resolves.toEqual([]);
  await expect(before.listUnseenUids()).resolves.toEqual([1, 3, 5]);
  await other.mailboxOpen('INBOX');
  await other.messageFlagsAdd([4], ['\\Flagged'], { uid: true });
  const uidValidity = before.snapshot.uidValidity;
  await mailbox.markSeen('INBOX', uidValidity, [1, 3]);
  await mailbox.markSeen('INBOX', uidValidity, [1, 3]);
  const after = await mailbox.examine('INBOX');
  const changed = await after.flagsSince(before.snapshot.highestModseq);
  expect(changed).toMatchObject([
    { uid: 1, flags: 1 },
    { uid: 3, flags: 1 },
    { uid: 4, flags: 5 },
  ]);
  await expect(after.flagsSince(null)).resolves.toHaveLength(6);
  await expect(after.listUidsSince(new Date(Date.now() - 86_400_000))).resolves.toHaveLength(6);
  await expect(after.listUidsSince(new Date(Date.now() + 172_800_000))).resolves.toEqual([]);
});

test('messages that another session expunges during the fetch are owed, and then not listed', async () => {
  const { other, mailbox } = await account(60);
  const folder = await mailbox.examine('INBOX');
  await other.mailboxOpen('INBOX');
  await other.messageDelete('20:40', { uid: true });
  const delivered: number[] = [];
  const { owed } = await folder.fetchRaw(
    Array.from({ length: 60 }, (_, at) => at + 1),
    ({ uid, raw }) => {
      expect(sha256(raw)).toBe(sha256(mail(uid)));
      delivered.push(uid);
      return Promise.resolve();
    },
  );
  expect([...delivered, ...owed].sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, at) => at + 1));
  expect(owed).toEqual(Array.from({ length: 21 }, (_, at) => at + 20));
  const again = await mailbox.examine('INBOX');
  const listing = await again.listUids();
  expect(listing.proven).toBe(true);
  expect(listing.uids.filter((uid) => uid >= 20 && uid <= 40)).toEqual([]);
});

test('a folder that was deleted is gone; made anew it has another UIDVALIDITY', async () => {
  const { other, mailbox } = await account(0);
  await other.mailboxCreate('Kommt und geht');
  const first = await mailbox.examine('Kommt und geht');
  await other.mailboxDelete('Kommt und geht');
  await expect(mailbox.examine('Kommt und geht')).rejects.toMatchObject({ kind: 'gone', code: 'folder-gone' });
  await other.mailboxCreate('Kommt und geht');
  const second = await mailbox.examine('Kommt und geht');
  expect(second.snapshot.uidValidity).not.toBe(first.snapshot.uidValidity);
  await expect(mailbox.markSeen('Kommt und geht', first.snapshot.uidValidity, [1])).rejects.toMatchObject({
    kind: 'cursor-lost',
  });
});

test('30 MB stream through flat memory', async () => {
  const access = accessTo(sharedDovecot());
  const other = await otherClient(access);
  const big = Buffer.concat([
    Buffer.from('From: a@example.org\r\n\r\n'),
    Buffer.alloc(30_000_000, `${'0123456789'.repeat(7)}\r\n`),
  ]);
  await other.append('INBOX', big);
  const mailbox = await opened(access);
  const folder = await mailbox.examine('INBOX');
  const hash = createHash('sha256');
  const answer = await folder.streamRaw(1);
  const before = heldBytes();
  let most = 0;
  for await (const chunk of answer?.content ?? []) {
    hash.update(chunk as Buffer);
    most = Math.max(most, heldBytes() - before);
  }
  expect(hash.digest('hex')).toBe(sha256(big));
  expect(answer?.envelope.size).toBe(big.length);
  expect(most).toBeLessThan(8_000_000);
});

test('a sweep of 50 folders knows the state of each, and without changes it is the same again', async () => {
  const { other, mailbox } = await account(0);
  for (let n = 0; n < 50; n += 1) await other.mailboxCreate(`Folder ${String(n)}`);
  const first = await mailbox.listFolders();
  const second = await mailbox.listFolders();
  expect(first.length).toBeGreaterThanOrEqual(50);
  expect(second).toEqual(first);
  expect(first.every(({ status }) => status !== null)).toBe(true);
});

describe('a poor server', () => {
  let poor: Awaited<ReturnType<typeof startDovecot>>;
  beforeAll(async () => {
    poor = await startDovecot({ profile: 'poor' });
  });
  afterAll(() => poor.stop());

  test('has no modseq, and everything else works', async () => {
    const { mailbox } = await account(5, poor);
    expect(mailbox.abilities).toMatchObject({ condstore: false, idle: false, listStatus: false });
    const folders = await mailbox.listFolders();
    expect(folders.find(({ path }) => path === 'INBOX')?.status).toMatchObject({ messages: 5, highestModseq: null });
    expect(folders.find(({ path }) => path === 'Sent')?.role).toBe('sent');
    const folder = await mailbox.examine('INBOX');
    expect(folder.snapshot.highestModseq).toBeNull();
    await expect(folder.listUids()).resolves.toEqual({ proven: true, uids: [1, 2, 3, 4, 5] });
    await expect(folder.flagsSince('1')).resolves.toHaveLength(5);
    await expect(folder.fetchRaw([1, 2], () => Promise.resolve())).resolves.toEqual({ owed: [] });
    await mailbox.markSeen('INBOX', folder.snapshot.uidValidity, [1]);
  });
});

describe('trying a connection', () => {
  const probe = { hostRules: options.hostRules, probeTimeoutMs: 4_000 };

  test('works without TLS, with STARTTLS and with TLS', async () => {
    const dovecot = sharedDovecot();
    const ca = readFileSync(dovecot.caFile, 'utf8');
    const works = { ok: true, folders: 6 };
    await expect(probeMailbox(accessTo(dovecot), probe)).resolves.toMatchObject(works);
    await expect(probeMailbox(accessTo(dovecot, { security: 'starttls', ca }), probe)).resolves.toMatchObject(works);
    const tls = accessTo(dovecot, { port: dovecot.imapsPort, security: 'tls', ca, host: 'localhost' });
    await expect(probeMailbox(tls, probe)).resolves.toMatchObject(works);
  });

  test('names what is wrong', async () => {
    const dovecot = sharedDovecot();
    const code = async (change: Partial<MailboxAccess>) => {
      const answer = await probeMailbox(accessTo(dovecot, change), probe);
      return answer.ok ? 'ok' : answer.code;
    };
    await expect(code({ password: 'wrong' })).resolves.toBe('login-refused');
    await expect(code({ security: 'starttls' })).resolves.toBe('certificate-not-trusted');
    await expect(code({ security: 'tls' })).resolves.toBe('not-an-imap-server');
    await expect(code({ port: dovecot.imapsPort })).resolves.toBe('tls-required');
    await expect(code({ port: dovecot.lmtpPort })).resolves.toBe('not-an-imap-server');
  });

  test('says that TLS is required', async () => {
    const strict = await startDovecot({ profile: 'tls-required' });
    try {
      const answer = await probeMailbox(accessTo(strict), probe);
      expect(answer).toMatchObject({ ok: false, code: 'tls-required' });
    } finally {
      await strict.stop();
    }
  });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { pauseServer } from '../../src/db/watch/host-pauses';
import { newUuid } from '../../src/db/new-id';
import { publicId } from '../../src/domain/ids';
import { sharedDovecot } from '../support/dovecot';
import { importScript } from '../support/import-script';
import { mail } from '../support/mail-factory';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';

const script = join(__dirname, '..', '..', 'scripts', 'verify.mjs');
const home = mkdtempSync(join(tmpdir(), 'letterbook-verify-'));
const json = join(home, 'verified.json');
let bench: SyncBench;
let mailbox: TestMailbox;

beforeAll(async () => {
  bench = await createSyncBench(sharedDovecot().imapPort);
  mailbox = await bench.connect();
  await mailbox.person.append('INBOX', mail({ subject: 'Confidential offer' }));
  await mailbox.syncAll();
});

afterAll(async () => {
  await bench.close();
  rmSync(home, { recursive: true, force: true });
});

const matching = (pattern: RegExp): unknown => expect.stringMatching(pattern);

interface Ended {
  code: unknown;
  out: string;
}

async function verify(words: string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const child = spawn(process.execPath, [script, ...words], {
    env: {
      PATH: process.env['PATH'],
      LETTERBOOK_HOME: home,
      DATABASE_URL: bench.database.appUrl,
      LETTERBOOK_SECRET_KEYS: `test:${Buffer.alloc(32, 7).toString('base64')}`,
      ...env,
    },
  });
  const out: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => out.push(chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out: Buffer.concat(out).toString() };
}

test('a server that is left alone is not asked, and that is said', async () => {
  const { db } = bench.database;
  await pauseServer(db, { host: '127.0.0.1', port: sharedDovecot().imapPort, by: 'everybody', leftMs: 600_000 });
  const left = await verify(['--json', json, publicId('mailbox', mailbox.mailboxId)]);
  await db.asWatcher((sql) => sql.execute('DELETE FROM host_pause'));
  expect(left).toMatchObject({ code: 2 });
  expect(left.out).toMatch(/NOT CHECKED[^]*asks to be left alone/);
});

test('an installation that holds ends with 0, one that does not with 1, and both are written for machines', async () => {
  const id = publicId('mailbox', mailbox.mailboxId);
  const well = await verify(['--json', json, id]);
  expect(well).toMatchObject({ code: 0 });
  expect(well.out).toContain(`${id}  OK`);
  expect(JSON.parse(readFileSync(json, 'utf8'))).toMatchObject({
    ok: true,
    checkedAt: matching(/^\d{4}-.*Z$/),
    mailboxes: [{ mailboxId: id, ok: true, unchecked: null, violations: [] }],
    tenants: [{ tenantId: publicId('tenant', mailbox.tenantId), violations: [] }],
  });
  await bench.database.db.inTenant(mailbox.tenantId, (sql) => sql.execute('UPDATE placement SET flags = 4'));
  const broken = await verify(['--json', json]);
  expect(broken).toMatchObject({ code: 1 });
  const [first] = (
    JSON.parse(readFileSync(json, 'utf8')) as { mailboxes: { folders: object[]; violations: object[] }[] }
  ).mailboxes;
  expect(first).toMatchObject({
    ok: false,
    violations: [
      {
        invariant: 'flags-behind',
        folderId: matching(/^fld_/),
        uid: 1,
        messageId: matching(/^msg_/),
        says: matching(/flags/),
      },
    ],
  });
  expect(first?.folders).toContainEqual({
    folderId: matching(/^fld_/),
    verdict: 'complete',
    reason: null,
    server: { messages: 1 },
    ledger: { recorded: 1 },
  });
  const told = broken.out + readFileSync(json, 'utf8');
  for (const content of ['Confidential', 'INBOX', mailbox.user]) expect(told).not.toContain(content);
});

test.each([
  ['a word that is no option', ['--everything'], {}, '--everything'],
  ['an id of something else', ['rec_1'], {}, 'no id of a mailbox'],
  ['a number that is none', ['--sample', 'many'], {}, 'no number'],
  ['a mailbox that is not there', [publicId('mailbox', newUuid())], {}, 'no such mailbox'],
  [
    'a database that does not answer',
    [],
    { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' },
    'Nothing was checked',
  ],
  ['nothing that runs', [], { DATABASE_URL: '' }, 'npm start'],
])('%s ends with 2, and says so', async (_what, words, env, says) => {
  const ended = await verify(words, env);
  expect(ended).toMatchObject({ code: 2 });
  expect(ended.out).toContain(says);
});

test('that nothing could be checked is written for machines as well', async () => {
  await verify(['--json', json], { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' });
  expect(JSON.parse(readFileSync(json, 'utf8'))).toMatchObject({ ok: false, mailboxes: [], tenants: [] });
});

test('the Postgres that runs on a data directory is found, and one that has ended is not', async () => {
  const { runningAppUrl } = await importScript<{ runningAppUrl: (home: string) => string | null }>(
    'scripts/lib/running-postgres.mjs',
  );
  const data = join(home, 'postgres-18');
  mkdirSync(data);
  expect(runningAppUrl(home)).toBeNull();
  writeFileSync(join(home, 'postgres-passwords.json'), JSON.stringify({ owner: 'o', app: 'a' }));
  writeFileSync(join(data, 'postmaster.pid'), `${String(process.pid)}\n${data}\n1\n54321\n\n`);
  expect(runningAppUrl(home)).toBe('postgres://letterbook_login:a@127.0.0.1:54321/letterbook');
  writeFileSync(join(data, 'postmaster.pid'), `999999999\n${data}\n1\n54321\n\n`);
  expect(runningAppUrl(home)).toBeNull();
});

import { setTimeout as sleep } from 'node:timers/promises';

import { sharedDovecot } from '../support/dovecot';
import { listServer } from '../support/imap-oracle';
import { openMailClient } from '../support/mail-client';
import { mail } from '../support/mail-factory';
import { Product, until } from '../support/product';

let product: Product;
const { imapPort } = sharedDovecot();

beforeAll(async () => {
  product = await Product.start();
}, 120_000);

afterAll(async () => {
  await product.stop();
}, 30_000);

interface LedgerItem {
  folder: string;
  uidValidity: string;
  uid: number;
  sha256: string | null;
  outcome: string;
  presence: string;
  messageId: string | null;
}

let number = 0;

/** An account with this many messages, connected with its whole history. */
async function connect(messages: number): Promise<{ id: string; user: string }> {
  number += 1;
  const user = `interrupted${String(number)}.${String(Date.now())}@corp.example`;
  const person = await openMailClient(imapPort, user);
  const text = 'A line of ordinary length, many times over.\r\n'.repeat(60);
  for (let i = 0; i < messages; i += 1) await person.append('INBOX', mail({ subject: `${user} ${String(i)}`, text }));
  await person.close();
  const answer = await product.call<{ id: string }>('POST', '/v1/mailboxes', {
    address: user,
    imap: { host: '127.0.0.1', port: imapPort, security: 'none' },
    auth: { type: 'password', username: user, password: 'pass' },
    policy: { start: { from: 'everything' }, refreshSeconds: 60 },
  });
  expect(answer.status).toBe(201);
  return { id: answer.body.id, user };
}

async function ledger(id: string): Promise<LedgerItem[]> {
  const items: LedgerItem[] = [];
  for (let cursor = ''; ;) {
    const page = await product.call<{ items: LedgerItem[]; nextCursor: string | null }>(
      'GET',
      `/v1/mailboxes/${id}/ledger?limit=200${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
    );
    items.push(...page.body.items);
    if (page.body.nextCursor === null) return items;
    cursor = page.body.nextCursor;
  }
}

const rows = async (id: string) => (await ledger(id).catch(() => [])).length;

/** Nothing missing, nothing twice: the ledger is what an independent client sees. */
async function expectProof({ id, user }: { id: string; user: string }): Promise<void> {
  const server = await listServer({ port: imapPort, user, folders: ['INBOX'] });
  const items = await ledger(id);
  const line = (row: { uidValidity: string; uid: number; sha256: string | null }) =>
    `${row.uidValidity} ${String(row.uid)} ${row.sha256 ?? ''}`;
  expect(items.map(line).sort()).toEqual(server.map(line).sort());
  const copies = await product.db.acrossTenants((sql) =>
    sql.query<{ uids: number; twice: number }>(
      'SELECT count(*) AS uids, count(*) - count(DISTINCT (gen_id, uid)) AS twice FROM placement',
    ),
  );
  expect(copies[0]?.twice).toBe(0);
}

test.each([
  [
    'the worker is killed',
    async () => {
      await product.kill('worker');
      product.spawnChild('worker');
    },
  ],
  [
    'Postgres is killed',
    async () => {
      await product.kill('postgres');
      await product.startPostgres();
    },
  ],
  [
    'the Temporal server is killed',
    async () => {
      await product.kill('temporal');
      await product.startTemporal();
    },
  ],
  [
    'the database of Temporal is thrown away',
    async () => {
      await product.kill('temporal');
      product.forgetTemporal();
      await product.startTemporal();
      await product.kill('worker');
      product.spawnChild('worker');
    },
  ],
])(
  'an import is complete and nothing is doubled although %s in the middle of it',
  async (_what, strike) => {
    const mailbox = await connect(1_500);
    await until(async () => (await rows(mailbox.id)) > 100);
    await strike();
    await until(async () => (await rows(mailbox.id)) === 1_500, 150_000);
    await expectProof(mailbox);
  },
  240_000,
);

test('a mailbox that is connected while Temporal is down is synced when it is back', async () => {
  await product.kill('temporal');
  const mailbox = await connect(20);
  await sleep(500);
  expect(await rows(mailbox.id)).toBe(0);
  await product.startTemporal();
  await until(async () => (await rows(mailbox.id)) === 20, 150_000);
  await expectProof(mailbox);
}, 240_000);

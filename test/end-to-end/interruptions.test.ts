import { setTimeout as sleep } from 'node:timers/promises';

import { appendMany } from '../support/append-many';
import { sharedDovecot } from '../support/dovecot';
import { mail } from '../support/mail-factory';
import { Product } from '../support/product';
import { connectMailbox, expectProof, type ProductMailbox } from '../support/product-mailbox';

let product: Product;
const port = sharedDovecot().imapPort;

beforeAll(async () => {
  product = await Product.start();
}, 120_000);

afterAll(async () => {
  await product.stop();
});

let number = 0;

/** An account with this many messages, connected with its whole history. */
async function connect(messages: number): Promise<ProductMailbox> {
  number += 1;
  const user = `interrupted${String(number)}@corp.example`;
  const text = 'A line of ordinary length, many times over.\r\n'.repeat(60);
  const raws = Array.from({ length: messages }, (_, i) => mail({ subject: `${user} ${String(i)}`, text }));
  await appendMany({ port, user }, raws);
  return connectMailbox(product, { port, user });
}

const strikes: [string, () => Promise<void>][] = [
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
];

test.each(strikes)(
  'an import is complete and nothing is doubled although %s in the middle of it',
  async (_what, strike) => {
    const mailbox = await connect(1_500);
    while ((await mailbox.ledger()).length < 100) await sleep(100);
    await strike();
    await mailbox.untilRows(1_500, 150_000);
    await expectProof(mailbox);
  },
  240_000,
);

test('a mailbox that is connected while Temporal is down is synced when it is back', async () => {
  await product.kill('temporal');
  const mailbox = await connect(20);
  await sleep(500);
  expect(await mailbox.ledger()).toEqual([]);
  await product.startTemporal();
  await mailbox.untilRows(20, 150_000);
  await expectProof(mailbox);
}, 240_000);

import { setTimeout as sleep } from 'node:timers/promises';

import { appendMany } from '../support/append-many';
import { sharedDovecot } from '../support/dovecot';
import { mail } from '../support/mail-factory';
import { Product } from '../support/product';
import { connectMailbox, expectProof, type ProductMailbox } from '../support/product-mailbox';
import { workerKilled, postgresKilled, temporalKilled, temporalForgotten, type Strike } from '../support/strikes';

let product: Product;
const port = sharedDovecot().imapPort;
const messages = 1_500;

beforeAll(async () => {
  product = await Product.start();
}, 120_000);

afterAll(async () => {
  await product.stop();
});

let number = 0;

/** An account with so many messages, connected with its whole history. */
async function connect(count: number): Promise<ProductMailbox> {
  number += 1;
  const user = `interrupted${String(number)}@corp.example`;
  const text = 'A line of ordinary length, many times over.\r\n'.repeat(60);
  const raws = Array.from({ length: count }, (_, i) => mail({ subject: `${user} ${String(i)}`, text }));
  await appendMany({ port, user }, raws);
  return connectMailbox(product, { port, user });
}

/** Each hits the import of a mailbox of its own, while those that were hit before it go on. */
const strikes = [workerKilled, postgresKilled, temporalKilled];

async function struckInTheMiddle([, strike]: Strike): Promise<ProductMailbox> {
  const mailbox = await connect(messages);
  let rows = 0;
  while (rows < 100) {
    await sleep(50);
    rows = (await mailbox.ledger()).length;
  }
  await strike(product);
  return mailbox;
}

async function expectWhole(mailbox: ProductMailbox): Promise<void> {
  await mailbox.untilRows(messages, 150_000);
  await expectProof(mailbox);
}

const struck = new Map<string, ProductMailbox>();

test('things are killed in the middle of imports', async () => {
  for (const strike of strikes) struck.set(strike[0], await struckInTheMiddle(strike));
  expect(struck.size).toBe(strikes.length);
}, 240_000);

test.each(strikes)(
  'an import is complete and nothing is doubled although %s in the middle of it',
  async (what) => {
    await expectWhole(struck.get(what)!);
  },
  240_000,
);

test(`an import is complete and nothing is doubled although ${temporalForgotten[0]} in the middle of it`, async () => {
  await expectWhole(await struckInTheMiddle(temporalForgotten));
}, 240_000);

test('a mailbox that is connected while Temporal is down is synced when it is back', async () => {
  await product.kill('temporal');
  const mailbox = await connect(20);
  await sleep(500);
  expect(await mailbox.ledger()).toEqual([]);
  await product.startTemporal();
  await mailbox.untilRows(20, 150_000);
  await expectProof(mailbox);
}, 240_000);

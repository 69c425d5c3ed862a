import { setTimeout as sleep } from 'node:timers/promises';

import { appendMany } from '../support/append-many';
import { sharedDovecot } from '../support/dovecot';
import { mail } from '../support/mail-factory';
import { Product, until } from '../support/product';
import { connectMailbox, expectProof, type ProductMailbox } from '../support/product-mailbox';
import { workerKilled, postgresKilled, temporalForgotten, type Strike } from '../support/strikes';

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

async function connect(): Promise<ProductMailbox> {
  number += 1;
  const user = `deleted${String(number)}@corp.example`;
  const text = 'A line of ordinary length, many times over.\r\n'.repeat(40);
  const raws = Array.from({ length: messages }, (_, i) => mail({ subject: `${user} ${String(i)}`, text }));
  await appendMany({ port, user }, raws);
  return connectMailbox(product, { port, user });
}

const deletionOf = async (id: string) =>
  (await product.call('GET', `/v1/deletions/${id}`).catch(() => null))?.body ?? {};

/** Each hits the deletion of a mailbox of its own, while those that were hit before it go on. */
const strikes = [workerKilled, postgresKilled];

interface Doomed {
  mailbox: ProductMailbox;
  deletionId: string;
}

async function struckInTheMiddle(mailbox: ProductMailbox, [, strike]: Strike): Promise<Doomed> {
  const asked = await product.call('DELETE', `/v1/mailboxes/${mailbox.id}?confirm=${mailbox.user}`);
  expect(asked.status).toBe(202);
  const deletionId = String(asked.body['deletionId']);
  while (['waiting', 'stopping'].includes(String((await deletionOf(deletionId))['state']))) await sleep(20);
  await strike(product);
  return { mailbox, deletionId };
}

/** Gone for good, and back when it is connected again. */
async function expectGone({ mailbox, deletionId }: Doomed): Promise<void> {
  await until(async () => (await deletionOf(deletionId))['state'] === 'done', 180_000);
  expect(await deletionOf(deletionId)).toMatchObject({
    report: { tables: { placement: messages, message: messages } },
  });
  expect((await product.call('GET', `/v1/mailboxes/${mailbox.id}`)).status).toBe(404);
  const again = await connectMailbox(product, { port, user: mailbox.user });
  await again.untilRows(messages, 150_000);
  await expectProof(again);
}

const struck = new Map<string, Doomed>();
let last: ProductMailbox;

test('things are killed in the middle of deletions', async () => {
  const doomed = [await connect(), await connect()];
  last = await connect();
  for (const [index, strike] of strikes.entries()) {
    await doomed[index]!.untilRows(messages, 150_000);
    struck.set(strike[0], await struckInTheMiddle(doomed[index]!, strike));
  }
  expect(struck.size).toBe(strikes.length);
}, 480_000);

test.concurrent.each(strikes)(
  'a mailbox is gone for good, and its address can be connected again, although %s in the middle of its deletion',
  async (what) => {
    await expectGone(struck.get(what)!);
  },
  480_000,
);

test(`a mailbox is gone for good, and its address can be connected again, although ${temporalForgotten[0]} in the middle of its deletion`, async () => {
  await last.untilRows(messages, 150_000);
  await expectGone(await struckInTheMiddle(last, temporalForgotten));
}, 480_000);

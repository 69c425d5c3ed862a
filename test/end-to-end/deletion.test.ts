import { setTimeout as sleep } from 'node:timers/promises';

import { appendMany } from '../support/append-many';
import { sharedDovecot } from '../support/dovecot';
import { mail } from '../support/mail-factory';
import { Product, until } from '../support/product';
import { connectMailbox, expectProof, type ProductMailbox } from '../support/product-mailbox';

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
  'a mailbox is gone for good, and its address can be connected again, although %s in the middle of its deletion',
  async (_what, strike) => {
    const doomed = await connect();
    await doomed.untilRows(messages, 150_000);
    const asked = await product.call('DELETE', `/v1/mailboxes/${doomed.id}?confirm=${doomed.user}`);
    expect(asked.status).toBe(202);
    const deletionId = String(asked.body['deletionId']);
    while (['waiting', 'stopping'].includes(String((await deletionOf(deletionId))['state']))) await sleep(20);
    await strike();
    await until(async () => (await deletionOf(deletionId))['state'] === 'done', 180_000);
    expect(await deletionOf(deletionId)).toMatchObject({
      report: { tables: { placement: messages, message: messages } },
    });
    expect((await product.call('GET', `/v1/mailboxes/${doomed.id}`)).status).toBe(404);
    const again = await connectMailbox(product, { port, user: doomed.user });
    await again.untilRows(messages, 150_000);
    await expectProof(again);
  },
  480_000,
);

import { setTimeout as sleep } from 'node:timers/promises';

import { sharedDovecot } from '../support/dovecot';
import { importScript } from '../support/import-script';
import { mail } from '../support/mail-factory';
import { Product } from '../support/product';
import { connectMailbox, expectProof, type ProductMailbox } from '../support/product-mailbox';

interface Lmtp {
  deliver(delivery: { from: string; to: string; raw: Buffer }): Promise<number>;
  close(): void;
}

interface LmtpScript {
  LmtpClient: { open(server: { host: string; port: number }): Promise<Lmtp> };
}

const { imapPort: port, lmtpPort, host } = sharedDovecot();
const workers = ['worker-1', 'worker-2', 'worker-3'] as const;
const mailboxes = 40;
const killingMs = 120_000;
const betweenKillsMs = 3_000;
const betweenDeliveriesMs = 100;
/** Far beyond the test: what is not told by a watch, or seen when one is taken over, stays missing. */
const refreshSeconds = 86_400;

let product: Product;
let lmtp: Lmtp;

beforeAll(async () => {
  product = await Product.start('sync,bulk');
  for (const name of workers) product.spawnChild(name, 'idle');
  const { LmtpClient } = await importScript<LmtpScript>('scripts/demo/lmtp.mjs');
  lmtp = await LmtpClient.open({ host, port: lmtpPort });
}, 240_000);

afterAll(async () => {
  lmtp.close();
  await product.stop();
});

async function connectAll(): Promise<ProductMailbox[]> {
  const connected: ProductMailbox[] = [];
  for (let number = 0; number < mailboxes; number++) {
    const user = `fleet${String(number)}@corp.example`;
    connected.push(await connectMailbox(product, { port, user, policy: { refreshSeconds } }));
  }
  return connected;
}

/** Mail for one mailbox after the other, in an order that meets all of them again and again, until it is told to end. */
async function deliverUntil(users: string[], end: AbortSignal): Promise<Map<string, number>> {
  const delivered = new Map(users.map((user) => [user, 0]));
  for (let number = 0; !end.aborted; number++) {
    const to = users[(number * 7) % users.length]!;
    await lmtp.deliver({ from: 'ada@customer.example', to, raw: mail({ subject: `Arrival ${String(number)}` }) });
    delivered.set(to, delivered.get(to)! + 1);
    await sleep(betweenDeliveriesMs);
  }
  return delivered;
}

test('mail for 40 mailboxes over three workers is there once, although one of them is killed again and again', async () => {
  const fleet = await connectAll();
  const end = new AbortController();
  const deliveries = deliverUntil(
    fleet.map(({ user }) => user),
    end.signal,
  );
  const killedUntil = performance.now() + killingMs;
  for (let number = 0; performance.now() < killedUntil; number++) {
    await sleep(betweenKillsMs);
    const victim = workers[number % workers.length]!;
    await product.kill(victim);
    product.spawnChild(victim, 'idle');
  }
  end.abort();
  const delivered = await deliveries;
  for (const mailbox of fleet) await mailbox.untilRows(delivered.get(mailbox.user)!, 180_000);
  for (const mailbox of fleet) await expectProof(mailbox);
  expect(Math.min(...delivered.values())).toBeGreaterThan(1);
}, 600_000);

import { readFileSync } from 'node:fs';

import { Client, Connection } from '@temporalio/client';

import { workflowIds } from '../../src/workflows/contract';
import { uuidOf } from '../../src/domain/ids';
import { appendMany } from '../support/append-many';
import { sharedDovecot } from '../support/dovecot';
import { mail } from '../support/mail-factory';
import { Product, until } from '../support/product';
import { connectMailbox, expectProof, type ProductMailbox } from '../support/product-mailbox';

let product: Product;
const port = sharedDovecot().imapPort;

beforeAll(async () => {
  product = await Product.start();
}, 120_000);

afterAll(async () => {
  await product.stop();
});

async function connectWith(user: string, raws: Buffer[], policy: object = {}): Promise<ProductMailbox> {
  await appendMany({ port, user }, raws);
  return connectMailbox(product, { port, user, policy });
}

test.concurrent(
  'a mailbox of 10,000 is imported whole, at less than 400 events',
  async () => {
    const raws = Array.from({ length: 10_000 }, (_, i) => mail({ subject: `number ${String(i)}`, text: 'Short.' }));
    const mailbox = await connectWith('large@corp.example', raws);
    await mailbox.untilRows(10_000, 200_000);
    await expectProof(mailbox);
    expect(await eventsOf(mailbox)).toBeLessThanOrEqual(400);
  },
  280_000,
);

/** Of the mailbox's workflow and of its import, when that has ended. */
async function eventsOf(mailbox: ProductMailbox): Promise<number> {
  const connection = await Connection.connect({ address: product.temporalAddress });
  const client = new Client({ connection, namespace: 'letterbook' });
  const id = uuidOf('mailbox', mailbox.id) ?? '';
  const imported = client.workflow.getHandle(workflowIds.importHistory(id));
  await imported.result();
  const handles = [imported, client.workflow.getHandle(workflowIds.mailboxSync(id))];
  const histories = await Promise.all(handles.map((handle) => handle.fetchHistory()));
  await connection.close();
  return histories.reduce((sum, history) => sum + (history.events?.length ?? 0), 0);
}

test('a message of 60 MB is streamed into the ledger and comes back byte for byte', async () => {
  const attachments = [{ filename: 'film.bin', content: Buffer.alloc(44_000_000, 'A film, of sorts. ') }];
  const raw = mail({ subject: 'large', attachments });
  expect(raw.length).toBeGreaterThan(60_000_000);
  const mailbox = await connectWith('film@corp.example', [raw], { maxMessageBytes: 100_000_000 });
  await mailbox.untilRows(1, 60_000);
  await expectProof(mailbox);
  const [row] = await mailbox.ledger();
  const response = await fetch(`${product.apiUrl}/v1/messages/${String(row?.messageId)}/raw`, {
    headers: { authorization: `Bearer ${product.apiKey}` },
  });
  expect(Buffer.from(await response.arrayBuffer()).equals(raw)).toBe(true);
  expect(peakMegabytes(product.pidOf('worker'))).toBeLessThan(650);
}, 120_000);

test.concurrent('a message of 2,000 parts is parked with its bytes, and the ones around it are recorded', async () => {
  const part = '--b\r\nContent-Type: text/plain\r\n\r\na part\r\n';
  const headers = { 'MIME-Version': '1.0', 'Content-Type': 'multipart/mixed; boundary="b"' };
  const many = mail({ subject: 'parts', headers, body: `${part.repeat(2_000)}--b--\r\n` });
  const mailbox = await connectWith('parts@corp.example', [mail({ subject: 'one' }), many, mail({ subject: 'three' })]);
  await mailbox.untilRows(3);
  await expectProof(mailbox);
  expect((await mailbox.ledger()).map((row) => [row.outcome, row.reason])).toEqual([
    ['recorded', null],
    ['parked', 'too-many-parts'],
    ['recorded', null],
  ]);
  const { body } = await product.call('GET', `/v1/failures?mailboxId=${mailbox.id}`);
  expect(body['items']).toMatchObject([{ kind: 'unreadable', code: 'too-many-parts' }]);
});

test.concurrent('mail arrives by sync at once, and by the refresh time by itself', async () => {
  const mailbox = await connectWith('news@corp.example', [], { refreshSeconds: 5 });
  await until(async () => (await product.call('GET', `/v1/mailboxes/${mailbox.id}`)).body['state'] === 'live');
  await appendMany({ port, user: mailbox.user }, [mail({ subject: 'at once' })]);
  const synced = await product.call('POST', `/v1/mailboxes/${mailbox.id}/sync`);
  expect(synced.status).toBe(200);
  expect(await mailbox.ledger()).toHaveLength(1);
  await appendMany({ port, user: mailbox.user }, [mail({ subject: 'by itself' })]);
  await mailbox.untilRows(2, 20_000);
});

function peakMegabytes(pid: number): number {
  const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1_024;
}

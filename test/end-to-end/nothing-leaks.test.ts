import { Client, Connection } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';

import { sharedDovecot } from '../support/dovecot';
import { openMailClient } from '../support/mail-client';
import { mail } from '../support/mail-factory';
import { Product, until } from '../support/product';
import { connectMailbox } from '../support/product-mailbox';

let product: Product;
const port = sharedDovecot().imapPort;

beforeAll(async () => {
  product = await Product.start();
}, 120_000);

afterAll(async () => {
  await product.stop();
});

// Each is looked for in all that others may read: logs, metrics, errors, histories.
const marked = {
  password: 'marked-password-7c1f',
  account: 'marked.account@corp.example',
  sender: 'marked.sender@customer.example',
  subject: 'Marked-Subject-88ab',
  body: 'marked-body-words-31dd',
  folder: 'Marked-Folder-5e5e',
  attachment: 'marked-file-90aa.pdf',
};

/** The words themselves, and as base64, which payloads are written in. */
const looksLike = Object.values(marked).flatMap((word) => [word, ...base64FormsOf(word)]);

function base64FormsOf(word: string): string[] {
  return [0, 1, 2].map((shift) => {
    const bytes = Buffer.concat([Buffer.alloc(shift), Buffer.from(word)]);
    return bytes.toString('base64').slice(shift === 0 ? 0 : 4, -4);
  });
}

function expectNoneOf(text: string): void {
  expect(looksLike.filter((word) => text.includes(word))).toEqual([]);
}

test('no password, address, subject, body, folder or file name comes into logs, metrics, errors or histories', async () => {
  const person = await openMailClient(port, marked.account);
  await person.createFolder(marked.folder);
  const message = { from: marked.sender, to: marked.account, subject: marked.subject, text: marked.body };
  await person.append('INBOX', mail({ ...message, attachments: [{ filename: marked.attachment, content: 'file' }] }));
  await person.append(
    marked.folder,
    Buffer.from(`From: ${marked.sender}\r\nSubject: ${marked.subject}\0\r\n\r\n${marked.body}\r\n`),
  );
  await person.append(marked.folder, tooManyParts());
  await person.close();

  const refused = await product.call('POST', '/v1/mailboxes', {
    address: marked.account,
    imap: { host: '127.0.0.1', port, security: 'none' },
    auth: { type: 'password', username: marked.account, password: marked.password },
  });
  expect(refused.status).toBe(422);
  expect(JSON.stringify(refused.body)).not.toContain(marked.password);

  const mailbox = await connectMailbox(product, { port, user: marked.account });
  await mailbox.untilRows(3);
  await product.call('POST', '/v1/records', {
    type: 'contact',
    name: 'Somebody',
    addresses: [{ address: marked.sender, kind: 'business' }],
  });
  await product.call('POST', `/v1/mailboxes/${mailbox.id}/completeness`);
  await product.call('GET', `/v1/messages?query=${marked.body}`);
  await product.call('GET', `/v1/find?messageIdHeader=${encodeURIComponent(`<${marked.sender}>`)}`);
  await product.call('PATCH', `/v1/mailboxes/${mailbox.id}`, { auth: { type: 'password', password: marked.password } });
  await breakTheAccess();
  await product.call('POST', `/v1/mailboxes/${mailbox.id}/sync`);
  await until(async () => (await product.call('GET', `/v1/mailboxes/${mailbox.id}`)).body['state'] !== 'live');

  expectNoneOf(product.logs);
  expectNoneOf(await (await fetch(`${product.apiUrl}/metrics`)).text());
  expectNoneOf(await allHistories());
}, 120_000);

/** The server is no longer where it was. */
async function breakTheAccess(): Promise<void> {
  const [row] = await product.db.acrossTenants((sql) =>
    sql.query<{ id: string }>('SELECT tenant_id AS id FROM tenant'),
  );
  await product.db.inTenant(row?.id ?? '', (sql) =>
    sql.execute(`UPDATE mailbox SET imap = jsonb_set(imap, '{port}', '1')`),
  );
}

async function allHistories(): Promise<string> {
  const connection = await Connection.connect({ address: product.temporalAddress });
  const client = new Client({ connection, namespace: 'letterbook' });
  let text = '';
  for await (const { workflowId, runId, memo, typedSearchAttributes } of client.workflow.list()) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    text += historyToJSON(history) + JSON.stringify([workflowId, memo, typedSearchAttributes.getAll()]);
  }
  await connection.close();
  expect(text).toContain('runRound');
  return text;
}

function tooManyParts(): Buffer {
  const part = `--b\r\nContent-Type: text/plain; name="${marked.attachment}"\r\n\r\n${marked.body}\r\n`;
  const headers = { 'MIME-Version': '1.0', 'Content-Type': 'multipart/mixed; boundary="b"' };
  return mail({ from: marked.sender, subject: marked.subject, headers, body: `${part.repeat(1_200)}--b--\r\n` });
}

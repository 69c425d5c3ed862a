import { createHash } from 'node:crypto';

import { fillSearch } from '../../src/db/search-fill';
import { publicId } from '../../src/domain/ids';
import type { PartDescriptor } from '../../src/domain/message';
import { issueKey, testApi, type IssuedKey, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { aMailbox, aMessage, aRecord, type MessageOptions, type TestMailbox } from '../support/mail-rows';

let database: TestDatabase;
let server: TestApi;
let key: IssuedKey;
let tenantId: string;
let mailbox: TestMailbox;

beforeAll(async () => {
  database = await createTestDatabase();
  server = testApi(database.db);
});
afterAll(async () => {
  await server.api.close();
  await database.drop();
});
beforeEach(async () => {
  tenantId = await database.newTenant();
  key = await issueKey(database.db, tenantId);
  mailbox = await aMailbox(database.db, tenantId);
});

function get(url: string, headers: Record<string, string> = key.headers) {
  return server.api.inject({ method: 'GET', url, headers });
}

interface Item {
  id: string;
  subject: string | null;
  threadId: string;
  thread: { messages: number };
}

interface Page {
  items: Item[];
  nextCursor: string | null;
  total: { value: number; relation: string } | null;
}

async function page(url: string, headers?: Record<string, string>): Promise<Page> {
  const answer = await get(url, headers);
  expect(answer.statusCode).toBe(200);
  return answer.json<Page>();
}

const subjects = async (url: string) => (await page(url)).items.map((item) => item.subject);

const day = (n: number) => new Date(Date.UTC(2026, 0, n));

/** A message with its bytes kept. */
async function storedMessage(raw: Buffer, options: MessageOptions) {
  const sha256 = createHash('sha256').update(raw).digest();
  const [blob] = await server.context.blobs.putBatch(mailbox, [{ sha256, bytes: raw }]);
  if (blob === undefined) throw new Error('no blob');
  return aMessage(database.db, mailbox, { ...options, bytes: { blobId: blob.blobId, raw } });
}

function partOf(raw: Buffer, body: string, part: Partial<PartDescriptor>): PartDescriptor {
  return {
    n: 1,
    section: '1',
    contentType: 'application/octet-stream',
    charset: null,
    encoding: 'identity',
    disposition: 'attachment',
    filename: null,
    contentId: null,
    offset: raw.indexOf(body),
    length: Buffer.byteLength(body),
    role: 'attachment',
    kept: true,
    ...part,
  };
}

describe('lists', () => {
  test('a timeline shows the mail of its record, newest first, in pages', async () => {
    const recordId = await aRecord(database.db, tenantId, { name: 'Ada', addresses: ['ada@customer.example'] });
    for (const n of [2, 5, 1, 4, 3])
      await aMessage(database.db, mailbox, { subject: `day ${String(n)}`, sentAt: day(n) });
    await aMessage(database.db, mailbox, { subject: 'of others', from: 'x@elsewhere.example' });
    const url = `/v1/records/${publicId('record', recordId)}/timeline?limit=2`;

    const first = await page(url);
    expect(first.items.map((item) => item.subject)).toEqual(['day 5', 'day 4']);
    expect(first.items[0]).toMatchObject({
      messageId: first.items[0]?.id,
      sortAt: day(5).toISOString(),
      sentAt: day(5).toISOString(),
      direction: 'incoming',
      level: 'full',
      preview: 'A text',
      hasAttachments: false,
      unread: true,
      marks: [],
      participants: {
        from: [{ name: 'Ada Lovelace', address: 'ada@customer.example', recordIds: [publicId('record', recordId)] }],
        to: [{ name: '', address: 'sales@company.example', recordIds: [] }],
        omitted: 0,
      },
      links: [{ recordId: publicId('record', recordId), type: 'contact', name: 'Ada' }],
    });
    const second = await page(`${url}&cursor=${String(first.nextCursor)}`);
    const third = await page(`${url}&cursor=${String(second.nextCursor)}`);
    expect([...second.items, ...third.items].map((item) => item.subject)).toEqual(['day 3', 'day 2', 'day 1']);
    expect(third.nextCursor).toBeNull();
  });

  test('new mail does not disturb the pages that follow', async () => {
    for (const n of [1, 2, 3]) await aMessage(database.db, mailbox, { subject: `day ${String(n)}`, sentAt: day(n) });
    const first = await page('/v1/messages?limit=1');
    await aMessage(database.db, mailbox, { subject: 'newer', sentAt: day(9) });
    const rest = await page(`/v1/messages?cursor=${String(first.nextCursor)}`);
    expect(rest.items.map((item) => item.subject)).toEqual(['day 2', 'day 1']);
  });

  test('are held to mailbox, address, time, direction, record and unassigned mail', async () => {
    const recordId = publicId('record', await aRecord(database.db, tenantId, { addresses: ['ada@customer.example'] }));
    const other = await aMailbox(database.db, tenantId);
    await aMessage(database.db, mailbox, { subject: 'linked', sentAt: day(1) });
    await aMessage(database.db, other, {
      subject: 'sent',
      from: 'me@company.example',
      to: ['bob@else.example'],
      sentAt: day(3),
      direction: 'outgoing',
    });

    expect(await subjects('/v1/messages')).toEqual(['sent', 'linked']);
    expect(await subjects(`/v1/messages?mailboxId=${publicId('mailbox', mailbox.sourceId)}`)).toEqual(['linked']);
    expect(await subjects('/v1/messages?address=BOB@else.example')).toEqual(['sent']);
    expect(await subjects('/v1/messages?since=2026-01-02T00:00:00Z')).toEqual(['sent']);
    expect(await subjects('/v1/messages?until=2026-01-02T01:00:00%2B01:00')).toEqual(['linked']);
    expect(await subjects('/v1/messages?direction=outgoing')).toEqual(['sent']);
    expect(await subjects(`/v1/messages?recordId=${recordId}`)).toEqual(['linked']);
    expect(await subjects('/v1/messages?unassigned=true')).toEqual(['sent']);
    expect(await subjects(`/v1/messages?recordId=rec_${'0'.repeat(32)}`)).toEqual([]);
  });

  test('fold threads on request, under the filter', async () => {
    const recordId = publicId('record', await aRecord(database.db, tenantId, { addresses: ['ada@customer.example'] }));
    const thread = { messageId: '<1@x>', subject: 'question' };
    const question = await aMessage(database.db, mailbox, { ...thread, sentAt: day(1) });
    await aMessage(database.db, mailbox, {
      messageId: '<2@x>',
      references: ['<1@x>'],
      subject: 'answer',
      sentAt: day(2),
      direction: 'outgoing',
    });
    await aMessage(database.db, mailbox, { subject: 'alone', sentAt: day(3) });
    const url = `/v1/records/${recordId}/timeline`;

    expect(await subjects(url)).toEqual(['alone', 'answer', 'question']);
    const folded = await page(`${url}?fold=threads`);
    expect(folded.items.map((item) => [item.subject, item.thread.messages])).toEqual([
      ['alone', 1],
      ['answer', 2],
    ]);
    expect(await subjects(`${url}?fold=threads&direction=incoming`)).toEqual(['alone', 'question']);
    expect(await subjects(`${url}?fold=threads&until=2026-01-02T00:00:00Z`)).toEqual(['question']);
    expect(await subjects(`/v1/threads/${publicId('thread', question.threadId)}`)).toEqual(['answer', 'question']);
  });

  test('search by words, best first, in pages, with a total', async () => {
    await aMessage(database.db, mailbox, { subject: 'kiosk in the text', text: 'no', sentAt: day(1) });
    await aMessage(database.db, mailbox, { subject: 'one', text: 'the kiosk', sentAt: day(2) });
    await aMessage(database.db, mailbox, { subject: 'two', text: 'the kiosk', sentAt: day(3) });
    await aMessage(database.db, mailbox, { subject: 'none', text: 'nothing', sentAt: day(4) });
    await fillSearch(database.db, tenantId, 10);

    const first = await page('/v1/messages?query=kio&limit=2');
    expect(first.items.map((item) => item.subject)).toEqual(['kiosk in the text', 'two']);
    expect(first.total).toEqual({ value: 3, relation: 'eq' });
    const second = await page(`/v1/messages?query=kio&limit=2&cursor=${String(first.nextCursor)}`);
    expect(second.items.map((item) => item.subject)).toEqual(['one']);
    expect(second.nextCursor).toBeNull();
    expect(await subjects('/v1/messages?query=')).toEqual([]);
  });

  test('a mailing to many is listed with the first recipients, and read with all', async () => {
    const to = Array.from({ length: 40 }, (_, n) => `r${String(n)}@customer.example`);
    const { id } = await aMessage(database.db, mailbox, { to });
    const [item] = (await page('/v1/messages')).items;
    expect(item).toMatchObject({ participants: { omitted: 15 } });
    const detail = await get(`/v1/messages/${publicId('message', id)}`);
    expect(detail.json<{ participants: { to: unknown[] } }>().participants.to).toHaveLength(40);
  });

  test('another tenant sees nothing', async () => {
    const recordId = await aRecord(database.db, tenantId, { addresses: ['ada@customer.example'] });
    const { id, threadId } = await aMessage(database.db, mailbox, { messageId: '<a@x>' });
    await fillSearch(database.db, tenantId, 10);
    const other = (await issueKey(database.db, await database.newTenant())).headers;
    const message = `/v1/messages/${publicId('message', id)}`;
    for (const url of [message, `${message}/raw`, `${message}/attachments/1`, `${message}/trail`]) {
      expect((await get(url, other)).statusCode).toBe(404);
      expect((await get(url, {})).statusCode).toBe(401);
    }
    expect((await get(`/v1/records/${publicId('record', recordId)}/timeline`, other)).statusCode).toBe(404);
    expect((await get(`/v1/threads/${publicId('thread', threadId)}`, other)).statusCode).toBe(404);
    expect((await page('/v1/messages', other)).items).toEqual([]);
    expect((await page('/v1/messages?query=text', other)).items).toEqual([]);
    expect((await get('/v1/find?messageIdHeader=a@x', other)).json()).toMatchObject({ found: false });
    for (const url of ['/v1/messages', '/v1/find?messageIdHeader=a@x'])
      expect((await get(url, {})).statusCode).toBe(401);
  });

  test.each([
    ['/v1/messages?limit=0', 'limit'],
    ['/v1/messages?limit=201', 'limit'],
    ['/v1/messages?cursor=nonsense', 'cursor'],
    ['/v1/messages?since=yesterday', 'since'],
    ['/v1/messages?direction=up', 'direction'],
    ['/v1/messages?mailboxId=rec_1', 'mailboxId'],
    ['/v1/messages?address=nobody', 'address'],
    ['/v1/messages?unassigned=perhaps', 'unassigned'],
    [`/v1/messages?unassigned=true&recordId=rec_${'0'.repeat(32)}`, 'unassigned'],
    ['/v1/messages?colour=red', 'colour'],
    ['/v1/messages?query=%00', 'query'],
    [`/v1/messages?query=${'x'.repeat(501)}`, 'query'],
    ['/v1/find', 'messageIdHeader'],
    ['/v1/find?messageIdHeader=%3C%3E', 'messageIdHeader'],
  ])('%s is refused with the field', async (url, field) => {
    const answer = await get(url);
    expect(answer.statusCode).toBe(400);
    expect(answer.json<{ errors: { field: string }[] }>().errors.map((error) => error.field)).toEqual([field]);
  });

  test('a cursor of other filters is refused', async () => {
    for (const n of [1, 2]) await aMessage(database.db, mailbox, { sentAt: day(n) });
    const { nextCursor } = await page('/v1/messages?limit=1');
    expect((await get(`/v1/messages?direction=incoming&cursor=${String(nextCursor)}`)).statusCode).toBe(400);
  });
});

describe('one message', () => {
  test('has its text, copies, placements and links with reasons', async () => {
    const recordId = await aRecord(database.db, tenantId, { name: 'Ada', addresses: ['ada@customer.example'] });
    const options = { messageId: '<a@x>', text: 'Hello', bcc: ['b@company.example'], flags: 1 };
    const message = await aMessage(database.db, mailbox, options);
    const answer = await get(`/v1/messages/${publicId('message', message.id)}`);
    expect(answer.json()).toMatchObject({
      id: publicId('message', message.id),
      messageIdHeader: '<a@x>',
      text: 'Hello',
      textTruncated: false,
      level: 'full',
      attachments: [],
      html: null,
      copies: [
        {
          id: publicId('copy', message.copyId),
          sourceId: publicId('mailbox', mailbox.sourceId),
          rawState: 'none',
          visibility: 'private',
          bcc: [{ name: '', address: 'b@company.example' }],
          placements: [
            {
              folder: 'INBOX',
              uidValidity: '1700000000',
              uid: message.uid,
              outcome: 'recorded',
              presence: 'live',
              flags: ['seen'],
            },
          ],
        },
      ],
      links: [
        {
          recordId: publicId('record', recordId),
          state: 'active',
          reasons: [
            {
              kind: 'address',
              key: 'from:ada@customer.example',
              words: 'ada@customer.example, an address of the record in its version 1, stands in From.',
            },
          ],
        },
      ],
    });
    const trail = await get(`/v1/messages/${publicId('message', message.id)}/trail`);
    const events = trail.json<{ items: { event: string; at: string }[] }>().items;
    expect(events.map((item) => item.event).sort()).toEqual([
      'fetched',
      'matched',
      'parsed',
      'received',
      'recorded',
      'seen',
      'sent',
    ]);
    expect(events.map((item) => item.at)).toEqual(events.map((item) => item.at).sort());
  });

  test('the same mail in two mailboxes is one message with two copies', async () => {
    const options = { messageId: '<a@x>' };
    const one = await aMessage(database.db, mailbox, options);
    const other = await aMessage(database.db, await aMailbox(database.db, tenantId), options);
    expect(other.id).toBe(one.id);
    const detail = await get(`/v1/messages/${publicId('message', one.id)}`);
    expect(detail.json<{ copies: { id: string }[] }>().copies.map((copy) => copy.id)).toEqual([
      publicId('copy', one.copyId),
      publicId('copy', other.copyId),
    ]);
    expect((await page('/v1/messages')).items).toHaveLength(1);
  });

  test('is 404 where there is none', async () => {
    for (const id of [`msg_${'0'.repeat(32)}`, 'msg_x', publicId('copy', mailbox.sourceId)]) {
      expect((await get(`/v1/messages/${id}`)).statusCode).toBe(404);
    }
  });

  test('shows its HTML on request, sanitised, from the bytes', async () => {
    const html = '<p onclick="x()">Hi</p><script>alert(1)</script><img src="https://tracker.example/x.png">';
    const raw = Buffer.from(`Content-Type: text/html\r\n\r\n${html}`);
    const parts = [partOf(raw, html, { role: 'html', contentType: 'text/html', charset: 'utf-8', disposition: null })];
    const { id } = await storedMessage(raw, { parts });
    const url = `/v1/messages/${publicId('message', id)}`;
    expect((await get(url)).json()).toMatchObject({ html: null });
    const shown = (await get(`${url}?html=true`)).json<{ html: { html: string; blockedRemote: number } }>();
    expect(shown.html.html).toContain('Hi');
    expect(shown.html.html).not.toMatch(/script|onclick|tracker/);
    expect(shown.html.blockedRemote).toBe(1);
    expect((await get(`${url}?html=true&remoteContent=allow`)).body).toContain('tracker.example');
  });

  test('answers others at once while HTML is sanitised that was made to take long, and shows its text in place of what takes too long', async () => {
    const html = '<p style="color: red"><a href="https://a.example/?a=1&amp;b">x</a>'.repeat(33_000);
    const raw = Buffer.from(`Content-Type: text/html\r\n\r\n${html}`);
    const parts = [partOf(raw, html, { role: 'html', contentType: 'text/html', charset: 'utf-8', disposition: null })];
    const { id } = await storedMessage(raw, { parts });
    const url = `/v1/messages/${publicId('message', id)}`;
    const hasty = testApi(database.db, { htmlTimeoutMs: 40 });
    const ended: string[] = [];
    const asked = hasty.api.inject({ method: 'GET', url: `${url}?html=true`, headers: key.headers });
    const shown = asked.then((answer) => {
      ended.push('html');
      return answer.json<{ text: string; html: { html: string; truncated: boolean } }>();
    });
    const other = await hasty.api.inject({ method: 'GET', url, headers: key.headers });
    ended.push('other');
    expect(other.statusCode).toBe(200);
    expect((await shown).html).toEqual({
      html: expect.stringMatching(/^<pre>/) as string,
      truncated: true,
      blockedRemote: 0,
    });
    expect(ended).toEqual(['other', 'html']);
    await hasty.api.close();
  });
});

describe('bytes', () => {
  const raw = Buffer.from(
    'Received: x\r\nBcc: secret@x.example\r\nFrom: a@b.example\r\n\r\nbody \xff\0 bytes\r\n',
    'latin1',
  );

  test('raw is the message byte for byte, as a download that no browser runs', async () => {
    const message = await storedMessage(raw, {});
    const url = `/v1/messages/${publicId('message', message.id)}/raw`;
    for (const query of ['', `?copy=${publicId('copy', message.copyId)}`]) {
      const answer = await get(url + query);
      expect(answer.rawPayload.equals(raw)).toBe(true);
      expect(answer.headers).toMatchObject({
        'content-type': 'message/rfc822',
        'content-length': String(raw.length),
        'x-content-type-options': 'nosniff',
        'letterbook-raw': 'full',
      });
      expect(answer.headers['content-disposition']).toMatch(/^attachment;/);
      expect(answer.headers['content-security-policy']).toContain('sandbox');
    }
  });

  test('a copy of another message, and bytes that were not kept, are 404', async () => {
    const kept = await storedMessage(raw, { subject: 'kept' });
    const bare = await aMessage(database.db, mailbox, { subject: 'bare' });
    const url = (id: string) => `/v1/messages/${publicId('message', id)}/raw`;
    expect((await get(`${url(kept.id)}?copy=${publicId('copy', bare.copyId)}`)).statusCode).toBe(404);
    const none = await get(url(bare.id));
    expect(none.statusCode).toBe(404);
    expect(none.json()).toMatchObject({ type: '/problems/bytes-not-kept' });
    expect((await get(`${url(kept.id)}?copy=cpy_x`)).statusCode).toBe(400);
  });

  const attachmentCases: [string, string, Partial<PartDescriptor>, Buffer, string][] = [
    [
      'base64',
      'SGVsbG8s\r\nIHdvcmxk\r\n',
      { encoding: 'base64', contentType: 'application/pdf' },
      Buffer.from('Hello, world'),
      'application/pdf',
    ],
    [
      'quoted-printable',
      'caf=E9=\r\n!\r\n',
      { encoding: 'quoted-printable', contentType: 'text/plain' },
      Buffer.from('caf\xe9!\r\n', 'latin1'),
      'text/plain',
    ],
    [
      'identity',
      '<script>1</script>',
      { contentType: 'text/html' },
      Buffer.from('<script>1</script>'),
      'application/octet-stream',
    ],
    [
      'a picture that can run',
      '<svg/>',
      { contentType: 'image/svg+xml' },
      Buffer.from('<svg/>'),
      'application/octet-stream',
    ],
  ];
  test.each(attachmentCases)('an attachment is decoded: %s', async (_name, body, part, expected, type) => {
    const bytes = Buffer.from(`X: y\r\n\r\npreamble\r\n${body}--end`);
    const filename = 'Angebot "März"/\u202e\r\n.pdf';
    const { id } = await storedMessage(bytes, { parts: [partOf(bytes, body, { ...part, n: 3, filename })] });
    const answer = await get(`/v1/messages/${publicId('message', id)}/attachments/3`);
    expect(answer.statusCode).toBe(200);
    expect(answer.rawPayload.equals(expected)).toBe(true);
    expect(answer.headers['content-type']).toBe(type);
    expect(answer.headers['content-disposition']).toBe(
      `attachment; filename="Angebot _M_rz__.pdf"; filename*=UTF-8''Angebot%20%22M%C3%A4rz%22_.pdf`,
    );
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    expect(answer.headers['content-security-policy']).toContain('sandbox');
  });

  test('attachments are listed; only attachments that were kept can be had', async () => {
    const body = 'x';
    const bytes = Buffer.from(`A: b\r\n\r\n${body}`);
    const parts = [
      partOf(bytes, body, { n: 0, role: 'text', contentType: 'text/plain', disposition: null }),
      partOf(bytes, body, { n: 1, filename: 'a.pdf' }),
      partOf(bytes, body, { n: 2, filename: 'dropped.pdf', kept: false }),
    ];
    const { id } = await storedMessage(bytes, { parts });
    const url = `/v1/messages/${publicId('message', id)}`;
    expect((await get(url)).json()).toMatchObject({
      hasAttachments: true,
      attachments: [
        { n: 1, filename: 'a.pdf', kept: true },
        { n: 2, filename: 'dropped.pdf', kept: false },
      ],
    });
    const statuses = await Promise.all(
      [0, 1, 2, 3].map(async (n) => (await get(`${url}/attachments/${String(n)}`)).statusCode),
    );
    expect(statuses).toEqual([404, 200, 404, 404]);
    expect((await get(`${url}/attachments/x`)).statusCode).toBe(404);
  });
});

test('a thread that became part of another is found under both ids', async () => {
  const one = await aMessage(database.db, mailbox, { messageId: '<1@x>', subject: 'one', sentAt: day(1) });
  const two = await aMessage(database.db, mailbox, { messageId: '<2@x>', subject: 'two', sentAt: day(2) });
  await aMessage(database.db, mailbox, {
    messageId: '<3@x>',
    references: ['<1@x>', '<2@x>'],
    subject: 'three',
    sentAt: day(3),
  });
  for (const id of [one.threadId, two.threadId]) {
    const thread = (await get(`/v1/threads/${publicId('thread', id)}?limit=2`)).json<Page & { id: string }>();
    expect(thread.id).toBe(publicId('thread', one.threadId));
    expect(thread.items.map((item) => item.subject)).toEqual(['three', 'two']);
    const rest = await page(`/v1/threads/${publicId('thread', id)}?cursor=${String(thread.nextCursor)}`);
    expect(rest.items.map((item) => item.subject)).toEqual(['one']);
  }
  expect((await get(`/v1/threads/thr_${'0'.repeat(32)}`)).statusCode).toBe(404);
});

import { messageOf, read } from './message-of';

const headers = ['Message-ID: <one@example.com>', 'Date: Fri, 21 Nov 1997 09:55:06 -0600', 'Subject: Offer'];

function keyOf(message: Parameters<typeof messageOf>[0]): string {
  return read(messageOf({ headers, body: 'Dear Bob,\nhere is the offer.', ...message })).messageKey;
}

const original = keyOf({});

test('a key is a SHA-256', () => {
  expect(original).toMatch(/^[0-9a-f]{64}$/);
});

test.each([
  [
    'traces of transport',
    { headers: ['Received: from a by b', 'Return-Path: <x@y.example>', 'X-Spam: no', ...headers] },
  ],
  ['the zone of its date', { headers: headers.map((header) => header.replace('09:55:06 -0600', '15:55:06 +0000')) }],
  ['the case of its sender', { headers: ['From: ANN <Ann@Example.COM>', ...headers] }],
  [
    'its recipients and subject line',
    { headers: ['Bcc: x@y.example', ...headers.slice(0, 2), 'Subject: [list] Offer'] },
  ],
  ['line ends and trailing space', { body: 'Dear Bob,   \nhere is the\noffer.\n\n\n' }],
  [
    'its encoding',
    { headers: [...headers, 'Content-Transfer-Encoding: base64'], body: 'RGVhciBCb2IsCmhlcmUgaXMgdGhlIG9mZmVyLg==' },
  ],
])('a copy that differs in %s is the same message', (_, copy) => {
  expect(keyOf(copy)).toBe(original);
});

test.each([
  ['Message-ID', { headers: ['Message-ID: <two@example.com>', ...headers.slice(1)] }],
  ['date', { headers: headers.map((header) => header.replace('09:55', '09:56')) }],
  ['sender', { headers: ['From: eve@example.com', ...headers] }],
  ['text', { body: 'Dear Bob,\nhere is another offer.' }],
  ['footer', { body: 'Dear Bob,\nhere is the offer.\n-- \nSent to a list' }],
])('a copy that differs in its %s is another message', (_, copy) => {
  expect(keyOf(copy)).not.toBe(original);
});

test('the charset of a copy makes no difference', () => {
  const utf8 = keyOf({ headers: [...headers, 'Content-Type: text/plain; charset=utf-8'], body: 'Grüße' });
  const latin = keyOf({
    headers: [...headers, 'Content-Type: text/plain; charset=iso-8859-1'],
    body: 'Grüße',
    encoding: 'latin1',
  });
  expect(latin).toBe(utf8);
});

test('an added HTML alternative makes no difference, the text being the same', () => {
  const alternative = [...headers, 'Content-Type: multipart/alternative; boundary=b'];
  const body = '--b\n\nDear Bob,\nhere is the offer.\n--b\nContent-Type: text/html\n\n<p>Dear Bob\n--b--';
  expect(keyOf({ headers: alternative, body })).toBe(original);
});

test('scans without text under one Message-ID and date are told apart by their content', () => {
  const scan = [...headers, 'Content-Type: application/pdf', 'Content-Transfer-Encoding: base64'];
  expect(keyOf({ headers: scan, body: 'cGFnZSAx' })).not.toBe(keyOf({ headers: scan, body: 'cGFnZSAy' }));
});

test('text beyond what is kept counts', () => {
  const long = (end: string) =>
    read(messageOf({ headers, body: `${'a'.repeat(1_000)}${end}` }), { maxTextCharacters: 10 }).messageKey;
  expect(long('x')).not.toBe(long('y'));
});

test('the limits do not change a key', () => {
  const raw = messageOf({ headers, body: 'a'.repeat(1_000) });
  expect(read(raw, { maxTextCharacters: 10 }).messageKey).toBe(read(raw).messageKey);
});

const unnamed = ['Date: Fri, 21 Nov 1997 09:55:06 -0600', 'Subject: Offer'];
const withoutId = keyOf({ headers: unnamed });

test.each([
  ['Received', ['Received: from a by b', ...unnamed]],
  ['Return-Path and Delivered-To', ['Return-Path: <x@y.example>', 'Delivered-To: bob@example.com', ...unnamed]],
  ['X- headers', [...unnamed, 'X-Spam-Score: 0']],
  ['signatures of transport', ['DKIM-Signature: v=1', 'ARC-Seal: i=1', 'Authentication-Results: x', ...unnamed]],
  ['folding', ['Date: Fri, 21 Nov 1997\n  09:55:06 -0600', 'Subject: Offer']],
])('without Message-ID, a copy that differs in %s is the same message', (_, others) => {
  expect(keyOf({ headers: others })).toBe(withoutId);
});

test.each([
  ['subject', { headers: [...unnamed.slice(0, 1), 'Subject: Other'] }],
  ['body', { headers: unnamed, body: 'Dear Eve' }],
  ['recipients', { headers: [...unnamed, 'To: bob@example.com'] }],
])('without Message-ID, a copy that differs in its %s is another message', (_, copy) => {
  expect(keyOf(copy)).not.toBe(withoutId);
});

test('a Message-ID header without an id in it counts as none', () => {
  expect(keyOf({ headers: ['Message-ID: <>', ...unnamed] })).toBe(withoutId);
});

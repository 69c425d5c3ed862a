import { marksOf, type MarkEvidence } from '../../src/domain/marks';

function marks({
  headers = {},
  parts = [],
  text = '',
}: {
  headers?: Record<string, string>;
  parts?: Partial<MarkEvidence['parts'][number]>[];
  text?: string;
}) {
  const all = parts.map((part) => ({ contentType: 'text/plain', parameters: {}, filename: null, ...part }));
  return marksOf({ header: (name) => headers[name] ?? null, parts: all, text });
}

test('a letter has no marks', () => {
  expect(marks({ headers: { from: 'Ann <ann@example.com>' }, parts: [{}], text: 'Dear Bob' })).toEqual([]);
});

test.each([
  [{ 'auto-submitted': 'auto-replied' }],
  [{ 'auto-submitted': 'Auto-Generated; owner=x' }],
  [{ precedence: 'auto_reply' }],
  [{ 'x-autoreply': 'yes' }],
  [{ 'x-autorespond': 'vacation' }],
])('%p makes an automatic reply', (headers) => {
  expect(marks({ headers })).toEqual(['auto-reply']);
});

test.each([
  [{ 'auto-submitted': 'no' }],
  [{ 'x-autoreply': 'no' }],
  [{ 'x-auto-response-suppress': 'All' }],
  [{ 'auto-submitted': 'no', 'x-autoreply': 'yes' }],
])('%p makes none', (headers) => {
  expect(marks({ headers })).toEqual([]);
});

test.each([
  [{ parts: [{ contentType: 'multipart/report', parameters: { 'report-type': 'delivery-status' } }] }],
  [{ parts: [{ contentType: 'message/delivery-status' }] }],
  [{ headers: { 'x-failed-recipients': 'bob@example.com' } }],
  [{ headers: { 'return-path': '<>', from: 'Mail Delivery System <MAILER-DAEMON@mx.example.com>' } }],
])('%p is a bounce', (evidence) => {
  expect(marks(evidence)).toEqual(['bounce']);
});

test('a bounce is no automatic reply as well', () => {
  expect(marks({ headers: { 'auto-submitted': 'auto-replied', 'x-failed-recipients': 'b@example.com' } })).toEqual([
    'bounce',
  ]);
});

test('an empty return path alone is no bounce', () => {
  expect(marks({ headers: { 'return-path': '<>', from: 'Ann <ann@example.com>' } })).toEqual([]);
});

test('a report of reading is no bounce', () => {
  const receipt = { contentType: 'multipart/report', parameters: { 'report-type': 'disposition-notification' } };
  expect(marks({ parts: [receipt] })).toEqual([]);
});

test.each([
  [{ 'list-id': '<news.example.com>' }, ['mailing-list']],
  [{ 'list-unsubscribe': '<mailto:x@example.com>' }, ['mailing-list']],
  [{ precedence: 'list' }, ['mailing-list']],
  [{ precedence: 'Bulk' }, ['bulk']],
  [{ precedence: 'bulk', 'list-id': '<a>' }, ['mailing-list', 'bulk']],
])('%p is marked %p', (headers, expected) => {
  expect(marks({ headers })).toEqual(expected);
});

test.each([
  [{ contentType: 'text/calendar', parameters: { method: 'REQUEST' } }, ['invitation']],
  [{ contentType: 'text/calendar' }, []],
  [{ contentType: 'multipart/signed' }, ['signed']],
  [{ contentType: 'application/pkcs7-mime', parameters: { 'smime-type': 'signed-data' } }, ['signed']],
  [{ contentType: 'application/pkcs7-mime', parameters: { 'smime-type': 'enveloped-data' } }, ['encrypted']],
  [{ contentType: 'application/pkcs7-mime' }, ['encrypted']],
  [{ contentType: 'application/pkcs7-mime', parameters: { 'smime-type': 'certs-only' } }, []],
  [{ contentType: 'multipart/encrypted' }, ['encrypted']],
  [{ contentType: 'application/ms-tnef' }, ['tnef']],
  [{ contentType: 'application/octet-stream', filename: 'Winmail.dat' }, ['tnef']],
  [{ contentType: 'message/rfc822' }, ['forwarded-as-attachment']],
])('a part %p is marked %p', (part, expected) => {
  expect(marks({ parts: [part] })).toEqual(expected);
});

test('PGP in the text is seen', () => {
  expect(marks({ text: '\n-----BEGIN PGP MESSAGE-----\n' })).toEqual(['encrypted']);
  expect(marks({ text: '-----BEGIN PGP SIGNED MESSAGE-----\n' })).toEqual(['signed']);
});

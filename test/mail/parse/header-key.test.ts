import { headerOnlySha, headerThatSays } from '../../../src/mail/parse/header-key';

const most = 1_000;
const header = (traces: string, subject = 'The plans') =>
  Buffer.from(`Received: ${traces}\r\nMessage-ID: <a@x>\r\nFrom: ada@x\r\nSubject: ${subject}\r\n\r\n`);

test('the fingerprint of a header tells those with other traces or sizes apart, and says what they have in common', () => {
  const [one, traced, longer, other] = [
    headerOnlySha(header('by one'), 5_000, most),
    headerOnlySha(header('by another'), 5_000, most),
    headerOnlySha(header('by one'), 5_001, most),
    headerOnlySha(header('by one', 'Other plans'), 5_000, most),
  ];
  expect(new Set([one, traced, longer, other].map((sha) => sha.toString('hex'))).size).toBe(4);
  const whole = Buffer.concat([header('on the way'), Buffer.from('The text')]);
  for (const sha of [one, traced, longer]) expect(headerThatSays(sha, whole, most)).toEqual(header('on the way'));
  expect(headerThatSays(other, whole, most)).toBeNull();
});

test('of a header that is too long nothing is told that was not compared', () => {
  const long = Buffer.from(`From: ada@x\r\nX-Long: ${'x'.repeat(most)}\r\nSubject: secret\r\n\r\n`);
  const sha = headerOnlySha(long, 5_000, most);
  expect(sha).toHaveLength(32);
  expect(headerThatSays(sha, long, most)?.toString()).not.toContain('secret');
});

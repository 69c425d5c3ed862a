import { ConfigError, readConfig } from '../../src/config/config';

const networks = (text: string) =>
  readConfig({
    DATABASE_URL: 'postgres://user@127.0.0.1/any',
    LETTERBOOK_SECRET_KEYS: `k1:${Buffer.alloc(32).toString('base64')}`,
    LETTERBOOK_ALLOWED_NETWORKS: text,
  }).allowedNetworks;

test('allowed networks are a list by commas; blanks around them do not count', () => {
  expect(networks('')).toEqual([]);
  expect(networks(' 127.0.0.0/8, ::1/128,')).toEqual(['127.0.0.0/8', '::1/128']);
});

test.each(['10.0.0.1', 'localhost', '10.0.0.0/33', '10.0.0.0/8;127.0.0.0/8', 'fd12::/129', '/8'])(
  'an allowed network that is none is refused by name: %s',
  (wrong) => {
    const read = () => networks(`127.0.0.0/8,${wrong}`);
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(`LETTERBOOK_ALLOWED_NETWORKS: "${wrong}"`);
  },
);

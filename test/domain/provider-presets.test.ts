import { presetFor, providerOfHost, providerPresets } from '../../src/domain/provider-presets';

test.each([
  ['a@gmail.com', 'gmail', 'imap.gmail.com'],
  ['A.B+c@GoogleMail.com', 'gmail', 'imap.gmail.com'],
  ['a@outlook.com', 'outlook', 'outlook.office365.com'],
  ['a@hotmail.co.uk', 'outlook', 'outlook.office365.com'],
  ['a@live.nl', 'outlook', 'outlook.office365.com'],
  ['a@yahoo.com', 'yahoo', 'imap.mail.yahoo.com'],
  ['a@yahoo.de', 'yahoo', 'imap.mail.yahoo.com'],
  ['a@yahoo.co.jp', 'yahoo-japan', 'imap.mail.yahoo.co.jp'],
  ['a@fastmail.fm', 'fastmail', 'imap.fastmail.com'],
  ['a@me.com', 'icloud', 'imap.mail.me.com'],
  ['a@gmx.de', 'gmx', 'imap.gmx.net'],
  ['a@gmx.net', 'gmx', 'imap.gmx.net'],
  ['a@gmx.com', 'gmx', 'imap.gmx.com'],
  ['a@web.de', 'web.de', 'imap.web.de'],
  ['a@online.de', 'ionos', 'imap.ionos.de'],
  ['a@strato.de', 'strato', 'imap.strato.de'],
  ['a@t-online.de', 't-online', 'secureimap.t-online.de'],
  ['a@aol.com', 'aol', 'imap.aol.com'],
  ['"odd@place"@web.de', 'web.de', 'imap.web.de'],
])('%s is at %s', (address, provider, host) => {
  expect(presetFor(address)).toEqual({ provider, imap: { host, port: 993, security: 'tls' } });
});

test.each([
  'a@example.org',
  'a@notgmail.com',
  'a@gmail.com.evil.example',
  'a@outlook.company',
  'a@live.tv',
  'nobody',
  '',
])('%s is at nobody known', (address) => {
  expect(presetFor(address)).toBeNull();
});

test('a host tells its provider', () => {
  expect(providerOfHost('IMAP.gmail.com.')).toBe('gmail');
  expect(providerOfHost('imap.example.org')).toBeNull();
});

test('no domain is claimed twice', () => {
  const domains = providerPresets.flatMap((preset) => preset.domains);
  expect(new Set(domains).size).toBe(domains.length);
});

import { presetAt, presetFor, presetOfMx, providerOfHost, providerPresets } from '../../src/domain/provider-presets';

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
  expect(presetFor(address)).toMatchObject({ provider, imap: { host, port: 993, security: 'tls' } });
});

test.each(['a@gmail.com ', '\ta@gmail.com', 'a@gmail.com.', ' A@GMAIL.COM. '])(
  'an address that was pasted as %j is at its provider',
  (address) => {
    expect(presetFor(address)?.provider).toBe('gmail');
    expect(presetAt('imap.gmail.com', address)?.provider).toBe('gmail');
  },
);

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

test.each([
  ['aspmx.l.google.com', 'google-workspace'],
  ['SMTP.Google.com.', 'google-workspace'],
  ['aspmx2.googlemail.com', 'google-workspace'],
  ['acme-de.mail.protection.outlook.com', 'microsoft-365'],
  ['acme-de.r-v1.mx.microsoft', 'microsoft-365'],
  ['mx00.ionos.de', 'ionos'],
  ['mx01.kundenserver.de', 'ionos'],
  ['mx00.ionos.co.uk', 'ionos'],
  ['smtpin.rzone.de', 'strato'],
  ['in1-smtp.messagingengine.com', 'fastmail'],
  ['mx01.mail.icloud.com', 'icloud'],
  ['mta5.am0.yahoodns.net', 'yahoo'],
  ['mx-aol.mail.gm0.yahoodns.net', 'aol'],
])('a domain with the MX %s is a customer of %s', (host, provider) => {
  expect(presetOfMx([host])?.provider).toBe(provider);
});

test('the first MX that is known decides', () => {
  expect(presetOfMx(['mx1.filter.example', 'mx00.ionos.de', 'aspmx.l.google.com'])?.provider).toBe('ionos');
});

test.each([[[]], [['mx.example.org']], [['notgoogle.com']], [['google.com.evil.example']], [['']]])(
  'nobody known takes mail at %j',
  (hosts) => {
    expect(presetOfMx(hosts)).toBeNull();
  },
);

test('no MX ending is claimed twice', () => {
  const suffixes = providerPresets.flatMap((preset) => preset.mxSuffixes);
  expect(new Set(suffixes).size).toBe(suffixes.length);
});

test.each(providerPresets.map((preset) => [preset.imap.host, preset] as const))(
  'the preset of %s can be acted on',
  (_host, preset) => {
    expect(preset.imap).toMatchObject({ port: 993, security: 'tls' });
    expect([preset.smtp.port, preset.smtp.security]).toEqual(
      preset.smtp.security === 'tls' ? [465, 'tls'] : [587, 'starttls'],
    );
    expect(preset.steps).toContain(preset.loginStep);
    expect(preset.sources.length).toBeGreaterThan(0);
    for (const { url } of preset.sources) expect(new URL(url).protocol).toBe('https:');
    const { limit, use } = preset.connections;
    expect(use).toBeLessThanOrEqual((limit ?? 15) / 5);
    // RFC 2177: at least every 29 minutes.
    expect(preset.idleRenewalMs).toBeLessThan(29 * 60_000);
  },
);

test('of the fifteen connections of Gmail three are used', () => {
  expect(presetFor('a@gmail.com')?.connections).toEqual({ limit: 15, use: 3 });
});

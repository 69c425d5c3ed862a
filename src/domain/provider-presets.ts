/** How a provider's IMAP server is reached. */
export interface ProviderPreset {
  /** Stable short name, as the API and the search attribute `Provider` show it. */
  provider: string;
  /** Mail domains of the provider; `*` stands for a country's ending (`de`, `co.uk`, `com.au`) or `com`. Empty: customers use their own domains. */
  domains: readonly string[];
  imap: { host: string; port: number; security: 'tls' };
}

const tls = (host: string): ProviderPreset['imap'] => ({ host, port: 993, security: 'tls' });

/**
 * Server names as the providers' own help pages on IMAP give them (Google "Add Gmail to another email client", Microsoft "POP, IMAP, and SMTP
 * settings for Outlook.com", Yahoo "IMAP server settings", Fastmail "Server names and ports", Apple "iCloud Mail server settings",
 * GMX, WEB.DE, IONOS, STRATO, Telekom "E-Mail-Server", AOL "What are the email settings").
 */
export const providerPresets: readonly ProviderPreset[] = [
  { provider: 'gmail', domains: ['gmail.com', 'googlemail.com'], imap: tls('imap.gmail.com') },
  { provider: 'google-workspace', domains: [], imap: tls('imap.gmail.com') },
  {
    provider: 'outlook',
    domains: [
      'outlook.*',
      'hotmail.*',
      'live.com',
      'live.de',
      'live.nl',
      'live.at',
      'live.be',
      'live.ca',
      'live.co.uk',
    ].concat([
      'live.com.au',
      'live.dk',
      'live.fr',
      'live.ie',
      'live.it',
      'live.no',
      'live.se',
      'msn.com',
      'windowslive.com',
    ]),
    imap: tls('outlook.office365.com'),
  },
  { provider: 'microsoft-365', domains: [], imap: tls('outlook.office365.com') },
  // Yahoo Japan is another company with other servers.
  { provider: 'yahoo-japan', domains: ['yahoo.co.jp', 'ymail.ne.jp'], imap: tls('imap.mail.yahoo.co.jp') },
  { provider: 'yahoo', domains: ['yahoo.*', 'ymail.com', 'rocketmail.com'], imap: tls('imap.mail.yahoo.com') },
  {
    provider: 'fastmail',
    domains: ['fastmail.*', 'fastmail.fm', 'sent.com', 'messagingengine.com'],
    imap: tls('imap.fastmail.com'),
  },
  { provider: 'icloud', domains: ['icloud.com', 'me.com', 'mac.com'], imap: tls('imap.mail.me.com') },
  {
    provider: 'gmx',
    domains: ['gmx.de', 'gmx.net', 'gmx.at', 'gmx.ch', 'gmx.eu', 'gmx.li', 'gmx.org', 'gmx.info', 'gmx.biz'],
    imap: tls('imap.gmx.net'),
  },
  { provider: 'gmx', domains: ['gmx.*', 'gmx.us'], imap: tls('imap.gmx.com') },
  { provider: 'web.de', domains: ['web.de', 'email.de'], imap: tls('imap.web.de') },
  { provider: 'ionos', domains: ['ionos.de', '1und1.de', 'online.de', 'onlinehome.de'], imap: tls('imap.ionos.de') },
  { provider: 'ionos', domains: ['ionos.com', '1and1.com', 'ionos.co.uk'], imap: tls('imap.ionos.com') },
  { provider: 'strato', domains: ['strato.de', 'strato.com'], imap: tls('imap.strato.de') },
  { provider: 't-online', domains: ['t-online.de', 'magenta.de'], imap: tls('secureimap.t-online.de') },
  { provider: 'aol', domains: ['aol.*', 'aim.com', 'love.com', 'games.com', 'wow.com'], imap: tls('imap.aol.com') },
];

/** `com`, a country, or `co.uk`, `com.au`. */
const countryEnding = /^(?:com|[a-z]{2}|com?\.[a-z]{2})$/;

/** The preset for a mail address by its domain; null where the domain is nobody's that is known, so host and port must be given. */
export function presetFor(address: string): Pick<ProviderPreset, 'provider' | 'imap'> | null {
  const domain = address.slice(address.lastIndexOf('@') + 1).toLowerCase();
  const preset = providerPresets.find(({ domains }) => domains.some((pattern) => isOfPattern(domain, pattern)));
  return preset === undefined ? null : { provider: preset.provider, imap: { ...preset.imap } };
}

/** The provider that runs an IMAP host; null where it is none of the known ones. */
export function providerOfHost(host: string): string | null {
  const name = host.toLowerCase().replace(/\.$/, '');
  return providerPresets.find(({ imap }) => imap.host === name)?.provider ?? null;
}

function isOfPattern(domain: string, pattern: string): boolean {
  if (!pattern.endsWith('.*')) return domain === pattern;
  const stem = pattern.slice(0, -1);
  return domain.startsWith(stem) && countryEnding.test(domain.slice(stem.length));
}

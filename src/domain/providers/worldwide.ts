import { implicitTls, startTls, usualIdleRenewalMs, type PresetSource, type ProviderPreset } from './preset';

const googleClients: PresetSource = {
  page: 'Google, "Add Gmail to another email client"',
  url: 'https://support.google.com/mail/answer/7126229',
  compared: null,
};
const googleBandwidth: PresetSource = {
  page: 'Google, "Gmail bandwidth limits": 2500 MB a day by IMAP',
  url: 'https://support.google.com/a/answer/1071518',
  compared: '2026-11',
};
const microsoftSettings: PresetSource = {
  page: 'Microsoft, "POP, IMAP, and SMTP settings for Outlook.com"',
  url: 'https://support.microsoft.com/en-us/office/pop-imap-and-smtp-settings-8361e398-8af4-4e97-b147-6c6c4ac95353',
  compared: '2026-11',
};
const microsoftBasicAuth: PresetSource = {
  page: 'Microsoft, "Deprecation of Basic authentication in Exchange Online"',
  url: 'https://learn.microsoft.com/en-us/exchange/clients-and-mobile-in-exchange-online/deprecation-of-basic-authentication-exchange-online',
  compared: null,
};

/** Gmail allows fifteen connections at once ("Add Gmail to another email client"); SMTP puts a copy into Sent. */
const google = {
  imap: implicitTls('imap.gmail.com', 993),
  smtp: implicitTls('smtp.gmail.com', 465),
  sentCopies: 'server',
  login: 'app-password',
  loginStep: 'google-app-password',
  connections: { limit: 15, use: 3 },
  idleRenewalMs: usualIdleRenewalMs,
  dailyDownloadBytes: 2_500_000_000,
  sources: [googleClients, googleBandwidth],
} as const;

/** Exchange Online: SMTP puts a copy into Sent Items; a silent session ends after 30 minutes. */
const microsoft = {
  imap: implicitTls('outlook.office365.com', 993),
  sentCopies: 'server',
  login: 'oauth2',
  loginStep: 'microsoft-oauth-only',
  connections: { limit: 20, use: 3 },
  idleRenewalMs: usualIdleRenewalMs,
  dailyDownloadBytes: null,
} as const;

/** Yahoo and AOL run one system, which shows at most 10,000 messages of a folder. */
const yahoo = {
  sentCopies: 'unknown',
  login: 'app-password',
  connections: { limit: null, use: 3 },
  idleRenewalMs: usualIdleRenewalMs,
  dailyDownloadBytes: null,
} as const;

/** Microsoft's consumer domains beside `outlook.*` and `hotmail.*`; `live.*` as a pattern would claim domains of others. */
const liveDomains = ['com', 'de', 'nl', 'at', 'be', 'ca', 'co.uk', 'com.au', 'dk', 'fr', 'ie', 'it', 'no', 'se'].map(
  (ending) => `live.${ending}`,
);

/** Providers whose customers are everywhere. */
export const worldwidePresets: readonly ProviderPreset[] = [
  {
    ...google,
    provider: 'gmail',
    name: 'Gmail',
    domains: ['gmail.com', 'googlemail.com'],
    mxSuffixes: [],
    steps: ['google-two-step', 'google-app-password', 'gmail-show-everything'],
  },
  {
    ...google,
    provider: 'google-workspace',
    name: 'Google Workspace',
    domains: [],
    mxSuffixes: ['google.com', 'googlemail.com'],
    steps: ['workspace-admin', 'google-two-step', 'google-app-password', 'gmail-show-everything'],
    sources: [
      {
        page: 'Google, "Turn POP & IMAP on or off for users"',
        url: 'https://support.google.com/a/answer/105694',
        compared: null,
      },
      googleClients,
      googleBandwidth,
    ],
  },
  {
    ...microsoft,
    provider: 'outlook',
    name: 'Outlook.com',
    domains: ['outlook.*', 'hotmail.*', ...liveDomains, 'msn.com', 'windowslive.com'],
    mxSuffixes: ['olc.protection.outlook.com'],
    smtp: startTls('smtp-mail.outlook.com'),
    steps: ['microsoft-oauth-only', 'outlook-imap-on'],
    sources: [microsoftSettings],
  },
  {
    ...microsoft,
    provider: 'microsoft-365',
    name: 'Microsoft 365',
    domains: [],
    mxSuffixes: ['mail.protection.outlook.com', 'mx.microsoft'],
    smtp: startTls('smtp.office365.com'),
    steps: ['microsoft-oauth-only', 'microsoft-365-admin'],
    sources: [microsoftBasicAuth, microsoftSettings],
  },
  // Yahoo Japan is another company with other servers.
  {
    ...yahoo,
    provider: 'yahoo-japan',
    name: 'Yahoo! JAPAN',
    domains: ['yahoo.co.jp', 'ymail.ne.jp'],
    mxSuffixes: [],
    imap: implicitTls('imap.mail.yahoo.co.jp', 993),
    smtp: implicitTls('smtp.mail.yahoo.co.jp', 465),
    login: 'password',
    loginStep: 'yahoo-japan-access',
    steps: ['yahoo-japan-access'],
    sources: [
      {
        page: 'Yahoo! JAPAN, "メールソフトで送受信するには"',
        url: 'https://support.yahoo-net.jp/PccMail/s/article/H000007321',
        compared: null,
      },
    ],
  },
  {
    ...yahoo,
    provider: 'yahoo',
    name: 'Yahoo',
    domains: ['yahoo.*', 'ymail.com', 'rocketmail.com'],
    mxSuffixes: ['yahoodns.net'],
    imap: implicitTls('imap.mail.yahoo.com', 993),
    smtp: implicitTls('smtp.mail.yahoo.com', 465),
    steps: ['yahoo-app-password', 'yahoo-shows-a-part'],
    loginStep: 'yahoo-app-password',
    sources: [
      {
        page: 'Yahoo, "IMAP server settings for Yahoo Mail"',
        url: 'https://help.yahoo.com/kb/SLN4075.html',
        compared: null,
      },
    ],
  },
  {
    ...yahoo,
    provider: 'aol',
    name: 'AOL',
    domains: ['aol.*', 'aim.com', 'love.com', 'games.com', 'wow.com'],
    mxSuffixes: ['mx-aol.mail.gm0.yahoodns.net'],
    imap: implicitTls('imap.aol.com', 993),
    smtp: implicitTls('smtp.aol.com', 465),
    steps: ['aol-app-password', 'yahoo-shows-a-part'],
    loginStep: 'aol-app-password',
    sources: [
      {
        page: 'AOL, "How do I use other email applications to send and receive my AOL Mail?"',
        url: 'https://help.aol.com/articles/how-do-i-use-other-email-applications-to-send-and-receive-my-aol-mail',
        compared: null,
      },
    ],
  },
  {
    provider: 'fastmail',
    name: 'Fastmail',
    domains: ['fastmail.*', 'fastmail.fm', 'sent.com', 'messagingengine.com'],
    mxSuffixes: ['messagingengine.com'],
    imap: implicitTls('imap.fastmail.com', 993),
    smtp: implicitTls('smtp.fastmail.com', 465),
    sentCopies: 'client',
    login: 'app-password',
    connections: { limit: null, use: 3 },
    idleRenewalMs: usualIdleRenewalMs,
    dailyDownloadBytes: null,
    steps: ['fastmail-app-password'],
    loginStep: 'fastmail-app-password',
    sources: [
      {
        page: 'Fastmail, "Server names and ports"',
        url: 'https://www.fastmail.com/help/technical/servernamesandports.html',
        compared: '2026-11',
      },
    ],
  },
  {
    provider: 'icloud',
    name: 'iCloud',
    domains: ['icloud.com', 'me.com', 'mac.com'],
    mxSuffixes: ['mail.icloud.com'],
    imap: implicitTls('imap.mail.me.com', 993),
    smtp: startTls('smtp.mail.me.com'),
    sentCopies: 'client',
    login: 'app-password',
    connections: { limit: null, use: 3 },
    idleRenewalMs: usualIdleRenewalMs,
    dailyDownloadBytes: null,
    steps: ['icloud-two-factor', 'icloud-app-password'],
    loginStep: 'icloud-app-password',
    sources: [
      {
        page: 'Apple, "iCloud Mail server settings for other email client apps"',
        url: 'https://support.apple.com/en-us/102525',
        compared: null,
      },
    ],
  },
];

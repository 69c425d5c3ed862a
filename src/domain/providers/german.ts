import { implicitTls, startTls, usualIdleRenewalMs, type ProviderPreset } from './preset';

/** None of them publishes how many connections an account may have. */
const usual = {
  login: 'password',
  connections: { limit: null, use: 3 },
  idleRenewalMs: usualIdleRenewalMs,
  dailyDownloadBytes: null,
} as const;

const gmx = {
  ...usual,
  provider: 'gmx',
  name: 'GMX',
  sentCopies: 'unknown',
  steps: ['gmx-imap-on', 'united-internet-app-password'],
  loginStep: 'gmx-imap-on',
  sources: [
    {
      page: 'GMX, "IMAP-Serverdaten"',
      url: 'https://hilfe.gmx.net/pop-imap/imap/imap-serverdaten.html',
      compared: null,
    },
  ],
} as const;

const ionos = {
  ...usual,
  provider: 'ionos',
  name: 'IONOS',
  sentCopies: 'client',
  steps: ['hosting-mailbox-password'],
  loginStep: 'hosting-mailbox-password',
} as const;

/** Providers whose customers are mostly in Germany, Austria and Switzerland. */
export const germanPresets: readonly ProviderPreset[] = [
  {
    ...gmx,
    domains: ['gmx.de', 'gmx.net', 'gmx.at', 'gmx.ch', 'gmx.eu', 'gmx.li', 'gmx.org', 'gmx.info', 'gmx.biz'],
    mxSuffixes: ['gmx.net'],
    imap: implicitTls('imap.gmx.net', 993),
    smtp: startTls('mail.gmx.net'),
  },
  {
    ...gmx,
    domains: ['gmx.*', 'gmx.us'],
    mxSuffixes: [],
    imap: implicitTls('imap.gmx.com', 993),
    smtp: startTls('mail.gmx.com'),
  },
  {
    ...usual,
    provider: 'web.de',
    name: 'WEB.DE',
    domains: ['web.de', 'email.de'],
    mxSuffixes: ['web.de'],
    imap: implicitTls('imap.web.de', 993),
    smtp: startTls('smtp.web.de'),
    sentCopies: 'unknown',
    steps: ['webde-imap-on', 'united-internet-app-password'],
    loginStep: 'webde-imap-on',
    sources: [
      {
        page: 'WEB.DE, "IMAP-Serverdaten"',
        url: 'https://hilfe.web.de/pop-imap/imap/imap-serverdaten.html',
        compared: null,
      },
    ],
  },
  {
    ...ionos,
    domains: ['ionos.de', '1und1.de', 'online.de', 'onlinehome.de'],
    mxSuffixes: ['ionos.de', 'kundenserver.de', '1und1.de'],
    imap: implicitTls('imap.ionos.de', 993),
    smtp: implicitTls('smtp.ionos.de', 465),
    sources: [
      {
        page: 'IONOS, "Serverinformationen für IMAP, POP3 und SMTP"',
        url: 'https://www.ionos.de/hilfe/e-mail/allgemeine-themen/serverinformationen-fuer-imap-pop3-und-smtp/',
        compared: null,
      },
    ],
  },
  {
    ...ionos,
    domains: ['ionos.com', '1and1.com', 'ionos.co.uk'],
    mxSuffixes: ['ionos.com', 'ionos.co.uk', '1and1.com', '1and1.co.uk'],
    imap: implicitTls('imap.ionos.com', 993),
    smtp: implicitTls('smtp.ionos.com', 465),
    sources: [
      {
        page: 'IONOS, "Server Information for IMAP, POP3, and SMTP"',
        url: 'https://www.ionos.com/help/email/general-topics/settings-for-your-email-programs-imap-pop3/',
        compared: null,
      },
    ],
  },
  {
    ...usual,
    provider: 'strato',
    name: 'STRATO',
    domains: ['strato.de', 'strato.com'],
    mxSuffixes: ['rzone.de'],
    imap: implicitTls('imap.strato.de', 993),
    smtp: implicitTls('smtp.strato.de', 465),
    sentCopies: 'client',
    steps: ['hosting-mailbox-password'],
    loginStep: 'hosting-mailbox-password',
    sources: [
      {
        page: 'STRATO, "E-Mail-Programm einrichten: Serverdaten"',
        url: 'https://www.strato.de/faq/mail/so-lauten-die-servernamen-der-e-mail-server/',
        compared: null,
      },
    ],
  },
  {
    ...usual,
    provider: 't-online',
    name: 'Telekom Mail',
    domains: ['t-online.de', 'magenta.de'],
    mxSuffixes: ['t-online.de'],
    imap: implicitTls('secureimap.t-online.de', 993),
    smtp: implicitTls('securesmtp.t-online.de', 465),
    sentCopies: 'unknown',
    login: 'app-password',
    steps: ['telekom-mail-password'],
    loginStep: 'telekom-mail-password',
    sources: [
      {
        page: 'Telekom, "E-Mail-Server: Posteingang und Postausgang"',
        url: 'https://www.telekom.de/hilfe/apps-dienste/e-mail/server',
        compared: null,
      },
    ],
  },
];

import { importScript } from '../support/import-script';

interface Settings {
  runDir: string;
  mailDir: string;
  logFile: string;
  libexecDir: string;
  certificate: { certFile: string; keyFile: string };
  account: { name: string; group: string; uid: number; gid: number };
  ports: { imap: number; imaps: number; lmtp: number };
  listen: string;
  profile: 'usual' | 'poor' | 'tls-required';
  durable: boolean;
  connectionsPerUser: number;
  idleCheckSeconds?: number;
  version: string;
}

let dovecotConfig: (settings: Settings) => string;

beforeAll(async () => {
  ({ dovecotConfig } = await importScript<{ dovecotConfig: (settings: Settings) => string }>(
    'scripts/lib/dovecot-config.mjs',
  ));
});

function configOf(settings: Partial<Settings>): string[] {
  return dovecotConfig({
    runDir: '/run',
    mailDir: '/mail',
    logFile: '/log',
    libexecDir: '/libexec',
    certificate: { certFile: '/crt', keyFile: '/key' },
    account: { name: 'nobody', group: 'nogroup', uid: 65_534, gid: 65_534 },
    ports: { imap: 1143, imaps: 1993, lmtp: 1024 },
    listen: '127.0.0.1',
    profile: 'usual',
    durable: false,
    connectionsPerUser: 0,
    version: '2.3.19.1',
    ...settings,
  }).split('\n');
}

test('from 2.4 on the first setting is the version it is written for', () => {
  const lines = configOf({ version: '2.4.1' });
  expect(lines[0]).toBe('dovecot_config_version = 2.4.1');
  expect(lines).toContain('mail_driver = sdbox');
  expect(lines).toContain('auth_allow_cleartext = yes');
});

test('2.3 gets the names that 2.4 refuses', () => {
  const lines = configOf({ version: '2.3.19.1' });
  expect(lines).toContain('mail_location = sdbox:/mail/%u');
  expect(lines.join('\n')).not.toMatch(/dovecot_config_version|restart_request_count/);
});

test.each(['2.3.19.1', '2.4.1'])('%s takes no password without TLS where it is required', (version) => {
  const refusing = version.startsWith('2.3') ? 'disable_plaintext_auth = yes' : 'auth_allow_cleartext = no';
  expect(configOf({ version, profile: 'tls-required' })).toEqual(expect.arrayContaining(['ssl = required', refusing]));
});

test.each(['2.3.19.1', '2.4.1'])('%s finds a new message within a second', (version) => {
  expect(configOf({ version })).toContain('mailbox_idle_check_interval = 1 secs');
  expect(configOf({ version, idleCheckSeconds: 30 })).toContain('mailbox_idle_check_interval = 30 secs');
});

test('mail of the demo is written for good, mail of tests is not', () => {
  expect(configOf({ durable: true })).toContain('mail_fsync = optimized');
  expect(configOf({ durable: false })).toContain('mail_fsync = never');
});

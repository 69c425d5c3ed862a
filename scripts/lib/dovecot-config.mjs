// @ts-check

/**
 * @typedef {object} DovecotSettings
 * @property {string} runDir sockets
 * @property {string} mailDir
 * @property {string} logFile
 * @property {string} libexecDir
 * @property {import('./certificates.mjs').Certificate} certificate
 * @property {import('./places.mjs').Account} account
 * @property {{ imap: number, imaps: number, lmtp: number }} ports
 * @property {string} listen
 * @property {DovecotProfile} profile
 * @property {boolean} durable
 * @property {number} [connectionsPerUser] any number by default
 * @property {number} [idleCheckSeconds] how often a session that idles looks at its folders, beside what inotify tells; 1 by default, Dovecot's own is 30
 * @property {string} version
 * @property {string} [passwordFile] who may log in, as lines `user:password`, read at each login; without it everybody with `pass`
 */

/**
 * `usual` offers all that Dovecot can; `without-notify` tells of one folder only, by IDLE, as most providers do; `poor` what an old
 * server has (no CONDSTORE, IDLE, MOVE, ESEARCH, SPECIAL-USE); `tls-required` refuses a password without TLS.
 * @typedef {'usual' | 'without-notify' | 'poor' | 'tls-required'} DovecotProfile
 */

/** What a server of the poor profile says that it can. */
const poorCapability = ['IMAP4rev1', 'LITERAL+', 'SASL-IR', 'ID', 'NAMESPACE', 'UIDPLUS'];
const capabilityWithoutNotify = [
  ...poorCapability,
  ...['ENABLE', 'IDLE', 'CONDSTORE', 'MOVE', 'UNSELECT', 'SPECIAL-USE', 'LIST-EXTENDED', 'LIST-STATUS'],
];
const specialFolders = ['Sent', 'Drafts', 'Trash', 'Junk', 'Archive'];

/**
 * The configuration of a server for a demo or a test: any user, password `pass`, everything under two folders.
 * @param {DovecotSettings} settings
 * @returns {string}
 */
export function dovecotConfig(settings) {
  const isOld = /^2\.[0-3]\./.test(settings.version);
  const parts = isOld
    ? [general(settings), upToVersion23(settings)]
    : [versionsOf(settings), general(settings), sinceVersion24(settings)];
  return [
    ...parts.flat(),
    ...services(settings, isOld ? ['service_count', '0'] : ['restart_request_count', 'unlimited']),
    '',
  ].join('\n');
}

/** @param {DovecotSettings} settings */
function general({ runDir, logFile, account, listen, libexecDir, profile, durable, ...numbers }) {
  const { connectionsPerUser = 0, idleCheckSeconds = 1 } = numbers;
  return [
    `base_dir = ${runDir}`,
    `state_dir = ${runDir}/state`,
    `log_path = ${logFile}`,
    `libexec_dir = ${libexecDir}`,
    `listen = ${listen}`,
    'ssl = yes',
    `default_internal_user = ${account.name}`,
    `default_internal_group = ${account.group}`,
    `default_login_user = ${account.name}`,
    'default_client_limit = 10000',
    'default_process_limit = 4000',
    'default_vsz_limit = 1024M',
    'first_valid_uid = 1',
    `mail_uid = ${account.uid}`,
    `mail_gid = ${account.gid}`,
    `mail_fsync = ${durable ? 'optimized' : 'never'}`,
    'mailbox_list_index = yes',
    `mailbox_idle_check_interval = ${idleCheckSeconds} secs`,
    `mail_max_userip_connections = ${connectionsPerUser}`,
    // `ps` shows whose session a process has, and what it is doing there.
    'verbose_proctitle = yes',
    // In 2.4 a list in this form takes the place of the defaults, one in braces is added to them.
    ...(profile === 'poor' ? [`imap_capability = ${poorCapability.join(' ')}`] : []),
    ...(profile === 'without-notify' ? [`imap_capability = ${capabilityWithoutNotify.join(' ')}`] : []),
  ];
}

/** @param {DovecotSettings} settings */
function upToVersion23({ certificate, mailDir, account, profile, passwordFile }) {
  return [
    'protocols = imap lmtp',
    'import_environment = TZ LD_LIBRARY_PATH',
    `ssl_cert = <${certificate.certFile}`,
    `ssl_key = <${certificate.keyFile}`,
    `disable_plaintext_auth = ${profile === 'tls-required' ? 'yes' : 'no'}`,
    ...(profile === 'tls-required' ? ['ssl = required', 'login_trusted_networks ='] : []),
    'auth_mechanisms = plain login',
    `mail_location = sdbox:${mailDir}/%u`,
    passwordFile === undefined
      ? 'passdb {\n  driver = static\n  args = password=pass\n}'
      : `passdb {\n  driver = passwd-file\n  args = scheme=PLAIN username_format=%u ${passwordFile}\n}`,
    `userdb {\n  driver = static\n  args = uid=${account.uid} gid=${account.gid} home=${mailDir}/%u allow_all_users=yes\n}`,
    `namespace inbox {\n  inbox = yes\n  separator = /\n${folders(profile)}\n}`,
  ];
}

/** Since 2.4 this comes before everything else. @param {DovecotSettings} settings */
function versionsOf({ version }) {
  return [`dovecot_config_version = ${version}`, `dovecot_storage_version = ${version}`];
}

/** Version 2.4 renamed much of it; https://doc.dovecot.org/main/installation/upgrade/2.3-to-2.4.html @param {DovecotSettings} settings */
function sinceVersion24({ certificate, mailDir, account, profile, passwordFile }) {
  return [
    'protocols {\n  imap = yes\n  lmtp = yes\n}',
    'import_environment {\n  TZ = %{env:TZ}\n  LD_LIBRARY_PATH = %{env:LD_LIBRARY_PATH}\n}',
    `ssl_server_cert_file = ${certificate.certFile}`,
    `ssl_server_key_file = ${certificate.keyFile}`,
    `auth_allow_cleartext = ${profile === 'tls-required' ? 'no' : 'yes'}`,
    ...(profile === 'tls-required' ? ['ssl = required'] : []),
    'auth_mechanisms {\n  plain = yes\n  login = yes\n}',
    'mail_driver = sdbox',
    `mail_home = ${mailDir}/%{user}`,
    'mail_path = ~/mail',
    passwordFile === undefined
      ? 'passdb static {\n  password = pass\n}'
      : `passdb passwd-file {\n  passwd_file_path = ${passwordFile}\n  default_password_scheme = PLAIN\n}`,
    `userdb static {\n  fields {\n    uid = ${account.uid}\n    gid = ${account.gid}\n    home = ${mailDir}/%{user}\n  }\n  static_allow_all_users = yes\n}`,
    `namespace inbox {\n  inbox = yes\n  separator = /\n${folders(profile)}\n}`,
  ];
}

/** @param {DovecotProfile} profile */
function folders(profile) {
  return specialFolders
    .map((name) => {
      const use = profile === 'poor' ? '' : `    special_use = \\${name}\n`;
      return `  mailbox ${name} {\n${use}    auto = subscribe\n  }`;
    })
    .join('\n');
}

/**
 * Each session has a process of its own, which serves the next one when it has ended: of a burst of logins the making of processes costs
 * most. Several sessions in a process would cost less, but two of one account would share the locks of its files.
 * @param {DovecotSettings} settings @param {[string, string]} reuse how a process that serves any number of clients is said */
function services({ ports }, [reuse, forever]) {
  return [
    'service imap-login {',
    `  inet_listener imap {\n    port = ${ports.imap}\n  }`,
    `  inet_listener imaps {\n    port = ${ports.imaps}\n    ssl = yes\n  }`,
    `  ${reuse} = ${forever}\n  client_limit = 10000\n  process_min_avail = 1\n  chroot =\n}`,
    `service imap {\n  process_limit = 4000\n  ${reuse} = 100\n}`,
    `service lmtp {\n  inet_listener lmtp {\n    port = ${ports.lmtp}\n  }\n}`,
    'service anvil {\n  chroot =\n  client_limit = 20000\n}',
    'service auth {\n  client_limit = 20000\n}',
    'service stats {\n  chroot =\n}',
  ];
}

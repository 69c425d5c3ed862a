import type { Discovery } from './discovery';
import type { ConnectCode } from './failure';
import type { PreviewWarningCode } from './preview-warnings';
import { presetOfHost } from './provider-presets';
import { stepTexts } from './providers/steps';

/** For a person: why the connection could not be made, and what to do about it. */
export const connectionSentences: Readonly<Record<ConnectCode, string>> = {
  'host-not-found':
    'There is no server of this name. Check the spelling of the host, or take it from the provider\'s help page on "IMAP settings".',
  'port-closed':
    'The server does not accept connections on this port. Check the port: 993 for TLS, 143 for STARTTLS; a firewall may also be in the way.',
  'timed-out':
    'The server did not answer in time. Check host and port, and whether a firewall lets this machine reach them; then try again.',
  'not-an-imap-server':
    'Something answers at this host and port, but it does not speak IMAP in this way. Check the port and the security: 993 with TLS, 143 with STARTTLS.',
  'tls-required':
    'The server does not take a password over this kind of connection. Choose TLS (port 993), or STARTTLS (port 143) where the provider has it.',
  'tls-name-mismatch':
    "The server's certificate belongs to another name. Use the host name that the provider gives, not an alias or an IP address of it.",
  'certificate-expired':
    "The server's certificate is not valid at this date. Whoever runs the mail server must renew it; check the clock of this machine too.",
  'certificate-not-trusted':
    "The server's certificate was not issued by a known authority. Give the certificate of your own authority as `ca`, or allow invalid certificates for this mailbox if you accept that anybody on the way could read along.",
  'login-refused':
    'The server refused user name or password. Check both; with two-step verification most providers want an app password made for this purpose.',
  'imap-disabled':
    'IMAP is switched off for this account, or passwords are not accepted for it. Switch IMAP on in the settings of the mail account, or ask its administrator.',
  'too-many-connections':
    'The server takes no more connections for this account at the moment. Close other mail programs that use it, wait some minutes, and try again.',
  'host-not-allowed':
    'This host is, or leads to, an address inside a private or reserved network, which may not be connected to. Whoever runs Letterbook can allow the network with LETTERBOOK_ALLOWED_NETWORKS.',
};

/** The same for a server that was tried: where a known provider refuses a login, what its customers most likely left out. */
export function connectionSentence(code: ConnectCode, host: string): string {
  const preset = code === 'login-refused' || code === 'imap-disabled' ? presetOfHost(host) : null;
  const sentence = connectionSentences[code];
  return preset === null ? sentence : `${sentence} ${preset.name}: ${stepTexts.en[preset.loginStep]}`;
}

/** For a person: how a server was found that nobody has confirmed yet. */
export const foundSentences: Readonly<Record<Discovery['source'], string>> = {
  mx: 'The mail of this domain goes to the servers of a known provider, so this is probably its IMAP server.',
  srv: 'The DNS of this domain names this IMAP server.',
  guess: 'An IMAP server answers under a name that is usual for this domain.',
};

/** For a person: what looks wrong with a mailbox before it is connected, and what to do about it. */
export const previewSentences: Readonly<Record<PreviewWarningCode, string>> = {
  'capped-listing':
    'The server counts more messages in a folder than it shows. What it does not show cannot be imported: at the provider, move older mail into folders of its own.',
  'message-limit':
    'This provider shows programs only a part of a large folder, so completeness cannot be proven. Keep folders small; Yahoo and AOL show at most 10,000 messages of one.',
  'no-sent-folder':
    'The server names no folder for sent mail. Answers that were sent may be missing from the history; see whether one of the folders is it, and whether it is in scope.',
  'sent-out-of-scope': 'The folder of sent mail is out of scope, so half of each conversation will be missing.',
  'inbox-out-of-scope': 'INBOX is out of scope, so new mail will not be seen until it is moved to a folder that is.',
  'nothing-in-scope': 'No folder is in scope, so nothing would be imported. Change `policy.folders`.',
  'all-mail-hidden':
    'Gmail hides "All Mail" from this connection, so archived mail without a label cannot be seen. In Gmail, Settings, Labels, tick "Show in IMAP" for All Mail.',
  'labels-overlap':
    'Gmail shows a message once under each of its labels. The counts of folders overlap, so fewer messages than their sum are there.',
  'quota-nearly-full':
    'The account is nearly full and will soon refuse mail. Make room in it, or ask the provider for more.',
  'too-many-folders':
    'The mailbox has more folders than are allowed. Select those that matter in the policy, or raise LETTERBOOK_MAX_FOLDERS.',
  'count-unknown': 'The server does not say how many messages are in a folder that is in scope.',
  'not-all-looked-into':
    'Not every folder in scope was looked into: the time was up, there are too many, or the server refused. Counts of what would be imported are estimates.',
};

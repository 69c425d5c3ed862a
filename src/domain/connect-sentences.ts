import type { ConnectCode } from './failure';

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

import { MailFailure } from '../../src/domain/failure';
import { failureOf } from '../../src/mail/classify';
import { retryAfterMsOf, textRules } from '../../src/mail/server-texts';

const errorWith = (fields: Record<string, unknown>, message = 'Command failed'): Error =>
  Object.assign(new Error(message), fields);

test.each([
  ['ENOTFOUND', 'unreachable', 'host-not-found'],
  ['EAI_AGAIN', 'unreachable', 'host-not-found'],
  ['ECONNREFUSED', 'unreachable', 'port-closed'],
  ['EHOSTUNREACH', 'unreachable', 'port-closed'],
  ['ETIMEDOUT', 'unreachable', 'timed-out'],
  ['ETIMEOUT', 'unreachable', 'timed-out'],
  ['CONNECT_TIMEOUT', 'unreachable', 'timed-out'],
  ['GREETING_TIMEOUT', 'unreachable', 'timed-out'],
  ['UPGRADE_TIMEOUT', 'unreachable', 'timed-out'],
  ['NOT_AN_IMAP_SERVER', 'unreachable', 'not-an-imap-server'],
  ['ClosedAfterConnectTLS', 'unreachable', 'not-an-imap-server'],
  ['EPROTO', 'unreachable', 'not-an-imap-server'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'unreachable', 'not-an-imap-server'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'refused', 'tls-name-mismatch'],
  ['CERT_HAS_EXPIRED', 'refused', 'certificate-expired'],
  ['CERT_NOT_YET_VALID', 'refused', 'certificate-expired'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'refused', 'certificate-not-trusted'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'refused', 'certificate-not-trusted'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'refused', 'certificate-not-trusted'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'refused', 'certificate-not-trusted'],
  ['CERT_REVOKED', 'refused', 'certificate-not-trusted'],
  ['INVALID_PURPOSE', 'refused', 'certificate-not-trusted'],
  ['STARTTLS_INJECTION', 'refused', 'tls-required'],
  ['NoConnection', 'unreachable', 'connection-lost'],
  ['EConnectionClosed', 'unreachable', 'connection-lost'],
  ['ECONNRESET', 'unreachable', 'connection-lost'],
  ['EPIPE', 'unreachable', 'connection-lost'],
  ['NoMailboxSelected', 'unreachable', 'connection-lost'],
  ['NotFound', 'gone', 'folder-gone'],
  ['LiteralTooLarge', 'unreadable', 'too-large'],
  ['ETHROTTLE', 'busy', 'throttled'],
  ['ParserError11', 'unreachable', 'garbled-answer'],
  ['UnexpectedTag', 'unreachable', 'garbled-answer'],
  ['', 'unreachable', 'garbled-answer'],
])('the error code "%s" is %s: %s', (code, kind, expected) => {
  expect(failureOf(errorWith({ code }), 'UID FETCH')).toMatchObject({ kind, code: expected, operation: 'UID FETCH' });
});

test.each([
  ['UNAVAILABLE', 'busy', 'unavailable'],
  ['SERVERBUG', 'busy', 'unavailable'],
  ['INUSE', 'busy', 'in-use'],
  ['LIMIT', 'busy', 'limit'],
  ['OVERQUOTA', 'busy', 'over-quota'],
  ['THROTTLED', 'busy', 'throttled'],
  ['NONEXISTENT', 'gone', 'folder-gone'],
  ['TRYCREATE', 'gone', 'folder-gone'],
  ['NOPERM', 'refused', 'no-permission'],
  ['READ-ONLY', 'refused', 'read-only'],
  ['CANNOT', 'refused', 'command-refused'],
  ['CLIENTBUG', 'refused', 'command-refused'],
  ['CORRUPTION', 'refused', 'folder-corrupt'],
  ['PRIVACYREQUIRED', 'refused', 'tls-required'],
  ['CONTACTADMIN', 'refused', 'contact-admin'],
  ['AUTHENTICATIONFAILED', 'credentials', 'login-refused'],
  ['AUTHORIZATIONFAILED', 'credentials', 'login-refused'],
  ['EXPIRED', 'credentials', 'login-refused'],
  ['SOMETHINGNEW', 'refused', 'command-refused'],
])('NO [%s] is %s: %s', (serverResponseCode, kind, code) => {
  expect(failureOf(errorWith({ serverResponseCode, responseStatus: 'NO' }), 'EXAMINE')).toMatchObject({ kind, code });
});

test.each([
  ['LIMIT', '[LIMIT] UID FETCH Rate limit hit.', 'throttled'],
  ['OVERQUOTA', '[OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)', 'throttled'],
  ['UNAVAILABLE', '[UNAVAILABLE] Too many requests', 'throttled'],
  ['OVERQUOTA', '[OVERQUOTA] Quota exceeded (mailbox for user is full)', 'over-quota'],
  ['UNAVAILABLE', '[UNAVAILABLE] UID FETCH Server error - Please try again later', 'unavailable'],
  ['NOPERM', '[NOPERM] Rate limit hit', 'no-permission'],
])('NO [%s] that says "%s" is %s: words of throttling say more than a code that says busy', (code, text, expected) => {
  const error = errorWith({ serverResponseCode: code, responseStatus: 'NO', responseText: text });
  expect(failureOf(error, 'UID FETCH')).toMatchObject({ code: expected });
});

test('the response code is also found in the parsed answer that imapflow leaves on a FETCH', () => {
  const response = { attributes: [{ section: [{ type: 'ATOM', value: 'INUSE' }] }] };
  expect(failureOf(errorWith({ responseStatus: 'NO', response }), 'UID FETCH')).toMatchObject({ code: 'in-use' });
});

test('BAD is a command that was not understood', () => {
  const error = errorWith({ responseStatus: 'BAD', responseText: 'expected fetch-att' });
  expect(failureOf(error, 'UID FETCH')).toMatchObject({ kind: 'refused', code: 'command-not-understood' });
});

/** One real text for each line of the table, in its order. */
const samples: { text: string; to: 'login' | 'command'; kind: string; code: string }[] = [
  {
    text: '[ALERT] Your account is not enabled for IMAP use. Please visit your settings page. (Failure)',
    to: 'login',
    kind: 'refused',
    code: 'imap-disabled',
  },
  {
    text: '[ALERT] IMAP access is disabled for your domain. Please contact your domain administrator.',
    to: 'login',
    kind: 'refused',
    code: 'imap-disabled',
  },
  { text: 'Please enable IMAP in your settings first', to: 'login', kind: 'refused', code: 'imap-disabled' },
  { text: 'AuthFailed:LogonDenied-BasicAuthBlocked-', to: 'login', kind: 'refused', code: 'imap-disabled' },
  { text: 'User is authenticated but not connected.', to: 'login', kind: 'busy', code: 'not-connected' },
  {
    text: '[ALERT] Too many simultaneous connections. (Failure)',
    to: 'login',
    kind: 'busy',
    code: 'too-many-connections',
  },
  {
    text: 'Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)',
    to: 'login',
    kind: 'busy',
    code: 'too-many-connections',
  },
  { text: 'Connection limit exceeded', to: 'login', kind: 'busy', code: 'too-many-connections' },
  {
    text: 'Request is throttled. Suggested Backoff Time: 92415 milliseconds',
    to: 'command',
    kind: 'busy',
    code: 'throttled',
  },
  { text: 'LOGIN Rate limit hit.', to: 'login', kind: 'busy', code: 'throttled' },
  { text: 'Too many failed login attempts', to: 'login', kind: 'busy', code: 'throttled' },
  { text: 'Account temporarily locked', to: 'login', kind: 'busy', code: 'throttled' },
  { text: 'Temporary authentication failure. [host:2026-01-01]', to: 'login', kind: 'busy', code: 'unavailable' },
  { text: 'Server Unavailable. 15', to: 'login', kind: 'busy', code: 'unavailable' },
  { text: 'UID FETCH Server error - Please try again later', to: 'command', kind: 'busy', code: 'unavailable' },
  {
    text: 'The IMAP server has reached its maximum capacity (concurrent requests: 20, queue size: 4096)',
    to: 'command',
    kind: 'busy',
    code: 'unavailable',
  },
  {
    text: 'Internal error occurred. Refer to server log for more information.',
    to: 'command',
    kind: 'busy',
    code: 'unavailable',
  },
  {
    text: 'Plaintext authentication disallowed on non-secure (SSL/TLS) connections.',
    to: 'login',
    kind: 'refused',
    code: 'tls-required',
  },
  { text: 'Must issue a STARTTLS command first', to: 'login', kind: 'refused', code: 'tls-required' },
  { text: 'Server does not support STARTTLS', to: 'command', kind: 'refused', code: 'tls-required' },
  {
    text: '[ALERT] Application-specific password required: https://support.example/accounts',
    to: 'login',
    kind: 'credentials',
    code: 'login-refused',
  },
  { text: 'Session invalidated - AccessTokenExpired', to: 'command', kind: 'credentials', code: 'login-refused' },
  { text: 'Unsupported authentication mechanism', to: 'login', kind: 'credentials', code: 'login-refused' },
  { text: "Mailbox doesn't exist: Somewhere", to: 'command', kind: 'gone', code: 'folder-gone' },
  { text: 'Unknown Mailbox: Somewhere (Failure)', to: 'command', kind: 'gone', code: 'folder-gone' },
];

test.each(samples)('"$text" in the answer to a $to is $kind: $code', ({ text, to, kind, code }) => {
  const error = errorWith({ responseStatus: 'NO', responseText: text, authenticationFailed: to === 'login' });
  expect(failureOf(error, 'x')).toMatchObject({ kind, code });
});

test('every line of the table has its sample', () => {
  const used = samples.map(({ text }) => textRules.findIndex(({ words }) => words.test(text)));
  expect(used).toEqual(textRules.map((_, index) => index));
});

describe('a refused login', () => {
  const login = (fields: Record<string, unknown>) =>
    failureOf(errorWith({ authenticationFailed: true, responseStatus: 'NO', ...fields }), 'connect');

  test('is a wrong password where nothing else is said', () => {
    expect(login({ responseText: 'LOGIN failed.' })).toMatchObject({ kind: 'credentials', code: 'login-refused' });
    expect(login({ responseText: 'Invalid credentials (Failure)' })).toMatchObject({ kind: 'credentials' });
    expect(login({ responseStatus: 'BAD', responseText: 'Command Argument Error. 12' })).toMatchObject({
      kind: 'credentials',
    });
  });

  test('is no wrong password where the server is busy', () => {
    expect(login({ serverResponseCode: 'UNAVAILABLE' })).toMatchObject({ kind: 'busy' });
    expect(login({ serverResponseCode: 'LIMIT' })).toMatchObject({ kind: 'busy' });
    expect(
      login({ serverResponseCode: 'ALERT', responseText: 'Too many simultaneous connections. (Failure)' }),
    ).toMatchObject({
      kind: 'busy',
    });
  });

  test('says that IMAP is off also under AUTHENTICATIONFAILED', () => {
    const failure = login({ serverResponseCode: 'AUTHENTICATIONFAILED', responseText: 'IMAP access disabled' });
    expect(failure).toMatchObject({ kind: 'refused', code: 'imap-disabled' });
  });

  test('is tls-required where imapflow sends no password because of LOGINDISABLED', () => {
    const error = Object.assign(new Error('Login is disabled'), { authenticationFailed: true });
    expect(failureOf(error, 'connect')).toMatchObject({ kind: 'refused', code: 'tls-required' });
  });
});

test('a BYE for a greeting says why, or that the server is not for us now', () => {
  const bye = (reason: string) => failureOf(errorWith({ code: 'ClosedAfterConnectTLS', reason }), 'connect');
  expect(bye('Too many connections')).toMatchObject({ kind: 'busy', code: 'too-many-connections' });
  expect(bye('Not today')).toMatchObject({ kind: 'busy', code: 'unavailable' });
});

test.each([
  ['Request is throttled. Suggested Backoff Time: 92415 milliseconds', 92_415],
  ['Too many attempts, try again in 5 minutes', 300_000],
  ['Please retry after 30 seconds', 30_000],
  ['wait 2 hours', 7_200_000],
  ['Account locked for 15 minutes', 900_000],
  ['ErrorServerBusy, BackOffMilliseconds: 297749', 297_749],
  ['[THROTTLED] Retry-After: 120', 120_000],
  ['Request is throttled. Suggested Backoff Time: 999999999 milliseconds', 86_400_000],
  ['try again in 999999999 hours', 86_400_000],
  ['Account exceeded command or bandwidth limits. (Failure)', undefined],
  ['Please try again later', undefined],
  ['try again in 99999999999999999999 seconds', undefined],
])('"%s" asks for %s ms', (text, expected) => {
  expect(retryAfterMsOf(text)).toBe(expected);
});

test.each([
  ['The IMAP server has reached its maximum capacity (concurrent requests: 20, queue size: 4096)', 'server'],
  ['Server is too busy, try again in 2 minutes', 'server'],
  ['Too many connections from your IP address', 'server'],
  ['Request is throttled for this tenant. Suggested Backoff Time: 60000 milliseconds', 'organisation'],
  ['Your organization has exceeded its rate limit', 'organisation'],
  ['Request is throttled. Suggested Backoff Time: 92415 milliseconds', 'account'],
  ['Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)', 'account'],
  ['[ALERT] Too many simultaneous connections. (Failure)', 'account'],
  ['Account exceeded command or bandwidth limits. (Failure)', 'account'],
  ['Server Unavailable. 15', 'account'],
])('"%s" is about the %s', (text, reach) => {
  expect(failureOf(errorWith({ responseStatus: 'NO', responseText: text }), 'LIST')).toMatchObject({
    kind: 'busy',
    reach,
  });
});

test('what the server asks for goes with the failure', () => {
  const error = errorWith({ responseStatus: 'NO', responseText: 'Rate limit hit, try again in 2 minutes' });
  expect(failureOf(error, 'LIST')).toMatchObject({ kind: 'busy', retryAfterMs: 120_000 });
});

test('nothing of the server, the folder or the address is in what goes on', () => {
  const error = errorWith({
    responseStatus: 'NO',
    responseText: 'marked-text for marked@example.org',
    executedCommand: 'A1 EXAMINE marked-folder',
    path: 'marked-folder',
    response: 'marked-text',
  });
  const failure = failureOf(error, 'EXAMINE');
  expect(JSON.stringify([failure.message, failure.cause, Object.entries(failure), failure.stack])).not.toContain(
    'marked',
  );
});

test('a MailFailure passes unchanged', () => {
  const failure = new MailFailure('gone', 'EXAMINE', { code: 'folder-gone' });
  expect(failureOf(failure, 'LIST')).toBe(failure);
});

test('what a server says is looked through up to 2,048 characters', () => {
  const said = (before: number) =>
    failureOf({ responseStatus: 'NO', responseText: `${'x'.repeat(before)} not enabled for imap` }, 'LOGIN');
  expect(said(2_048 - ' not enabled for imap'.length).code).toBe('imap-disabled');
  expect(said(2_049 - ' not enabled for imap'.length).code).toBe('command-refused');
});

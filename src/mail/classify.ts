import { MailFailure, type FailureKind } from '../domain/failure';
import { decisionOfText, reachOf, retryAfterMsOf, withoutEchoes } from './server-texts';

/** What imapflow and Node put on their errors, read without trusting any of it. */
interface ErrorFacts {
  code: string;
  /** RFC 5530 response code of a tagged NO or BAD. */
  responseCode: string;
  status: string;
  /** Without what it repeats of what was asked: a folder may be named like an answer. */
  text: string;
  /** As the server said it. */
  saidText: string;
  loginRefused: boolean;
  tlsFailed: boolean;
  folderMissing: boolean;
}

export interface Decision {
  kind: FailureKind;
  code: string;
}

const decision = (kind: FailureKind, code: string): Decision => ({ kind, code });

/** Codes of Node's sockets and resolver, and of imapflow. */
const byErrorCode: ReadonlyMap<string, Decision> = new Map([
  ['ENOTFOUND', decision('unreachable', 'host-not-found')],
  ['EAI_AGAIN', decision('unreachable', 'host-not-found')],
  ['EAI_NODATA', decision('unreachable', 'host-not-found')],
  ['ECONNREFUSED', decision('unreachable', 'port-closed')],
  ['EHOSTUNREACH', decision('unreachable', 'port-closed')],
  ['ENETUNREACH', decision('unreachable', 'port-closed')],
  ['EADDRNOTAVAIL', decision('unreachable', 'port-closed')],
  ['EHOSTDOWN', decision('unreachable', 'port-closed')],
  ['ETIMEDOUT', decision('unreachable', 'timed-out')],
  ['ETIMEOUT', decision('unreachable', 'timed-out')],
  ['CONNECT_TIMEOUT', decision('unreachable', 'timed-out')],
  ['GREETING_TIMEOUT', decision('unreachable', 'timed-out')],
  ['UPGRADE_TIMEOUT', decision('unreachable', 'timed-out')],
  ['NOT_AN_IMAP_SERVER', decision('unreachable', 'not-an-imap-server')],
  ['ClosedAfterConnectText', decision('unreachable', 'not-an-imap-server')],
  ['ClosedAfterConnectTLS', decision('unreachable', 'not-an-imap-server')],
  ['EPROTO', decision('unreachable', 'not-an-imap-server')],
  ['STARTTLS_INJECTION', decision('refused', 'tls-required')],
  ['ETHROTTLE', decision('busy', 'throttled')],
  ['NoConnection', decision('unreachable', 'connection-lost')],
  ['EConnectionClosed', decision('unreachable', 'connection-lost')],
  ['StateLogout', decision('unreachable', 'connection-lost')],
  ['NoMailboxSelected', decision('unreachable', 'connection-lost')],
  ['ECONNRESET', decision('unreachable', 'connection-lost')],
  ['ECONNABORTED', decision('unreachable', 'connection-lost')],
  ['EPIPE', decision('unreachable', 'connection-lost')],
  ['NotFound', decision('gone', 'folder-gone')],
  // What was to be sent cannot be said in IMAP: a user name, password or folder with a NUL in it.
  ['InvalidStringValue', decision('refused', 'command-refused')],
  ['InvalidTextValue', decision('refused', 'command-refused')],
  ['LiteralTooLarge', decision('unreadable', 'too-large')],
  ['ResponseTooLarge', decision('unreadable', 'too-large')],
  ['ERR_TLS_CERT_ALTNAME_INVALID', decision('refused', 'tls-name-mismatch')],
  ['HOSTNAME_MISMATCH', decision('refused', 'tls-name-mismatch')],
  ['CERT_HAS_EXPIRED', decision('refused', 'certificate-expired')],
  ['CERT_NOT_YET_VALID', decision('refused', 'certificate-expired')],
]);

/** X.509 verification errors as Node names them (`X509_V_ERR_...` of OpenSSL without the prefix). */
const untrustedCertificate =
  /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+|CERT_\w+|CRL_\w+|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|ERROR_IN_CERT_\w+|ERROR_IN_CRL_\w+|CA_MD_TOO_WEAK|EE_KEY_TOO_SMALL|CA_KEY_TOO_SMALL)$/;

/** Response codes of RFC 5530, RFC 9051 7.1 and those of Google and Yahoo. */
const byResponseCode: ReadonlyMap<string, Decision> = new Map([
  ['AUTHENTICATIONFAILED', decision('credentials', 'login-refused')],
  ['AUTHORIZATIONFAILED', decision('credentials', 'login-refused')],
  ['EXPIRED', decision('credentials', 'login-refused')],
  ['PRIVACYREQUIRED', decision('refused', 'tls-required')],
  ['CONTACTADMIN', decision('refused', 'contact-admin')],
  ['UNAVAILABLE', decision('busy', 'unavailable')],
  ['SERVERBUG', decision('busy', 'unavailable')],
  ['INUSE', decision('busy', 'in-use')],
  ['LIMIT', decision('busy', 'limit')],
  ['OVERQUOTA', decision('busy', 'over-quota')],
  ['THROTTLED', decision('busy', 'throttled')],
  ['NONEXISTENT', decision('gone', 'folder-gone')],
  ['TRYCREATE', decision('gone', 'folder-gone')],
  ['NOPERM', decision('refused', 'no-permission')],
  ['READ-ONLY', decision('refused', 'read-only')],
  ['CANNOT', decision('refused', 'command-refused')],
  ['CLIENTBUG', decision('refused', 'command-refused')],
  ['CORRUPTION', decision('refused', 'folder-corrupt')],
]);

/**
 * What a failure of imapflow, TLS, a socket or the resolver means. A MailFailure passes unchanged. The original error is not kept
 * as the cause: it holds the command as it was sent and the server's words, so folders and addresses.
 * Codes decide; the server's words are read where no code tells, and only in `server-texts.ts`.
 * @param operation IMAP command or step, e.g. `UID FETCH`
 */
export function failureOf(error: unknown, operation: string): MailFailure {
  if (error instanceof MailFailure) return error;
  const facts = factsOf(error);
  const { kind, code } = decide(facts);
  const retryAfterMs = kind === 'busy' ? retryAfterMsOf(facts.text) : undefined;
  return new MailFailure(kind, operation, {
    code,
    ...(kind === 'busy' ? { reach: reachOf(facts.text) } : {}),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    // The name of the error (CERT_HAS_EXPIRED, LiteralTooLarge) is harmless, and what an operator looks for.
    ...(/^\w{1,60}$/.test(facts.code) ? { cause: facts.code } : {}),
  });
}

function decide(facts: ErrorFacts): Decision {
  const words = decisionOfText(facts.text, facts.loginRefused ? 'login' : 'command');
  // Google, Yahoo and Microsoft tell a throttled or disabled account from a wrong password in words only.
  if (facts.loginRefused && words !== null) return words;
  const coded = byResponseCode.get(facts.responseCode);
  // `[LIMIT] Rate limit hit`, `[OVERQUOTA] Account exceeded command or bandwidth limits`: not what was asked for is too much, but how often.
  if (coded?.kind === 'busy' && words?.code === 'throttled') return words;
  if (coded !== undefined) return coded;
  if (facts.loginRefused) return decision('credentials', 'login-refused');
  if (facts.folderMissing) return decision('gone', 'folder-gone');
  // A BYE says why in words while the code only says that the connection ended.
  return words ?? decideByErrorCode(facts);
}

/** A BYE for a greeting in words nobody knows: an IMAP server it is, and not for us at the moment. */
const turnedAway = decision('busy', 'unavailable');

function decideByErrorCode({ code, status, tlsFailed, text, saidText }: ErrorFacts): Decision {
  if (code.startsWith('ClosedAfterConnect') && text !== '') return turnedAway;
  const known = byErrorCode.get(code);
  if (known !== undefined) return known;
  if (untrustedCertificate.test(code)) return decision('refused', 'certificate-not-trusted');
  if (/^ERR_(?:SSL|TLS)_/.test(code)) return decision('unreachable', 'not-an-imap-server');
  if (tlsFailed) return decision('refused', 'tls-required');
  if (status === 'NO') return missingFolder(saidText) ?? decision('refused', 'command-refused');
  if (status === 'BAD') return decision('refused', 'command-not-understood');
  return decision('unreachable', 'garbled-answer');
}

/** A name that has the words of the rule in it (`No such folder: No such folder`) hides them where it is left out. */
function missingFolder(saidText: string): Decision | null {
  const words = decisionOfText(saidText, 'command');
  return words?.kind === 'gone' ? words : null;
}

/** Of what a server says; a line of megabytes would be looked through by every rule. */
const mostTextCharacters = 2_048;

function factsOf(error: unknown): ErrorFacts {
  const fields: Record<string, unknown> = typeof error === 'object' && error !== null ? { ...error } : {};
  const text = (name: string): string => (typeof fields[name] === 'string' ? fields[name] : '');
  // imapflow's own refusals have words only; those of Node's errors hold host names.
  const message = error instanceof Error && text('code') === '' ? error.message : '';
  const saidText = [text('responseText'), text('response'), text('reason'), message]
    .filter((part) => part !== '')
    .map((part) => part.slice(0, mostTextCharacters))
    .join('\n');
  return {
    code: text('code'),
    responseCode: (text('serverResponseCode') || responseCodeOf(fields['response'])).toUpperCase(),
    status: text('responseStatus').toUpperCase(),
    text: withoutEchoes(saidText, fields['asked']),
    saidText,
    loginRefused: fields['authenticationFailed'] === true,
    tlsFailed: fields['tlsFailed'] === true,
    folderMissing: fields['mailboxMissing'] === true,
  };
}

/** imapflow does not put the response code on the errors of FETCH; it stands in the parsed answer, `NO [LIMIT] ...`. */
function responseCodeOf(response: unknown): string {
  const first = at(fieldOf(response, 'attributes'), 0);
  const code = fieldOf(at(fieldOf(first, 'section'), 0), 'value');
  return typeof code === 'string' ? code : '';
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (Reflect.get(value, name) as unknown) : undefined;
}

function at(list: unknown, index: number): unknown {
  return Array.isArray(list) ? (list[index] as unknown) : undefined;
}

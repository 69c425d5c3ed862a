import type { FailureKind, FailureReach } from '../domain/failure';

interface TextRule {
  words: RegExp;
  /** `login`: only in the answer to a login, where the same words elsewhere mean something else. */
  where: 'login' | 'anywhere';
  kind: FailureKind;
  code: string;
}

const rule = (words: RegExp, where: TextRule['where'], decision: [FailureKind, string]): TextRule => ({
  words,
  where,
  kind: decision[0],
  code: decision[1],
});

const imapDisabled: [FailureKind, string] = ['refused', 'imap-disabled'];
const tooManyConnections: [FailureKind, string] = ['busy', 'too-many-connections'];
const throttled: [FailureKind, string] = ['busy', 'throttled'];
const unavailable: [FailureKind, string] = ['busy', 'unavailable'];
const tlsRequired: [FailureKind, string] = ['refused', 'tls-required'];
const loginRefused: [FailureKind, string] = ['credentials', 'login-refused'];
const folderGone: [FailureKind, string] = ['gone', 'folder-gone'];

/** What servers say in words only, first match wins. Each line has its test. */
export const textRules: readonly TextRule[] = [
  // Gmail: "[ALERT] Your account is not enabled for IMAP use."
  rule(/not enabled for imap/i, 'anywhere', imapDisabled),
  // Gmail for domains: "[ALERT] IMAP access is disabled for your domain."; GMX, web.de and hosting panels alike.
  rule(
    /imap4?(?: access| service| protocol)?(?: is| has been)? (?:disabled|deactivated|not enabled|not allowed)/i,
    'anywhere',
    imapDisabled,
  ),
  rule(/(?:disabled|enable|activate|turn on) imap\b/i, 'login', imapDisabled),
  // Exchange Online: "AuthFailed:LogonDenied-BasicAuthBlocked"; passwords are off for the tenant.
  rule(/basic ?auth(?:entication)?[ _-]?(?:blocked|is disabled|disabled)/i, 'anywhere', imapDisabled),
  // Exchange: the password is right, but throttled, without a licence for IMAP, or of another mailbox; it does not say which.
  rule(/user is authenticated but not connected/i, 'anywhere', ['busy', 'not-connected']),
  // Gmail: "[ALERT] Too many simultaneous connections."; Dovecot: "Maximum number of connections from user+IP exceeded".
  rule(
    /too many (?:simultaneous |concurrent |open )?(?:imap )?(?:connections|sessions)/i,
    'anywhere',
    tooManyConnections,
  ),
  rule(/maximum (?:number of )?(?:imap )?(?:connections|sessions)/i, 'anywhere', tooManyConnections),
  rule(/(?:connection|session) (?:limit|count) (?:exceeded|reached)/i, 'anywhere', tooManyConnections),
  // Exchange Online: "Request is throttled. Suggested Backoff Time: 92415 milliseconds".
  rule(/throttl/i, 'anywhere', throttled),
  // Yahoo: "[LIMIT] LOGIN Rate limit hit."; Gmail: "Account exceeded command or bandwidth limits."
  rule(/rate[ -]limit|exceeded (?:command|bandwidth)|bandwidth limit/i, 'anywhere', throttled),
  rule(/too many (?:\w+ ){0,3}(?:logins?|attempts|requests|failures|commands)/i, 'anywhere', throttled),
  rule(/(?:temporarily|currently) (?:blocked|locked|limited)/i, 'anywhere', throttled),
  // Dovecot: "[UNAVAILABLE] Temporary authentication failure."; Gmail: "Temporary System Error"; Exchange: "Server Unavailable. 15".
  rule(/temporary (?:\w+ )?(?:failure|error|problem)/i, 'anywhere', unavailable),
  rule(
    /temporarily unavailable|server unavailable|service unavailable|server (?:is )?(?:too )?busy/i,
    'anywhere',
    unavailable,
  ),
  rule(/(?:please )?(?:try again|retry) (?:later|in \d)/i, 'anywhere', unavailable),
  // Apache James: "The IMAP server has reached its maximum capacity (concurrent requests: 20, queue size: 4096)".
  rule(/reached its maximum capacity|(?:server|system) (?:is )?overloaded/i, 'anywhere', unavailable),
  rule(/internal (?:server )?error occurred/i, 'anywhere', unavailable),
  // imapflow where LOGINDISABLED is announced (RFC 9051 6.2.3); Dovecot: "Plaintext authentication disallowed on non-secure".
  rule(/login is disabled|plain-?text auth\w* (?:is )?(?:disallowed|disabled|not allowed)/i, 'anywhere', tlsRequired),
  // Courier, Namecheap: "Must issue a STARTTLS command first".
  rule(/must issue a starttls|(?:starttls|tls|ssl)(?: encryption)? (?:is )?required/i, 'anywhere', tlsRequired),
  rule(/does not support starttls|starttls is not possible/i, 'anywhere', tlsRequired),
  // Gmail: "[ALERT] Application-specific password required", "Please log in via your web browser".
  rule(/application-specific password|app password|log ?in via your web browser/i, 'anywhere', loginRefused),
  // Exchange, token-based sessions: "BYE Session invalidated - AccessTokenExpired".
  rule(/access ?token ?expired|session invalidated/i, 'anywhere', loginRefused),
  rule(
    /unsupported authentication mechanism|no matching authentication method|no password configured/i,
    'anywhere',
    loginRefused,
  ),
  // Servers before RFC 5530 refuse SELECT without a code.
  rule(/(?:mailbox|folder) (?:does ?n[o']t exist|doesn't exist|not found|is unknown)/i, 'anywhere', folderGone),
  rule(/(?:unknown|no such|non-?existent) (?:mailbox|folder)/i, 'anywhere', folderGone),
];

/** What a server's words mean; null where they say nothing that is known. `context` is what was asked. */
export function decisionOfText(text: string, context: 'login' | 'command'): { kind: FailureKind; code: string } | null {
  const match = textRules.find(({ words, where }) => (where === 'anywhere' || context === 'login') && words.test(text));
  return match === undefined ? null : { kind: match.kind, code: match.code };
}

/**
 * What a server says that is too busy for everybody who asks it from here: for the whole of it, or for our address. Limits of "user+IP"
 * (Dovecot) are those of one account, and so is whatever names nobody.
 */
const wordsForAll: readonly RegExp[] = [
  /\b(?:server|system) (?:has reached its maximum|is at (?:full )?capacity|(?:is )?(?:too busy|overloaded))/i,
  /\b(?:connections|sessions|logins?|attempts|requests)\b.{0,40}\bfrom (?:your|this|the same) (?:ip|host|network|client|address)/i,
];

/** What a provider says whose customer, with all its accounts, has had its share: others' mail goes on. */
const wordsForOrganisation: readonly RegExp[] = [
  /\b(?:tenant|organi[sz]ation)\b.{0,80}\b(?:throttl|limit|quota|exceed)/i,
  /\b(?:throttl\w*|limit\w*|quota|exceed\w*)\b.{0,80}\b(?:tenant|organi[sz]ation)\b/i,
];

/** Whom a server that is busy means by its words. */
export function reachOf(text: string): FailureReach {
  if (wordsForOrganisation.some((words) => words.test(text))) return 'organisation';
  return wordsForAll.some((words) => words.test(text)) ? 'server' : 'account';
}

/** Nobody is left alone for longer because of a number that a server says. */
const longestAskedMs = 24 * 3_600_000;

const unitsMs: readonly [RegExp, number][] = [
  [/^(?:ms|millisec)/i, 1],
  [/^s/i, 1_000],
  [/^m/i, 60_000],
  [/^h/i, 3_600_000],
];

/** How servers begin to say it; a number and its unit follow. */
const asked =
  /(?:back-?off time|(?:try again|retry|wait)(?: \w+){0,2}?|(?:locked|blocked|suspended|throttled|limited) for)[:=\s]+(\d{1,9})\s*([a-z]+)/i;
const askedInMilliseconds = /back-?off ?milliseconds[:=\s]+(\d{1,9})/i;
const askedInSeconds = /retry-after[:=\s]+(\d{1,9})(?!\s*[a-z\d])/i;

/**
 * How long a server asks to be left alone, a day at most: "Backoff Time: 92415 milliseconds", "try again in 5 minutes", "Retry-After: 30".
 * Undefined where it does not say.
 */
export function retryAfterMsOf(text: string): number | undefined {
  const wanted = askedMs(text);
  return wanted === undefined ? undefined : Math.min(wanted, longestAskedMs);
}

function askedMs(text: string): number | undefined {
  const inMilliseconds = askedInMilliseconds.exec(text)?.[1];
  if (inMilliseconds !== undefined) return Number(inMilliseconds);
  const inSeconds = askedInSeconds.exec(text)?.[1];
  if (inSeconds !== undefined) return Number(inSeconds) * 1_000;
  const match = asked.exec(text);
  const unit = unitsMs.find(([name]) => name.test(match?.[2] ?? ''));
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit[1];
}

/** Shorter names make no words that mean anything, and stand in many. */
const shortestEcho = 6;
/** A name that begins like this is taken for one that the server has cut short. */
const echoHead = 24;
/** How many levels of a folder's name may stand alone in an answer. */
const mostLevels = 8;

/**
 * A server's text without what it repeats of a command: whoever names a folder `server is too busy, try again in 24 hours` must not have
 * everybody's mail wait.
 * @param asked strings of the command, if it was told
 */
export function withoutEchoes(text: string, asked: unknown): string {
  if (!Array.isArray(asked)) return text;
  const names = asked.flatMap((name: unknown) => (typeof name === 'string' ? [name, ...lowerLevels(name)] : []));
  return names.map(withoutQuotes).reduce(withoutEcho, withoutQuotes(text));
}

/** What a quoted string escapes stands in an answer escaped or not. */
function withoutQuotes(text: string): string {
  return text.replace(/["\\]/g, '');
}

/** `c.d` and `d` of `a/b/c.d`, whatever the delimiter of the server is. */
function lowerLevels(name: string): string[] {
  return [...name.matchAll(/[./\\]/g)].slice(-mostLevels).map(({ index }) => name.slice(index + 1));
}

function withoutEcho(text: string, name: string): string {
  const head = name.slice(0, echoHead);
  if (head.length < shortestEcho) return text;
  const kept: string[] = [];
  let from = 0;
  for (let at = text.indexOf(head); at >= 0; at = text.indexOf(head, from)) {
    kept.push(text.slice(from, at));
    from = at + head.length;
    while (from < text.length && text[from] === name[from - at]) from += 1;
  }
  return [...kept, text.slice(from)].join(' ');
}

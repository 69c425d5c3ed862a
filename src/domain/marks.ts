import type { MessageMark } from './message';

/** What the marks are read from. `header` gives the first value of a header, by its name in lower case; null where it is absent. */
export interface MarkEvidence {
  header: (name: string) => string | null;
  parts: { contentType: string; parameters: Record<string, string>; filename: string | null }[];
  text: string;
}

/** What a message is beside a letter from a person, in a fixed order, each mark once. */
export function marksOf(evidence: MarkEvidence): MessageMark[] {
  const marks = new Set<MessageMark>();
  if (isBounce(evidence)) marks.add('bounce');
  else if (isAutoReply(evidence)) marks.add('auto-reply');
  if (isFromMailingList(evidence)) marks.add('mailing-list');
  if (isBulk(evidence)) marks.add('bulk');
  for (const part of evidence.parts) {
    const mark = markOfPart(part);
    if (mark !== null) marks.add(mark);
  }
  if (evidence.text.trimStart().startsWith('-----BEGIN PGP MESSAGE-----')) marks.add('encrypted');
  if (evidence.text.trimStart().startsWith('-----BEGIN PGP SIGNED MESSAGE-----')) marks.add('signed');
  return [...marks];
}

/**
 * RFC 3464: a report of delivery. Without one, what Exim (X-Failed-Recipients) and older servers send: the daemon's name, and no address to
 * bounce to.
 */
function isBounce({ header, parts }: MarkEvidence): boolean {
  const root = parts[0];
  const report = root?.parameters['report-type']?.toLowerCase();
  if (root?.contentType === 'multipart/report' && report === 'delivery-status') return true;
  if (parts.some((part) => part.contentType === 'message/delivery-status')) return true;
  if (header('x-failed-recipients') !== null) return true;
  const from = header('from')?.toLowerCase() ?? '';
  return isNullPath(header('return-path')) && /(?:^|[<"\s])(?:mailer-daemon|postmaster)(?:@|[>"\s]|$)/.test(from);
}

// X-Auto-Response-Suppress asks others not to answer (MS-OXCMAIL 2.1.3.2.20): it does not say that this is an answer.
function isAutoReply({ header }: MarkEvidence): boolean {
  const submitted = header('auto-submitted')?.trim().toLowerCase();
  if (submitted !== undefined && submitted !== '') return !submitted.startsWith('no'); // RFC 3834 5
  if (header('precedence')?.trim().toLowerCase() === 'auto_reply') return true;
  if (['x-autoreply', 'x-autorespond', 'x-autoresponder', 'x-auto-reply-from'].some((name) => says(header(name))))
    return true;
  return header('x-ms-exchange-generated-message-source')?.toLowerCase().includes('mailbox rules agent') === true;
}

/** RFC 2919 List-Id, RFC 2369 List-Post and List-Unsubscribe. */
function isFromMailingList({ header }: MarkEvidence): boolean {
  if (header('list-id') !== null || header('list-post') !== null) return true;
  return header('list-unsubscribe') !== null || header('precedence')?.trim().toLowerCase() === 'list';
}

function isBulk({ header }: MarkEvidence): boolean {
  return ['bulk', 'junk'].includes(header('precedence')?.trim().toLowerCase() ?? '');
}

function says(value: string | null): boolean {
  return value !== null && !['', 'no', 'false', '0'].includes(value.trim().toLowerCase());
}

function isNullPath(value: string | null): boolean {
  return value !== null && /^\s*<\s*>/.test(value);
}

const markOfType = new Map<string, MessageMark>([
  ['multipart/signed', 'signed'],
  ['application/pkcs7-signature', 'signed'],
  ['application/x-pkcs7-signature', 'signed'],
  ['application/pgp-signature', 'signed'],
  ['multipart/encrypted', 'encrypted'],
  ['application/pgp-encrypted', 'encrypted'],
  ['application/ms-tnef', 'tnef'],
  ['application/vnd.ms-tnef', 'tnef'],
  ['message/rfc822', 'forwarded-as-attachment'],
  ['message/global', 'forwarded-as-attachment'],
]);

function markOfPart({ contentType, parameters, filename }: MarkEvidence['parts'][number]): MessageMark | null {
  if (contentType === 'text/calendar') return parameters['method'] === undefined ? null : 'invitation';
  if (/^application\/(?:x-)?pkcs7-mime$/.test(contentType)) return sMimeMark(parameters['smime-type']?.toLowerCase());
  return markOfType.get(contentType) ?? (filename?.toLowerCase() === 'winmail.dat' ? 'tnef' : null);
}

/** RFC 8551 3.2.2. */
function sMimeMark(type: string | undefined): MessageMark | null {
  if (type === 'certs-only') return null;
  return type === 'signed-data' ? 'signed' : 'encrypted';
}

/** A message of a scripted server. */
export interface ScriptedMessage {
  uid: number;
  raw: Buffer;
  flags: string[];
  modseq: number;
  internalDate: Date;
  /** EMAILID where OBJECTID is a capability, X-GM-MSGID where X-GM-EXT-1 is. */
  emailId: string | null;
  threadId: string | null;
  /** X-GM-LABELS. */
  labels: string[];
}

export interface ScriptedFolder {
  uidValidity: string;
  uidNext: number;
  /** As it is sent, so that 0 and -1 can be; null sends none. */
  highestModseq: string | null;
  /** Special-use and other attributes of LIST. */
  attributes: string[];
  /** MAILBOXID; null sends none. */
  mailboxId: string | null;
  /** Ascending by UID; the place in it is the sequence number. */
  messages: ScriptedMessage[];
}

export type MessageWish = { uid: number; raw: string | Buffer } & Partial<Omit<ScriptedMessage, 'uid' | 'raw'>>;
export type FolderWish = Partial<Omit<ScriptedFolder, 'messages'>> & { messages?: MessageWish[] };

/** A folder from what matters of it; the rest is filled in. */
export function folderOf(wish: FolderWish): ScriptedFolder {
  const messages = (wish.messages ?? []).map((message) => ({
    flags: [],
    modseq: message.uid,
    internalDate: new Date('2026-01-02T03:04:05Z'),
    emailId: null,
    labels: [],
    threadId: null,
    ...message,
    raw: Buffer.from(message.raw),
  }));
  return {
    uidValidity: wish.uidValidity ?? '1',
    uidNext: wish.uidNext ?? (messages.at(-1)?.uid ?? 0) + 1,
    highestModseq:
      wish.highestModseq === undefined
        ? String(Math.max(1, ...messages.map(({ modseq }) => modseq)))
        : wish.highestModseq,
    attributes: wish.attributes ?? [],
    mailboxId: wish.mailboxId ?? null,
    messages,
  };
}

/** The messages of a UID set such as `1:3,7,9:*`. `*` is the last message, also below the other end (RFC 9051 6.4.9). */
export function messagesOf(folder: ScriptedFolder, set: string): ScriptedMessage[] {
  const last = folder.messages.at(-1)?.uid ?? 0;
  const number = (text: string): number => (text === '*' ? last : Number(text));
  const ranges = set.split(',').map((range) => {
    const [from = '', to = from] = range.split(':');
    return [Math.min(number(from), number(to)), Math.max(number(from), number(to))] as const;
  });
  return folder.messages.filter(({ uid }) => ranges.some(([from, to]) => uid >= from && uid <= to));
}

/** What FETCH answers for one message: text, and the bytes as literals. `items` is the list as it was asked for. */
export function fetchItemsOf(message: ScriptedMessage, items: string): (string | Buffer)[] {
  const date = imapDate(message.internalDate);
  const simple: [RegExp, string][] = [
    [/\bUID\b/, `UID ${String(message.uid)}`],
    [/\bFLAGS\b/, `FLAGS (${message.flags.join(' ')})`],
    [/\bINTERNALDATE\b/, `INTERNALDATE "${date}"`],
    [/\bRFC822\.SIZE\b/, `RFC822.SIZE ${String(message.raw.length)}`],
    [/\bMODSEQ\b/, `MODSEQ (${String(message.modseq)})`],
    [/\bEMAILID\b/, `EMAILID ${message.emailId === null ? 'NIL' : `(${message.emailId})`}`],
    [/\bTHREADID\b/, `THREADID ${message.threadId === null ? 'NIL' : `(${message.threadId})`}`],
    [/\bX-GM-MSGID\b/, `X-GM-MSGID ${message.emailId ?? '0'}`],
    [
      /\bX-GM-LABELS\b/,
      `X-GM-LABELS (${message.labels.map((label) => (label.startsWith('\\') ? label : `"${label}"`)).join(' ')})`,
    ],
    [/\bX-GM-THRID\b/, `X-GM-THRID ${message.threadId ?? '0'}`],
  ];
  const parts: (string | Buffer)[] = [
    simple.flatMap(([asked, answer]) => (asked.test(items) ? [answer] : [])).join(' '),
  ];
  if (items.includes('BODY.PEEK[HEADER]')) {
    const end = message.raw.indexOf('\r\n\r\n');
    parts.push(' BODY[HEADER] ', end < 0 ? message.raw : message.raw.subarray(0, end + 4));
  }
  const fields = /BODY\.PEEK\[HEADER\.FIELDS \(([^)]*)\)\]/i.exec(items)?.[1];
  if (fields !== undefined) parts.push(` BODY[HEADER.FIELDS (${fields})] `, headerFieldsOf(message.raw, fields));
  const body = /BODY\.PEEK\[\](?:<(\d+)\.(\d+)>)?/.exec(items);
  if (body !== null) {
    const [, start, length] = body;
    const whole = start === undefined;
    const bytes = whole ? message.raw : message.raw.subarray(Number(start), Number(start) + Number(length));
    parts.push(whole ? ' BODY[] ' : ` BODY[]<${start}> `, bytes);
  }
  return parts;
}

/** The lines of these fields, folded as they are, and the empty line (RFC 9051 6.4.5). */
function headerFieldsOf(raw: Buffer, names: string): Buffer {
  const wanted = new Set(names.toLowerCase().replaceAll('"', '').split(' '));
  const [header = ''] = raw.toString('latin1').split('\r\n\r\n');
  const fields = header.split(/\r\n(?![ \t])/).filter((field) => wanted.has(field.split(':')[0]?.toLowerCase() ?? ''));
  return Buffer.from([...fields, '', ''].join('\r\n'), 'latin1');
}

/** `02-Jan-2026 03:04:05 +0000` (RFC 9051 9, date-time). */
function imapDate(date: Date): string {
  const [, day = '', month = '', year = '', time = ''] = /, (\d+) (\w+) (\d+) ([\d:]+)/.exec(date.toUTCString()) ?? [];
  return `${day}-${month}-${year} ${time} +0000`;
}

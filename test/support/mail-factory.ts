import { createHash } from 'node:crypto';

/** A file of a test message. Content is put in as base64, whatever it is. */
export interface MailAttachment {
  filename?: string;
  contentType?: string;
  content: Buffer | string;
  disposition?: 'attachment' | 'inline';
  /** Content-ID without angle brackets. */
  cid?: string;
}

/** What a test wants to say of a message. `null` leaves a header out that would be there by default. */
export interface MailOptions {
  from?: string | null;
  to?: string | null;
  cc?: string;
  bcc?: string;
  replyTo?: string;
  subject?: string | null;
  date?: Date | string | null;
  /** With or without angle brackets; by default made from the other options, so equal options are equal bytes. */
  messageId?: string | null;
  inReplyTo?: string;
  references?: string[];
  /** Added as they are, after the headers above; a list makes a header several times. */
  headers?: Record<string, string | string[]>;
  /** Plain text, written in UTF-8 as `html` is; with `html` and without `text` the message is HTML only. */
  text?: string;
  html?: string;
  attachments?: MailAttachment[];
  /** The whole body as bytes, in place of text, html and attachments; its Content-Type comes from `headers`. */
  body?: Buffer | string;
}

const defaultDate = new Date('2026-03-02T09:30:00Z');

/**
 * The bytes of a message with CRLF line ends, the same for the same options. Only what matters needs to be stated:
 * `mail({ from: 'ada@customer.example' })` is a complete message.
 */
export function mail(options: MailOptions = {}): Buffer {
  const content = options.body === undefined ? composed(options) : given(options.body);
  const headers = [...envelopeHeaders(options), ...extraHeaders(options.headers ?? {}), ...content.headers];
  return Buffer.concat([Buffer.from(`${headers.join('\r\n')}\r\n\r\n`, 'utf8'), content.body]);
}

interface Entity {
  headers: string[];
  body: Buffer;
}

function envelopeHeaders(options: MailOptions): string[] {
  const date = options.date === undefined ? defaultDate : options.date;
  const lines: [string, string | null | undefined][] = [
    ['From', addressList(options.from === undefined ? 'Ada Lovelace <ada@customer.example>' : options.from)],
    ['To', addressList(options.to === undefined ? 'sales@company.example' : options.to)],
    ['Cc', addressList(options.cc)],
    ['Bcc', addressList(options.bcc)],
    ['Reply-To', addressList(options.replyTo)],
    ['Subject', options.subject === null ? null : encodedWords(options.subject ?? 'Your offer')],
    ['Date', date instanceof Date ? rfcDate(date) : date],
    ['Message-ID', options.messageId === undefined ? idFor(options) : bracketed(options.messageId)],
    ['In-Reply-To', bracketed(options.inReplyTo)],
    ['References', options.references?.map((id) => bracketed(id) ?? '').join('\r\n ')],
    ['MIME-Version', '1.0'],
  ];
  return lines.flatMap(([name, value]) => (value === null || value === undefined ? [] : [`${name}: ${value}`]));
}

function extraHeaders(headers: Record<string, string | string[]>): string[] {
  return Object.entries(headers).flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${one}`));
}

function composed(options: MailOptions): Entity {
  const text =
    options.text ?? (options.html === undefined ? 'Dear colleagues,\n\nplease find our answer below.\n' : null);
  const bodies = [
    ...(text === null ? [] : [textPart('text/plain', text)]),
    ...(options.html === undefined ? [] : [textPart('text/html', options.html)]),
  ];
  const shown = multipart('alternative', bodies);
  return multipart('mixed', [shown, ...(options.attachments ?? []).map(attachmentPart)]);
}

function given(body: Buffer | string): Entity {
  return { headers: [], body: Buffer.isBuffer(body) ? body : Buffer.from(withCrLf(body), 'utf8') };
}

function textPart(type: string, content: string): Entity {
  return {
    headers: [`Content-Type: ${type}; charset=utf-8`, 'Content-Transfer-Encoding: 8bit'],
    body: Buffer.from(withCrLf(content.endsWith('\n') ? content : `${content}\n`), 'utf8'),
  };
}

function attachmentPart(attachment: MailAttachment): Entity {
  const filename = attachment.filename === undefined ? '' : `; filename="${encodedWords(attachment.filename)}"`;
  const base64 = Buffer.from(attachment.content).toString('base64');
  return {
    headers: [
      `Content-Type: ${attachment.contentType ?? 'application/octet-stream'}`,
      'Content-Transfer-Encoding: base64',
      `Content-Disposition: ${attachment.disposition ?? 'attachment'}${filename}`,
      ...(attachment.cid === undefined ? [] : [`Content-ID: <${attachment.cid}>`]),
    ],
    body: Buffer.from(base64.replace(/.{1,76}/g, '$&\r\n'), 'ascii'),
  };
}

function multipart(subtype: string, parts: Entity[]): Entity {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const digest = createHash('sha256');
  for (const part of parts) digest.update(part.body);
  const boundary = `=_${subtype}_${digest.digest('hex').slice(0, 16)}`;
  const pieces = parts.map((part) =>
    Buffer.concat([
      Buffer.from(`--${boundary}\r\n${part.headers.join('\r\n')}\r\n\r\n`),
      part.body,
      Buffer.from('\r\n'),
    ]),
  );
  return {
    headers: [`Content-Type: multipart/${subtype}; boundary="${boundary}"`],
    body: Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]),
  };
}

function idFor(options: MailOptions): string {
  const digest = createHash('sha256').update(JSON.stringify(options)).digest('hex');
  return `<${digest.slice(0, 20)}@factory.example>`;
}

function bracketed(id: string | null | undefined): string | null {
  if (id === null || id === undefined) return null;
  return id.startsWith('<') ? id : `<${id}>`;
}

function withCrLf(text: string): string {
  return text.replace(/\r?\n/g, '\r\n');
}

/** RFC 5322 3.3, in UTC. */
function rfcDate(date: Date): string {
  return date.toUTCString().replace('GMT', '+0000');
}

/** RFC 2047 where it is needed: pieces of at most 45 bytes, cut between characters. */
function encodedWords(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  const pieces: string[] = [''];
  for (const character of text) {
    const last = pieces.length - 1;
    const longer = `${pieces[last] ?? ''}${character}`;
    if (Buffer.byteLength(longer) <= 45) pieces[last] = longer;
    else pieces.push(character);
  }
  return pieces.map((piece) => `=?UTF-8?B?${Buffer.from(piece).toString('base64')}?=`).join('\r\n ');
}

/** Encodes the display names of an address list; everything else stays as it was written, also when it is wrong. */
function addressList(list: string | null | undefined): string | null {
  if (list === null || list === undefined) return null;
  const phrase = /"((?:[^"\\]|\\.)*)"(?=\s*<)|([^"<>,;:\s][^"<>,;:]*[^"<>,;:\s])(?=\s*<)/g;
  return list.replace(phrase, (whole, quoted?: string, plain?: string) => {
    const name = quoted ?? plain ?? '';
    return /^[\x20-\x7e]*$/.test(name) ? whole : encodedWords(name);
  });
}

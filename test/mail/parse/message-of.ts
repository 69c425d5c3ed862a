import { parseMessage } from '../../../src/mail/parse/parse-message';
import type { ParseLimits } from '../../../src/mail/parse/limit-breach';
import type { ParsedMessage } from '../../../src/domain/message';

/** The product's own limits, so that what is proven here holds there. */
export const parseLimits: ParseLimits = {
  maxParts: 1_000,
  maxDepth: 100,
  maxHeaderBytes: 1_048_576,
  maxAddresses: 5_000,
  maxReferences: 100,
  maxTextCharacters: 262_144,
};

/** A message of header lines and a body, with CRLF line ends as IMAP gives it; a body of bytes stays as it is. Text becomes UTF-8, unless `latin1` says otherwise. */
export function messageOf({
  headers = [],
  body = 'Hello.',
  encoding = 'utf8',
}: {
  headers?: string[];
  body?: string | Buffer;
  encoding?: 'utf8' | 'latin1';
}): Buffer {
  const from = headers.some((header) => header.startsWith('From:')) ? [] : ['From: Ann <ann@example.com>'];
  const lines = [...from, ...headers, '', ''].join('\n').replaceAll('\n', '\r\n');
  const content = typeof body === 'string' ? Buffer.from(body.replaceAll('\n', '\r\n'), encoding) : body;
  return Buffer.concat([Buffer.from(lines, encoding), content]);
}

/** What is read of a message that can be read. */
export function read(raw: Buffer, limits: Partial<ParseLimits> = {}): ParsedMessage {
  const outcome = parseMessage(raw, { ...parseLimits, ...limits });
  if (outcome.kind === 'unreadable') throw new Error(`unreadable: ${outcome.code} ${JSON.stringify(outcome.detail)}`);
  return outcome.message;
}

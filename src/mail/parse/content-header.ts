import libmime from 'libmime';

import type { PartDescriptor } from '../../domain/message';
import { cleanText, cutText } from './clean-text';
import type { HeaderBlock } from './header-block';
import { encodingOf } from './transfer-encoding';

const maxFilenameCharacters = 255;
const maxParameterHeaderCharacters = 16_384;
const maxTokenCharacters = 200;

/** What the headers of a part say of its body (RFC 2045, RFC 2183). */
export interface ContentHeader {
  /** In lower case, `type/subtype`. */
  contentType: string;
  /** Parameters of the Content-Type, names in lower case. */
  parameters: Record<string, string>;
  charset: string | null;
  encoding: PartDescriptor['encoding'];
  disposition: PartDescriptor['disposition'];
  filename: string | null;
  /** Without its angle brackets. */
  contentId: string | null;
}

/** Reads the content headers of a part. `defaultType` is what a part without a usable type is: message/rfc822 in a digest (RFC 2046 5.1.5). */
export function contentHeaderOf(header: HeaderBlock, defaultType: string): ContentHeader {
  const type = parameterHeader(header.first('content-type'));
  const disposition = parameterHeader(header.first('content-disposition'));
  const contentType = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/.test(type.value)
    ? type.value.toLowerCase()
    : bareType(type.value, defaultType);
  const contentId = header.first('content-id');
  return {
    contentType: contentType.slice(0, maxTokenCharacters),
    parameters: type.parameters,
    charset: tokenOrNull(type.parameters['charset']),
    encoding: encodingOf(header.first('content-transfer-encoding')),
    disposition: dispositionOf(disposition.value),
    filename: filenameOf(disposition.parameters['filename'] ?? type.parameters['name']),
    contentId: contentId === null ? null : tokenOrNull(withoutBrackets(contentId)),
  };
}

/** RFC 1341 called plain text `text`; what is no type at all is what a part without type is (RFC 2045 5.2). */
function bareType(value: string, defaultType: string): string {
  return value.toLowerCase() === 'multipart' ? 'multipart/mixed' : defaultType;
}

/** RFC 2183 2.8: a disposition that is not known is an attachment. */
function dispositionOf(value: string): PartDescriptor['disposition'] {
  if (value === '') return null;
  return value.toLowerCase() === 'inline' ? 'inline' : 'attachment';
}

function parameterHeader(value: string | null): { value: string; parameters: Record<string, string> } {
  if (value === null || value === '') return { value: '', parameters: {} };
  const parsed = libmime.parseHeaderValue(value.slice(0, maxParameterHeaderCharacters), { stripComments: true });
  const parameters: Record<string, string> = {};
  for (const [name, parameter] of Object.entries(parsed.params)) {
    // Encoded words are not allowed in parameters (RFC 2047 5), and are common. What came as RFC 2231 is decoded already.
    const plain = parsed.decodedParams.includes(name) || !parameter.includes('=?');
    parameters[name] = cleanText(plain ? parameter : libmime.decodeWords(parameter));
  }
  return { value: parsed.value.trim(), parameters };
}

/** The last step of a path, without controls, which would change how the name is shown. */
function filenameOf(value: string | undefined): string | null {
  const name = value
    ?.replace(/\p{Cc}|\p{Cf}/gu, '')
    .split(/[/\\]/)
    .pop()
    ?.trim();
  return name === undefined || name === '' ? null : cutText(name, maxFilenameCharacters);
}

/** A pattern for the end would look at every place of a long run of brackets that does not end the value. */
function withoutBrackets(value: string): string {
  let [start, end] = [0, value.length];
  while (start < end && /[\s<]/.test(value.charAt(start))) start += 1;
  while (end > start && /[\s>]/.test(value.charAt(end - 1))) end -= 1;
  return value.slice(start, end);
}

function tokenOrNull(value: string | undefined): string | null {
  const token = cleanText(value ?? '').trim();
  return token === '' ? null : cutText(token, maxTokenCharacters);
}

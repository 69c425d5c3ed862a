import libmime from 'libmime';

import { bodyParts } from './body-choice';
import { decodeText } from './charset';
import { cleanText, cutText } from './clean-text';
import { htmlToText } from './html-to-text';
import { decodeTransfer } from './transfer-encoding';
import type { WalkedPart } from './walk';

/** Whoever begins a text with more white space than this has nothing to say. */
const lookedAtBytes = 65_536;

/** A body that is shown, its transfer encoding undone. */
export interface DecodedBody {
  part: WalkedPart;
  bytes: Buffer;
}

/** The bodies that the text of a message is made of, in order: the plain ones, unless they are empty and there is HTML (RFC 2046 5.1.4). */
export function decodeBodies(raw: Buffer, parts: WalkedPart[]): DecodedBody[] {
  const plain = decodeChosen(raw, bodyParts(parts, 'text'));
  return plain.every(({ bytes }) => isBlank(bytes)) ? decodeChosen(raw, bodyParts(parts, 'html')) : plain;
}

function decodeChosen(raw: Buffer, chosen: WalkedPart[]): DecodedBody[] {
  return chosen.map((part) => ({
    part,
    bytes: decodeTransfer(raw.subarray(part.offset, part.offset + part.length), part.encoding),
  }));
}

function isBlank(bytes: Buffer): boolean {
  for (const byte of bytes.subarray(0, lookedAtBytes)) if (byte > 0x20) return false;
  return true;
}

/** The text to show and to search, with line feeds as line ends, at most `maxCharacters` long. */
export function textOfBodies(bodies: DecodedBody[], maxCharacters: number): { text: string; truncated: boolean } {
  let text = '';
  for (const body of bodies) {
    const more = textOf(body, maxCharacters + 1).trimEnd();
    if (more !== '') text += text === '' ? more : `\n${more}`;
    if (text.length > maxCharacters) return { text: cutText(text, maxCharacters), truncated: true };
  }
  return { text, truncated: false };
}

function textOf({ part, bytes }: DecodedBody, maxCharacters: number): string {
  // No charset takes more than four bytes for a character, and cutting one in two only harms the character that is cut off anyway.
  const cut = part.role === 'html' ? bytes : bytes.subarray(0, (maxCharacters + 1) * 4);
  const text = decodeText(cut, part.charset);
  if (part.role === 'html') return cleanText(htmlToText(text, maxCharacters));
  const lines = cleanText(text).replace(/\r\n?/g, '\n');
  if (part.parameters['format']?.toLowerCase() !== 'flowed') return lines;
  return libmime.decodeFlowed(lines, part.parameters['delsp']?.toLowerCase() === 'yes');
}

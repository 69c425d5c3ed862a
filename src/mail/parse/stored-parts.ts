import type { PartDescriptor } from '../../domain/message';
import { bodyParts } from './body-choice';
import { decodeText } from './charset';
import { cleanText } from './clean-text';
import { decodeTransfer } from './transfer-encoding';

/** The content of a part, its transfer encoding undone. `body` is what lies at `part.offset`, `part.length` bytes long, in the kept bytes. */
export function decodePart(body: Buffer, part: Pick<PartDescriptor, 'encoding'>): Buffer {
  return decodeTransfer(body, part.encoding);
}

/**
 * The HTML that a message shows, as it came and not fit to be shown before it is sanitised; null where the message has none. Plain text that
 * stands beside it is in it as preformatted text. `raw` are the kept bytes of the copy that `parts` describes.
 */
export function readHtml(raw: Buffer, parts: PartDescriptor[]): string | null {
  const shown = bodyParts(parts, 'html').filter((part) => part.kept);
  if (!shown.some((part) => part.role === 'html')) return null;
  return shown.map((part) => htmlOf(raw.subarray(part.offset, part.offset + part.length), part)).join('\n<hr>\n');
}

function htmlOf(body: Buffer, part: PartDescriptor): string {
  const bytes = decodeTransfer(body, part.encoding);
  if (part.role === 'html') return cleanText(decodeText(bytes, part.charset ?? charsetInHtml(bytes)));
  const escaped = cleanText(decodeText(bytes, part.charset)).replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<pre>${escaped}</pre>`;
}

/** What a document says of itself in its first bytes (HTML 13.2.3.2), for mail whose header does not say it. */
function charsetInHtml(bytes: Buffer): string | null {
  return (
    /<meta[^>]{1,200}charset\s{0,9}=\s{0,9}["']?([\w-]{1,40})/i.exec(bytes.toString('latin1', 0, 1024))?.[1] ?? null
  );
}

const lineFeed = 0x0a;

/**
 * Header fields that are the message's own. All others (Bcc, delivery and trace headers, and whatever servers add) belong to the copy, and
 * may say who else got it: they are shown only to those who hold that copy (product promise C12).
 */
const ownFields = new Set(
  (
    'from sender reply-to to cc subject date message-id in-reply-to references comments keywords mime-version ' +
    'content-type content-transfer-encoding content-disposition content-id content-description content-language content-location ' +
    'auto-submitted precedence importance priority x-priority sensitivity organization user-agent x-mailer thread-topic thread-index ' +
    'list-id list-post list-help list-owner list-archive disposition-notification-to'
  ).split(' '),
);

/**
 * A message with only its own header fields, as it passes: the header is held until its end, at most `maxHeaderBytes`, and what goes
 * beyond that is left out; the body follows byte for byte.
 */
export async function* withOwnHeaderOnly(
  content: AsyncIterable<Buffer>,
  maxHeaderBytes: number,
): AsyncGenerator<Buffer> {
  let open: Buffer | null = Buffer.alloc(0);
  for await (const piece of content) {
    if (open === null) {
      yield piece;
      continue;
    }
    open = Buffer.concat([open, piece]);
    const end = headerEnd(open);
    if (end < 0 && open.length <= maxHeaderBytes) continue;
    if (end < 0) return;
    yield ownHeader(open.subarray(0, end));
    yield open.subarray(end);
    open = null;
  }
  if (open !== null && open.length > 0) yield ownHeader(open);
}

/** Where the empty line behind the header begins, -1 where it has not come yet. */
function headerEnd(bytes: Buffer): number {
  if (bytes[0] === lineFeed || (bytes[0] === 0x0d && bytes[1] === lineFeed)) return 0;
  for (let at = bytes.indexOf(lineFeed); at >= 0; at = bytes.indexOf(lineFeed, at + 1)) {
    const next = bytes[at + 1];
    if (next === lineFeed || (next === 0x0d && bytes[at + 2] === lineFeed)) return at + 1;
  }
  return -1;
}

/** Folded lines (RFC 5322 2.2.3) go with the field they continue. */
function ownHeader(header: Buffer): Buffer {
  const kept: Buffer[] = [];
  let own = false;
  for (let from = 0; from < header.length;) {
    const end = header.indexOf(lineFeed, from);
    const line = header.subarray(from, end < 0 ? header.length : end + 1);
    if (line[0] !== 0x20 && line[0] !== 0x09) own = isOwnField(line);
    if (own) kept.push(line);
    from += line.length;
  }
  return Buffer.concat(kept);
}

function isOwnField(line: Buffer): boolean {
  const colon = line.indexOf(0x3a);
  return colon > 0 && ownFields.has(line.toString('latin1', 0, colon).trim().toLowerCase());
}

/** The excuse is short; a message as long as this is none. */
const longestExcuseBytes = 65_536;
const headerBytes = 8_192;

/**
 * Whether these bytes are not the message but Exchange's excuse for not having it: a made-up message whose subject is
 * "Retrieval using the IMAP4 protocol failed for the following message: <uid>". Stored as content it would hide the real one.
 */
export function isServersExcuse(raw: Buffer, uid: number): boolean {
  if (raw.length > longestExcuseBytes) return false;
  const header = raw
    .subarray(0, headerBytes)
    .toString('latin1')
    .replace(/\r?\n[ \t]+/g, ' ');
  const match = /^Subject:\s*Retrieval using the IMAP4 protocol failed for the following message:?\s*<?(\d*)/im.exec(
    header,
  );
  return match !== null && (match[1] === '' || Number(match[1]) === uid);
}

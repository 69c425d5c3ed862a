import type { PartDescriptor } from '../../domain/message';

const marker = Buffer.from('[not kept]');

/**
 * The bytes of a message without the bodies of its attachments, for policies that keep none of them: a short marker stands in their place,
 * everything else is byte for byte as it was. The descriptors are those of the reduced bytes, `kept: false` where a marker stands.
 */
export function reduceRaw(raw: Buffer, parts: PartDescriptor[]): { bytes: Buffer; parts: PartDescriptor[] } {
  const pieces: Buffer[] = [];
  const reduced: PartDescriptor[] = [];
  let copiedTo = 0;
  let removed = 0;
  const open: { part: PartDescriptor; end: number; removedBefore: number }[] = [];
  const closeUpTo = (offset: number) => {
    for (let last = open.at(-1); last !== undefined && last.end <= offset; last = open.at(-1)) {
      last.part.length -= removed - last.removedBefore;
      open.pop();
    }
  };
  for (const part of parts) {
    closeUpTo(part.offset);
    const moved = { ...part, offset: part.offset - removed };
    reduced.push(moved);
    if (part.role === 'multipart') open.push({ part: moved, end: part.offset + part.length, removedBefore: removed });
    if (part.role !== 'attachment' || !part.kept || part.length <= marker.length) continue;
    pieces.push(raw.subarray(copiedTo, part.offset), marker);
    copiedTo = part.offset + part.length;
    removed += part.length - marker.length;
    Object.assign(moved, { length: marker.length, kept: false, encoding: 'identity' });
  }
  closeUpTo(raw.length);
  pieces.push(raw.subarray(copiedTo));
  return { bytes: Buffer.concat(pieces), parts: reduced };
}

/**
 * The descriptors of reduced bytes that were read once more: `parts` are what the walk saw in them now, `before` what was written down when
 * they were reduced. Where a marker stands, the part is what it was then, or is left out where it was not to be told of.
 */
export function reducedParts(reduced: Buffer, parts: PartDescriptor[], before: PartDescriptor[]): PartDescriptor[] {
  const known = new Map(before.map((part) => [part.offset, part]));
  return parts.flatMap((part) => {
    const isMarker = part.role === 'attachment' && startsWithMarker(reduced, part);
    if (!isMarker) return [part];
    return known.has(part.offset)
      ? [{ ...part, length: marker.length, kept: false, encoding: 'identity' as const }]
      : [];
  });
}

/** Nothing but white space may follow: a walk that finds the end of a part elsewhere finds the marker all the same. */
function startsWithMarker(reduced: Buffer, { offset, length }: PartDescriptor): boolean {
  const body = reduced.subarray(offset, offset + length);
  return (
    body.subarray(0, marker.length).equals(marker) && body.subarray(marker.length).toString('latin1').trim() === ''
  );
}

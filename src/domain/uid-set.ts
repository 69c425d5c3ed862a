/** UIDs as ranges, both ends inclusive, ascending, neither touching nor overlapping: a mailbox of a million costs kilobytes. */
export type UidRanges = readonly { from: number; to: number }[];

/** The ranges of ascending numbers; numbers that stand twice count once. */
export function rangesOf(ascending: Iterable<number>): UidRanges {
  const ranges: { from: number; to: number }[] = [];
  // Held here, because to look before the beginning of an array takes longer than all else.
  let last: { from: number; to: number } | null = null;
  for (const uid of ascending) {
    if (last !== null && uid <= last.to + 1) last.to = Math.max(last.to, uid);
    else {
      last = { from: uid, to: uid };
      ranges.push(last);
    }
  }
  return ranges;
}

/** The numbers of an ascending list that are in none of the ranges. One pass over both. */
export function outside(ascending: readonly number[], ranges: UidRanges): number[] {
  const isInside = ascendingThrough(ranges);
  return ascending.filter((uid) => !isInside(uid));
}

/** The numbers of an ascending list that are in one of the ranges. One pass over both. */
export function inside(ascending: readonly number[], ranges: UidRanges): number[] {
  return ascending.filter(ascendingThrough(ranges));
}

/** Says of one number after the other, each no smaller than the one before, whether it is in one of the ranges. */
function ascendingThrough(ranges: UidRanges): (uid: number) => boolean {
  let at = 0;
  let range = ranges[0];
  return (uid) => {
    while (range !== undefined && range.to < uid) {
      at += 1;
      // To look behind the end of an array takes longer than all else here.
      range = at < ranges.length ? ranges[at] : undefined;
    }
    return range !== undefined && uid >= range.from;
  };
}

/** The numbers in the ranges that an ascending list does not have. */
export function absentFrom(ranges: UidRanges, ascending: readonly number[]): number[] {
  const absent: number[] = [];
  let at = 0;
  for (const range of ranges) {
    for (let uid = range.from; uid <= range.to; uid += 1) {
      while ((ascending[at] ?? Infinity) < uid) at += 1;
      if (ascending[at] !== uid) absent.push(uid);
    }
  }
  return absent;
}

/** How many numbers the ranges hold. */
export function sizeOf(ranges: UidRanges): number {
  return ranges.reduce((sum, range) => sum + range.to - range.from + 1, 0);
}

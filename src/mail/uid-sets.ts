/** Some servers cut command lines at 8,192 octets; the rest of the command needs room too. */
const maxSetCharacters = 7_500;

/**
 * Sequence sets (RFC 9051 9, sequence-set) that name exactly these UIDs: ascending, because some servers answer BAD to
 * anything else, without duplicates, neighbours as ranges, each short enough for one command line.
 */
export function uidSetsOf(uids: readonly number[]): string[] {
  const sets: string[] = [];
  let set = '';
  for (const range of rangesOf(ascending(uids))) {
    if (set !== '' && set.length + range.length + 1 > maxSetCharacters) {
      sets.push(set);
      set = '';
    }
    set += set === '' ? range : `,${range}`;
  }
  if (set !== '') sets.push(set);
  return sets;
}

/** The UIDs in ascending order, each once. */
export function ascending(uids: Iterable<number>): number[] {
  const list = [...uids];
  // As servers send them; of hundreds of thousands a set and a sort would take longer than anything else may wait.
  const isSo = list.every((uid, index) => index === 0 || uid > (list[index - 1] ?? uid));
  return isSo ? list : [...new Set(list)].sort((a, b) => a - b);
}

function* rangesOf(uids: readonly number[]): Generator<string> {
  let from: number | undefined;
  let last: number | undefined;
  for (const uid of uids) {
    if (from !== undefined && last !== undefined && uid !== last + 1) {
      yield rangeOf(from, last);
      from = uid;
    }
    from ??= uid;
    last = uid;
  }
  if (from !== undefined && last !== undefined) yield rangeOf(from, last);
}

function rangeOf(from: number, to: number): string {
  return from === to ? String(from) : `${String(from)}:${String(to)}`;
}

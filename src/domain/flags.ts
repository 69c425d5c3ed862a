/** System flags (RFC 9051 2.3.2) as bits; keywords are not kept. */
const flagBits = { '\\Seen': 1, '\\Answered': 2, '\\Flagged': 4, '\\Draft': 8, '\\Deleted': 16 } as const;

/** The bits of a set of IMAP flags, compared without case (RFC 9051 2.3.2). */
export function flagsOf(flags: Iterable<string>): number {
  let bits = 0;
  for (const flag of flags) {
    const wanted = flag.toLowerCase();
    for (const [name, bit] of Object.entries(flagBits)) if (name.toLowerCase() === wanted) bits |= bit;
  }
  return bits;
}

/** The names of flag bits, as the API shows them: `seen`, `answered`, `flagged`, `draft`, `deleted`. */
export function flagNames(bits: number): string[] {
  return Object.entries(flagBits)
    .filter(([, bit]) => (bits & bit) !== 0)
    .map(([name]) => name.slice(1).toLowerCase());
}

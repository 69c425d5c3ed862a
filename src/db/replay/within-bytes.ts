/** Rows of a share, in their order: those that have not been tried before stand first. */
interface Tried {
  /** Bytes. */
  size: number | null;
  tries: number;
}

/** How many of the first rows have not been tried and fit; one at least. */
export function withinBytes(rows: readonly Tried[], bytes: number): number {
  let sum = 0;
  const end = rows.findIndex(({ size, tries }, at) => {
    sum += size ?? 0;
    return at > 0 && (tries > 0 || sum > bytes);
  });
  return end < 0 ? rows.length : end;
}

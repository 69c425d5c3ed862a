/** Which messages of a folder an audit asks who they are, and how far the rotation is then. */
export interface IdentityPart {
  /** Ascending. */
  uids: number[];
  /** The next audit begins above this UID; 0: at the beginning. */
  to: number;
  /** The last message has had its turn. */
  isEnd: boolean;
}

/** Where a server that was put back to an older state gives UIDs away anew. */
const newestCompared = 1_000;

/**
 * The newest 1,000 messages and the next part above `after`, so that all of a folder with one audit a day have been compared in
 * `days`. A part has 1,000 messages at least. `uids` ascending.
 */
export function identityPart(uids: readonly number[], from: { after: number; days: number }): IdentityPart {
  const newest = uids.slice(-newestCompared);
  const older = uids.slice(0, -newestCompared);
  const next = older.filter((uid) => uid > from.after);
  const left = next.length > 0 ? next : older;
  const part = left.slice(0, Math.max(newestCompared, Math.ceil(older.length / from.days)));
  const isEnd = part.length === left.length;
  return { uids: [...part, ...newest], to: isEnd ? 0 : (part.at(-1) ?? 0), isEnd };
}

/** All of them at once, or the newest only: the rotation stands still, unless there are no others. */
export function newestPart(uids: readonly number[], after: number): IdentityPart {
  const isEnd = uids.length <= newestCompared;
  return { uids: uids.slice(-newestCompared), to: isEnd ? 0 : after, isEnd };
}

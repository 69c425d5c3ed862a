import type { FolderSnapshot } from './folder';
import { absentFrom, outside, rangesOf, sizeOf, type UidRanges } from './uid-set';

/** A cursor that is known to stand for the ledger: that many of its live rows have a UID below `uidNext`, and the server had no other message. */
export interface ExactCursor {
  uidNext: number;
  exists: number;
}

/** What a server shows of an open folder when it is not asked for all of it. UIDs ascend. */
export interface ShownTail {
  snapshot: Pick<FolderSnapshot, 'uidNext' | 'messages'>;
  /** The first UID of the tail. */
  from: number;
  /** All UIDs from there on. */
  uids: readonly number[];
  /** The UIDs, of the whole folder, that were changed or added since the cursor by the server's count (RFC 7162 CHANGEDSINCE). */
  changed: readonly number[];
}

/** What the ledger has of the same UIDs. */
export interface RecordedTail {
  /** Live rows of the tail. */
  live: UidRanges;
  /** Rows of the tail, live or not, of messages that are not to be fetched. */
  known: UidRanges;
  /** How many of the changed UIDs below the tail have a live row of a message that is not to be fetched. */
  changedBelow: number;
}

/** What has come to a folder, and what has gone from it; or why only a comparison of all UIDs can tell. */
export type TailNews =
  | { kind: 'told'; fresh: number[]; gone: number[] }
  | {
      kind: 'doubtful';
      reason: 'count-differs' | 'shown-late' | 'changed-but-not-shown' | 'arrival-not-counted' | 'shown-again';
    };

/**
 * What a tail tells of a whole folder (docs/decisions/0015). Below the tail nothing has come, because that would have been counted as a
 * change, and as many messages are left there as the ledger has live, so nothing has gone either. In the tail both sides are known.
 */
export function newsOfTail(cursor: ExactCursor, shown: ShownTail, recorded: RecordedTail): TailNews {
  const { from, uids, changed, snapshot } = shown;
  const { live, known, changedBelow } = recorded;
  const below = changed.filter((uid) => uid < from);
  if (changedBelow !== below.length) return { kind: 'doubtful', reason: 'shown-late' };
  const counted = uids.filter((uid) => uid < snapshot.uidNext);
  const changedInTail = changed.filter((uid) => uid >= from && uid < snapshot.uidNext);
  if (outside(changedInTail, rangesOf(counted)).length > 0)
    return { kind: 'doubtful', reason: 'changed-but-not-shown' };
  const arrived = counted.filter((uid) => uid >= cursor.uidNext);
  if (outside(arrived, rangesOf(changedInTail)).length > 0) return { kind: 'doubtful', reason: 'arrival-not-counted' };
  const leftBelow = snapshot.messages - counted.length;
  if (leftBelow !== cursor.exists - sizeOf(liveBefore(live, cursor.uidNext))) {
    return { kind: 'doubtful', reason: 'count-differs' };
  }
  const fresh = outside(uids, known);
  const shownAgain = outside(outside(uids, live), rangesOf(fresh));
  if (shownAgain.length > 0) return { kind: 'doubtful', reason: 'shown-again' };
  return { kind: 'told', fresh, gone: absentFrom(live, uids) };
}

function liveBefore(live: UidRanges, uidNext: number): UidRanges {
  return live.flatMap(({ from, to }) => (from < uidNext ? [{ from, to: Math.min(to, uidNext - 1) }] : []));
}

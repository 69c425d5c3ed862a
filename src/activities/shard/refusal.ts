/**
 * A password that was refused, by a server where rounds may still go on over connections from before. It is tried again only when a round
 * got in that had to log in: one that came so long after every other that no connection was kept.
 */
export interface Refusal {
  kind: 'refused';
  /** Of the mailbox; another time means another round. */
  lastSuccessAt: number;
  /** The last time at which a round may have used a connection from before. */
  busyAt: number;
  /** A round shows something if it comes so long after that. */
  quietMs: number;
  /** A round that has to log in was asked for. */
  isAsked: boolean;
}

/** Of the time that connections are kept: a round that began sooner may have used one, and takes a while. */
const quietFactor = 1.5;
/** A password that is refused time and again is tried no less often than this, if rounds get in with it. */
const longestQuietMs = 3_600_000;

/** The refusal that comes after `times - 1` others (none where `times` is 0 or 1): each doubles the time that it takes to show something. */
export function refusalOf(at: { lastSuccessAt: number; now: number; keptMs: number; times: number }): Refusal {
  const quietMs = Math.min(longestQuietMs, at.keptMs * quietFactor * 2 ** Math.max(0, at.times - 1));
  return { kind: 'refused', lastSuccessAt: at.lastSuccessAt, busyAt: at.now, quietMs, isAsked: false };
}

/** Whether a round that succeeds now had to log in, or would have to. */
export function isQuiet({ busyAt, quietMs }: Refusal, now: number): boolean {
  return now - busyAt >= quietMs;
}

/** What of a mailbox was under way when its stop began. */
export interface InFlight {
  rounds: number;
  imports: number;
  audits: number;
}

/** How work came to its end: by itself, told to leave off, or cut off. */
export type StopEnd = 'drained' | 'cancelled' | 'terminated';

/** What a stop came to; the result of its operation. */
export interface StopReport {
  ended: StopEnd;
  inFlight: InFlight;
}

/** The report of a stop that found nothing to end. */
export const nothingToStop: StopReport = { ended: 'drained', inFlight: { rounds: 0, imports: 0, audits: 0 } };

/** A report as a person reads it in the list of closed workflows. */
export function saidOf({ ended, inFlight }: StopReport): string {
  const counts = `${String(inFlight.rounds)} rounds, ${String(inFlight.imports)} imports, ${String(inFlight.audits)} audits`;
  return `${ended}; in flight were ${counts}`;
}

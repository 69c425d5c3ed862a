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

/** Whether nothing was under way. */
export function isNothing({ rounds, imports, audits }: InFlight): boolean {
  return rounds + imports + audits === 0;
}

/** A report as a person reads it in the list of closed workflows. */
export function saidOf({ ended, inFlight }: StopReport): string {
  return `${ended}; in flight: ${countsOf(inFlight)}`;
}

/** What was under way, in counts: `1 round, 2 imports`, or `nothing`. */
export function countsOf(inFlight: InFlight): string {
  const counts = [
    counted(inFlight.rounds, 'round'),
    counted(inFlight.imports, 'import'),
    counted(inFlight.audits, 'audit'),
  ].flatMap((count) => count ?? []);
  return counts.join(', ') || 'nothing';
}

function counted(count: number, noun: string): string | null {
  return count === 0 ? null : `${String(count)} ${noun}${count === 1 ? '' : 's'}`;
}

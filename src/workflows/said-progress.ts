import type { JobProgress } from '../domain/job-progress';

/** How far a job is, for people: `3 of 10 messages`. */
export function howFar({ done, total }: Pick<JobProgress, 'done' | 'total'>, what: string): string {
  return total === null ? `${String(done)} ${what}` : `${String(done)} of ${String(total)} ${what}`;
}

/** What the report of a job counts, a line each; nothing where it counts nothing yet. */
export function countsIn({ counts }: Pick<JobProgress, 'counts'>): string[] {
  return Object.entries(counts).map(([name, count]) => `${name}: ${String(count)}`);
}

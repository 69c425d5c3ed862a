import type { JobProgress } from '../domain/job-progress';

/** How far a job is, for people: `3 of 10 messages`. An activity that ended before jobs told of it says nothing. */
export function howFar(progress: Pick<JobProgress, 'done' | 'total'> | undefined, what: string): string {
  if (progress === undefined) return what;
  const { done, total } = progress;
  return total === null ? `${String(done)} ${what}` : `${String(done)} of ${String(total)} ${what}`;
}

/** What the report of a job counts, a line each; nothing where it counts nothing yet. */
export function countsIn(progress: Pick<JobProgress, 'counts'> | undefined): string[] {
  return Object.entries(progress?.counts ?? {}).map(([name, count]) => `${name}: ${String(count)}`);
}

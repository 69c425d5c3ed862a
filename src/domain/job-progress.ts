/** How far a job is, and what its report counts by now. */
export interface JobProgress {
  done: number;
  /** Null where nobody has counted. */
  total: number | null;
  /** The numbers of its result, by name; none before it has one. */
  counts: Record<string, number>;
}

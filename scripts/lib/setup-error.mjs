// @ts-check

/** Something a person must change before set-up can go on: what is wrong, and what to do about it. */
export class SetupError extends Error {
  name = 'SetupError';

  /**
   * @param {string} problem one sentence
   * @param {string} remedy one sentence, what to do
   * @param {unknown} [cause]
   */
  constructor(problem, remedy, cause) {
    super(`${problem} ${remedy}`, { cause });
    this.problem = problem;
    this.remedy = remedy;
  }
}

/** What is told of an error that is nothing a person could change: where it comes from. @param {unknown} error */
export function stackOf(error) {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** The database could not be prepared; the message says why, and what to do. No password in it. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

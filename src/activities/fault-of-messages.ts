import { DatabaseUnavailable, isWorthRepeating, refusesWhatIsWritten, sqlStateOf } from '../db/database-error';
import { StaleFence } from '../domain/stale-fence';
import type { ActivityRun } from './context';

/**
 * Whose fault it is that a share of messages broke off. `nobodys`: it was to stop, has a newer wish, or the database went away, and no try
 * counts. `messages`: the database does not take what is written of one, or no code is known for it; it keeps its try, and the others go on.
 * `unknown`: a disk or a server may be the cause, which a pause may mend, or a message.
 */
export type FaultOf = 'nobodys' | 'messages' | 'unknown';

/** Whose fault an error is that ended the work on stored messages. */
export function faultOf(error: unknown, { signal }: Pick<ActivityRun, 'signal'>): FaultOf {
  const isNobodys =
    signal.aborted || error instanceof StaleFence || error instanceof DatabaseUnavailable || isWorthRepeating(error);
  if (isNobodys) return 'nobodys';
  const isWithoutCode = error instanceof Error && !('code' in error) && sqlStateOf(error) === null;
  return refusesWhatIsWritten(error) || isWithoutCode ? 'messages' : 'unknown';
}

/** What a log line may say of an error: its SQLSTATE, or its name. */
export function nameOfFault(error: unknown): string {
  return sqlStateOf(error) ?? (error instanceof Error ? error.name : typeof error);
}

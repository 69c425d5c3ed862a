import { ApplicationFailure, CancelledFailure } from '@temporalio/common';

const framesShown = 5;

/**
 * What Temporal and the logs may know of an unexpected error: its class, its code and where it was thrown. Messages of libraries quote
 * what they were given, and history is not the place for content (invariant 4).
 */
export function scrubbedError(error: unknown): Error {
  if (error instanceof CancelledFailure || isAbort(error)) return error as Error;
  if (!(error instanceof Error))
    return ApplicationFailure.retryable('something that is no error was thrown', 'Unknown');
  const code = 'code' in error && /^[\w-]{1,40}$/.test(String(error.code)) ? ` ${String(error.code)}` : '';
  const failure = ApplicationFailure.retryable(`${error.name}${code}`, error.name);
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  failure.stack = [`${error.name}${code}`, ...frames.slice(0, framesShown)].join('\n');
  return failure;
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

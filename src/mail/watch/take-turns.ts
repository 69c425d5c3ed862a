import { MailFailure } from '../../domain/failure';
import type { Session } from '../session';
import { internalsOf } from './imapflow-internals';

/** A line takes some 20 microseconds, so this is a millisecond. */
const linesPerTurn = 50;

/** As many bytes of a long line cost as much as a short line. */
const bytesPerLine = 64;

const oneMinuteMs = 60_000;

/**
 * Makes the reading of a connection wait for the next turn of the event loop after so many lines. imapflow means to do so and does
 * not where lines come one by one out of a big chunk: 2 MB of short lines held up everything else in the process for a second.
 * While it waits, nothing more is read from the socket. A server that sends more than this within a minute loses the connection;
 * a line counts for 64 bytes at least, for it is the short ones that cost.
 */
export function takeTurns(session: Session, maxBytesPerMinute: number): void {
  session.limitBytes(maxBytesPerMinute);
  const internals = internalsOf(session.client);
  const handle = internals.handleResponse.bind(session.client);
  let minute = { since: performance.now(), lines: 0 };
  let lines = 0;
  internals.handleResponse = async (line) => {
    if (lines === 0) {
      setImmediate(() => {
        lines = 0;
      });
    }
    lines += 1;
    minute.lines += 1;
    const now = performance.now();
    if (now - minute.since >= oneMinuteMs) minute = { since: now, lines: 1 };
    if (minute.lines * bytesPerLine > maxBytesPerMinute) {
      session.end(new MailFailure('busy', 'read', { code: 'flooded' }));
    }
    if (lines > linesPerTurn) {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    return handle(line);
  };
}

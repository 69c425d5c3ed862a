/** How long a server may take. */
export interface Patience {
  /** Silence while an answer is owed. */
  socketTimeoutMs: number;
  /** The longest that one command may take with an answer that drips. */
  commandTimeoutMs: number;
  /** Each so many bytes of an answer allow a second more than that. */
  minBytesPerSecond: number;
}

/** Between two looks at whether anything has arrived. */
const looksPerTimeout = 8;

/**
 * Calls `tooLong` when a server has been silent for too long, or has taken too long for the little that it sent: a byte now and then is
 * no silence, and would hold a mailbox for ever. Time in which `isOurs` is not the server's. Runs until the timer is cleared.
 */
export function watchSilence(
  patience: Patience,
  wire: { readonly bytesRead: number },
  { isOurs, tooLong }: { isOurs: () => boolean; tooLong: () => void },
): NodeJS.Timeout {
  const before = wire.bytesRead;
  let seen = before;
  let since = performance.now();
  let lookedAt = since;
  let waitedMs = 0;
  const look = (): void => {
    const now = performance.now();
    if (!isOurs()) waitedMs += now - lookedAt;
    lookedAt = now;
    if (isOurs() || wire.bytesRead !== seen) {
      seen = wire.bytesRead;
      since = now;
    }
    const allowedMs = patience.commandTimeoutMs + ((wire.bytesRead - before) / patience.minBytesPerSecond) * 1_000;
    if (now - since >= patience.socketTimeoutMs || waitedMs >= allowedMs) tooLong();
  };
  return setInterval(look, Math.max(10, patience.socketTimeoutMs / looksPerTimeout)).unref();
}

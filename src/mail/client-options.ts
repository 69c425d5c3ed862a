import type { ImapFlowOptions } from 'imapflow';

import type { MailboxAccess } from './mailbox';

interface ClientLimits {
  connectTimeoutMs: number;
  maxLiteralBytes?: number;
  maxLineBytes?: number;
}

const defaultMaxLiteralBytes = 134_217_728;

/** The longest line is the answer to a SEARCH, some 150,000 UIDs; big folders are searched by ranges. Whatever else stands in it is read within 200 ms. */
const defaultMaxLineBytes = 1_572_864;

/** Values of one answer, but for a SEARCH; some 100 ms of reading. */
const maxResponseTokens = 100_000;

/** imapflow's own watchdog ends idle connections too; this one only has to outlive ours. RFC 9051 5.4: servers log out after 30 minutes. */
const idleLimitMs = 1_800_000;

/** How imapflow is to behave on every connection of ours. */
export function clientOptionsOf(access: MailboxAccess, options: ClientLimits): ImapFlowOptions {
  const maxLiteralSize = options.maxLiteralBytes ?? defaultMaxLiteralBytes;
  return {
    port: access.port,
    secure: access.security === 'tls',
    ...(access.security === 'tls' ? {} : { doSTARTTLS: access.security === 'starttls' }),
    auth: { user: access.username, pass: access.password },
    clientInfo: { name: 'Letterbook', vendor: false, 'support-url': false },
    connectionTimeout: options.connectTimeoutMs,
    greetingTimeout: options.connectTimeoutMs,
    socketTimeout: idleLimitMs,
    disableAutoIdle: true,
    // Strato answers SEARCH wrongly in rev2, and no server needs it.
    disableIMAP4rev2: true,
    // iCloud and Cyrus have sent VANISHED for live mail; the set difference needs no QRESYNC.
    qresync: false,
    disableCompression: true,
    maxLiteralSize,
    maxLineLength: options.maxLineBytes ?? defaultMaxLineBytes,
    maxResponseTokens,
    maxResponseSize: maxLiteralSize + 1_048_576,
  };
}

/**
 * imapflow's log goes nowhere, for it holds addresses and content. One entry is taken as an event: imapflow waits out a throttling
 * (up to five minutes, four times) with nothing but this entry to tell of it.
 */
export function throttleListener(told: (error: unknown) => void): NonNullable<ImapFlowOptions['logger']> {
  const nothing = (): void => undefined;
  return Object.assign(
    {
      debug: nothing,
      info: nothing,
      error: nothing,
      fatal: nothing,
      warn(entry: unknown) {
        if (typeof entry !== 'object' || entry === null || !('msg' in entry) || !('err' in entry)) return;
        if (entry.msg === 'Throttling detected') told(entry.err);
      },
    },
    { isLevelEnabled: () => false },
  );
}

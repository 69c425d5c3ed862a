import { ImapFlow, type ImapFlowOptions } from 'imapflow';

import { MailFailure } from '../domain/failure';
import { failureOf } from './classify';
import { resolveHost, tlsNameOf, type HostAddress, type HostRules } from './host-rules';
import type { MailboxAccess } from './mailbox';
import { checkedTransport, type Wire } from './transport';

export interface OpenOptions {
  hostRules: HostRules;
  /** Reaching the server, until its greeting; over all its addresses. */
  connectTimeoutMs: number;
  /** Silence while an answer is owed. */
  socketTimeoutMs: number;
  /** Bytes asked for at once when a message is streamed; 1 MiB where absent. */
  streamChunkBytes?: number;
  /** The longest literal taken into memory; a server that announces more loses the connection. 128 MiB where absent. */
  maxLiteralBytes?: number;
  /** Ends the connection, whatever it is doing. */
  signal?: AbortSignal;
}

const defaultMaxLiteralBytes = 134_217_728;

/** The longest line is the answer to a SEARCH: some six million UIDs. */
const maxLineBytes = 67_108_864;

/** imapflow's own watchdog ends idle connections too; this one only has to outlive ours. RFC 9051 5.4: servers log out after 30 minutes. */
const idleLimitMs = 1_800_000;

/** Between two looks at whether anything has arrived. */
const looksPerTimeout = 8;

/** A connection that is logged in, and the one place where calls on it get their deadline and their MailFailure. */
export class Session {
  /** Set for as long as a consumer holds up the reading: the silence is ours then. */
  private waitingForConsumer = false;
  private ending: MailFailure | undefined;
  /** What imapflow ended the connection for; the call that was running only hears that it is gone. */
  private lostBy: Error | undefined;
  private readonly running = new Set<(failure: MailFailure) => void>();

  constructor(
    readonly client: ImapFlow,
    private readonly wire: Wire,
    private readonly socketTimeoutMs: number,
  ) {
    // Without a listener an 'error' event ends the process.
    client.on('error', (error: Error) => {
      this.lostBy = error;
    });
  }

  get usable(): boolean {
    return this.client.usable && this.ending === undefined;
  }

  /**
   * Runs one step of the protocol. Fails when nothing arrives for the socket time-out, when the server throttles (imapflow would
   * wait in silence and try again) and when the connection ends.
   * @throws MailFailure
   */
  async run<T>(operation: string, action: () => Promise<T>): Promise<T> {
    if (this.ending !== undefined) throw new MailFailure(this.ending.kind, operation, { code: this.ending.code });
    let fail: (failure: MailFailure) => void = () => undefined;
    const ended = new Promise<never>((_resolve, reject) => {
      fail = reject;
    });
    this.running.add(fail);
    const watch = this.watchSilence(operation);
    try {
      return await Promise.race([action(), ended]);
    } catch (error) {
      throw this.failureOf(error, operation);
    } finally {
      clearInterval(watch);
      this.running.delete(fail);
    }
  }

  /** Waits for a consumer of what was fetched; the time it takes is not the server's silence. */
  async whileConsumed<T>(consume: () => Promise<T>): Promise<T> {
    this.waitingForConsumer = true;
    try {
      return await consume();
    } finally {
      this.waitingForConsumer = false;
    }
  }

  /** Ends the connection; what is running and all that is asked later fails with this. */
  end(failure: MailFailure): void {
    this.ending ??= failure;
    for (const fail of this.running) fail(this.ending);
    this.client.close();
  }

  private failureOf(error: unknown, operation: string): MailFailure {
    if (this.ending !== undefined) {
      const { kind, code, retryAfterMs } = this.ending;
      return new MailFailure(kind, operation, { code, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
    }
    if (this.wire.foreign) return new MailFailure('unreachable', operation, { code: 'not-an-imap-server' });
    return failureOf(withByeReason(this.lostBy ?? error, this.client.byeReason), operation);
  }

  private watchSilence(operation: string): NodeJS.Timeout {
    let seen = this.wire.bytesRead;
    let since = Date.now();
    const look = (): void => {
      if (this.waitingForConsumer || this.wire.bytesRead !== seen) {
        seen = this.wire.bytesRead;
        since = Date.now();
      } else if (Date.now() - since >= this.socketTimeoutMs) {
        this.end(new MailFailure('unreachable', operation, { code: 'timed-out' }));
      }
    };
    return setInterval(look, Math.max(10, this.socketTimeoutMs / looksPerTimeout)).unref();
  }
}

/** The reason of a BYE is where servers say that there are too many connections; imapflow does not put it on every error. */
function withByeReason(error: unknown, reason: string | undefined): unknown {
  if (reason === undefined || !(error instanceof Error) || 'reason' in error) return error;
  return Object.assign(error, { reason });
}

/**
 * Connects and logs in: the name is resolved and checked, then its addresses are tried in turn.
 * @throws MailFailure
 */
export async function openSession(access: MailboxAccess, options: OpenOptions): Promise<Session> {
  const deadline = Date.now() + options.connectTimeoutMs;
  const resolving = resolveHost(access.host, options.hostRules);
  const addresses = await within(resolving, options.connectTimeoutMs, options.signal);
  let failure: MailFailure | undefined;
  for (const address of addresses) {
    const leftMs = deadline - Date.now();
    if (leftMs <= 0) break;
    try {
      return await connectTo(address, access, { ...options, connectTimeoutMs: leftMs });
    } catch (error) {
      failure = failureOf(error, 'connect');
      if (failure.code !== 'port-closed') throw failure;
    }
  }
  throw failure ?? new MailFailure('unreachable', 'connect', { code: 'timed-out' });
}

/** Waits no longer for something that has no time-out of its own, such as the system's resolver. Throws MailFailure `timed-out` or `aborted`. */
export async function within<T>(work: Promise<T>, timeoutMs: number, signal: AbortSignal | undefined): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const stop = new AbortController();
  const late = new Promise<never>((_resolve, reject) => {
    const fail = (code: string) => (): void => {
      reject(new MailFailure('unreachable', 'connect', { code }));
    };
    timer = setTimeout(fail('timed-out'), timeoutMs);
    if (signal?.aborted === true) fail('aborted')();
    signal?.addEventListener('abort', fail('aborted'), { signal: stop.signal });
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}

async function connectTo(address: HostAddress, access: MailboxAccess, options: OpenOptions): Promise<Session> {
  const { transport, wire } = checkedTransport(access, { address, tlsName: tlsNameOf(access.host) });
  const throttle: { told: (waitMs: number) => void } = { told: () => undefined };
  const client = new ImapFlow({
    ...clientOptionsOf(access, options),
    host: address.address,
    transport,
    logger: throttleListener((waitMs) => {
      throttle.told(waitMs);
    }),
  });
  const session = new Session(client, wire, options.socketTimeoutMs);
  throttle.told = (waitMs) => {
    // After imapflow has begun to wait, so that closing ends the waiting too.
    setImmediate(() => {
      session.end(new MailFailure('busy', 'throttle', { code: 'throttled', retryAfterMs: waitMs }));
    });
  };
  const abort = (): void => {
    session.end(new MailFailure('unreachable', 'connect', { code: 'aborted' }));
  };
  options.signal?.addEventListener('abort', abort);
  client.once('close', () => options.signal?.removeEventListener('abort', abort));
  if (options.signal?.aborted === true) abort();
  await session
    .run('connect', () => client.connect())
    .catch((error: unknown) => {
      client.close();
      throw error;
    });
  // imapflow puts the personal namespace before every path that lacks it, also before `#shared.team`, and would find nothing there.
  if (client.namespace !== undefined) client.namespace = { ...client.namespace, prefix: '' };
  return session;
}

function clientOptionsOf(access: MailboxAccess, options: OpenOptions): ImapFlowOptions {
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
    maxLineLength: maxLineBytes,
    maxResponseSize: maxLiteralSize + 1_048_576,
  };
}

/**
 * imapflow's log goes nowhere, for it holds addresses and content. One entry is taken as an event: imapflow waits out a throttling
 * (up to five minutes, four times) with nothing but this entry to tell of it.
 */
function throttleListener(told: (waitMs: number) => void): NonNullable<ImapFlowOptions['logger']> {
  const nothing = (): void => undefined;
  return Object.assign(
    {
      debug: nothing,
      info: nothing,
      error: nothing,
      fatal: nothing,
      warn(entry: unknown) {
        if (typeof entry !== 'object' || entry === null || !('msg' in entry) || !('throttleDelay' in entry)) return;
        if (entry.msg === 'Throttling detected' && typeof entry.throttleDelay === 'number') told(entry.throttleDelay);
      },
    },
    { isLevelEnabled: () => false },
  );
}

import { ImapFlow } from 'imapflow';

import { MailFailure } from '../domain/failure';
import { boundAnswers } from './bounded-answers';
import { failureOf } from './classify';
import { clientOptionsOf, throttleListener } from './client-options';
import { resolveHost, tlsNameOf, type HostAddress, type HostRules } from './host-rules';
import type { MailboxAccess } from './mailbox';
import { watchSilence, type Patience } from './silence-watch';
import { checkedTransport, type Wire } from './transport';
import { askForUidOnly } from './uid-only';

export interface OpenOptions {
  hostRules: HostRules;
  /** Reaching the server, until its greeting; over all its addresses. */
  connectTimeoutMs: number;
  /** Silence while an answer is owed. */
  socketTimeoutMs: number;
  /** The longest that one command may take with an answer that drips; ten minutes where absent. */
  commandTimeoutMs?: number;
  /** Each so many bytes of an answer allow a second more than that; 1,024 where absent. */
  minBytesPerSecond?: number;
  /** Bytes asked for at once when a message is streamed; 1 MiB where absent. */
  streamChunkBytes?: number;
  /** The longest literal taken into memory; a server that announces more loses the connection. 128 MiB where absent. */
  maxLiteralBytes?: number;
  /** The longest line taken into memory, likewise. 1.5 MB where absent: the answer to a SEARCH. */
  maxLineBytes?: number;
  /** Hears of failures that are about everybody who asks the server from here. */
  onBusyForAll?: (failure: MailFailure) => void;
  /** `false`: not even where the server has it, see `uid-only.ts`. */
  uidOnly?: boolean;
  /** Ends the connection, whatever it is doing. */
  signal?: AbortSignal;
}

const defaultCommandTimeoutMs = 600_000;
const defaultMinBytesPerSecond = 1_024;

/** A LOGOUT that is not answered by then is cut. */
const logoutTimeoutMs = 2_000;

const oneMinuteMs = 60_000;

/** A connection that is logged in, and the one place where calls on it get their deadline and their MailFailure. */
export class Session {
  /** Set for as long as a consumer holds up the reading: the silence is ours then. */
  private waitingForConsumer = false;
  private ending: MailFailure | undefined;
  /** What imapflow ended the connection for; the call that was running only hears that it is gone. */
  private lostBy: Error | undefined;
  private readonly running = new Set<(failure: MailFailure) => void>();
  /** Messages have no sequence numbers on this connection (RFC 9586). */
  uidOnly = false;

  constructor(
    readonly client: ImapFlow,
    private readonly wire: Wire,
    private readonly options: Patience & Pick<OpenOptions, 'onBusyForAll'>,
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
   * Runs one step of the protocol. Fails when nothing arrives for the socket time-out, when too little arrives for too long, when the
   * server throttles (imapflow would wait in silence and try again) and when the connection ends.
   * @throws MailFailure
   */
  async run<T>(operation: string, action: () => Promise<T>): Promise<T> {
    if (this.ending !== undefined) throw this.failureOf(this.ending, operation);
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
    if (this.ending === undefined && failure.reach !== 'account') this.options.onBusyForAll?.(failure);
    this.ending ??= failure;
    for (const fail of this.running) fail(this.ending);
    this.client.close();
  }

  /** Says goodbye and ends the connection. Never throws; a second call does nothing. */
  async logout(): Promise<void> {
    const cut = setTimeout(() => {
      this.client.close();
    }, logoutTimeoutMs);
    try {
      if (this.usable) await this.client.logout();
    } catch {
      // The connection was to end, and it has.
    } finally {
      clearTimeout(cut);
      this.client.close();
    }
  }

  /** Calls back once, with the reason, when the connection has ended, whoever ended it; soon where it has ended before. */
  whenEnded(operation: string, listener: (failure: MailFailure) => void): void {
    const tell = (): void => {
      const nothingElse = Object.assign(new Error('The connection ended'), { code: 'NoConnection' });
      listener(this.failureOf(nothingElse, operation));
    };
    if (this.client.usable) this.client.once('close', tell);
    else setImmediate(tell);
  }

  /** Ends the connection to a server that sends more than this within a minute, asked or not. */
  limitBytes(perMinute: number): void {
    let minute = { since: performance.now(), from: this.wire.bytesRead };
    this.wire.onBytes = () => {
      const now = performance.now();
      if (now - minute.since >= oneMinuteMs) minute = { since: now, from: this.wire.bytesRead };
      else if (this.wire.bytesRead - minute.from > perMinute) {
        this.end(new MailFailure('busy', 'read', { code: 'flooded' }));
      }
    };
  }

  private failureOf(error: unknown, operation: string): MailFailure {
    if (this.ending !== undefined) {
      const { kind, code, reach, retryAfterMs } = this.ending;
      return new MailFailure(kind, operation, { code, reach, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
    }
    if (this.wire.foreign) return new MailFailure('unreachable', operation, { code: 'not-an-imap-server' });
    const failure = failureOf(withByeReason(this.lostBy ?? error, this.client.byeReason), operation);
    if (failure.reach !== 'account') this.options.onBusyForAll?.(failure);
    return failure;
  }

  private watchSilence(operation: string): NodeJS.Timeout {
    return watchSilence(this.options, this.wire, {
      isOurs: () => this.waitingForConsumer,
      tooLong: () => {
        this.end(new MailFailure('unreachable', operation, { code: 'timed-out' }));
      },
    });
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
  const deadline = performance.now() + options.connectTimeoutMs;
  const resolving = resolveHost(access.host, options.hostRules);
  const addresses = await within(resolving, options.connectTimeoutMs, options.signal);
  let failure: MailFailure | undefined;
  for (const address of addresses) {
    const leftMs = deadline - performance.now();
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
  const throttle: { told: (error: unknown) => void } = { told: () => undefined };
  const client = new ImapFlow({
    ...clientOptionsOf(access, options),
    host: address.address,
    transport,
    logger: throttleListener((error) => {
      throttle.told(error);
    }),
  });
  boundAnswers(client);
  const session = new Session(client, wire, {
    socketTimeoutMs: options.socketTimeoutMs,
    commandTimeoutMs: options.commandTimeoutMs ?? defaultCommandTimeoutMs,
    minBytesPerSecond: options.minBytesPerSecond ?? defaultMinBytesPerSecond,
    ...(options.onBusyForAll === undefined ? {} : { onBusyForAll: options.onBusyForAll }),
  });
  throttle.told = (error) => {
    const failure = failureOf(error, 'throttle');
    // After imapflow has begun to wait, so that closing ends the waiting too.
    setImmediate(() => {
      session.end(failure);
    });
  };
  const abort = (): void => {
    session.end(new MailFailure('unreachable', 'connect', { code: 'aborted' }));
  };
  options.signal?.addEventListener('abort', abort);
  client.once('close', () => options.signal?.removeEventListener('abort', abort));
  if (options.signal?.aborted === true) abort();
  try {
    await session.run('connect', () => client.connect());
    // imapflow puts the personal namespace before every path that lacks it, also before `#shared.team`, and would find nothing there.
    if (client.namespace !== undefined) client.namespace = { ...client.namespace, prefix: '' };
    if (options.uidOnly !== false) session.uidOnly = await session.run('ENABLE', () => askForUidOnly(client));
    return session;
  } catch (error) {
    client.close();
    throw error;
  }
}

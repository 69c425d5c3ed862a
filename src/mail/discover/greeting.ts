import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';

import type { ServerAddress } from '../../domain/provider-presets';
import { resolveHost, tlsNameOf, type HostAddress, type HostRules } from '../host-rules';
import { within } from '../session';

/**
 * What answers at an address: an IMAP server that can be logged in to over TLS, one whose certificate is not good for its name, or
 * nothing of use (no such host, not allowed, closed, silent, something else, no STARTTLS).
 */
export type Greeting = 'good' | 'certificate-not-good' | 'nothing';

export interface GreetingOptions {
  hostRules: HostRules;
  timeoutMs: number;
  signal: AbortSignal;
  /** PEM of an authority that is believed instead of the known ones. */
  ca?: string;
}

/** A greeting and capabilities are a few hundred bytes. */
const mostBytes = 8_192;

/** Connects, reads the greeting (RFC 9051 7.1), for STARTTLS also the capabilities, and hangs up. No name and no password is sent. */
export async function greetingOf(server: ServerAddress, options: GreetingOptions): Promise<Greeting> {
  try {
    const [address] = await within(resolveHost(server.host, options.hostRules), options.timeoutMs, options.signal);
    return server.security === 'tls'
      ? await overTls(server, address, options)
      : await overPlain(server, address, options);
  } catch {
    return 'nothing';
  }
}

async function overTls(server: ServerAddress, address: HostAddress, options: GreetingOptions): Promise<Greeting> {
  const name = tlsNameOf(server.host);
  const socket: TLSSocket = connectTls({
    host: address.address,
    port: server.port,
    // Nothing is sent but a handshake; whether the certificate is good is a part of the answer.
    rejectUnauthorized: false,
    ...(name === null ? {} : { servername: name }),
    ...(options.ca === undefined ? {} : { ca: options.ca }),
  });
  const greeted = await heard(socket, { ...options, done: isGreeting });
  if (!greeted) return 'nothing';
  return socket.authorized ? 'good' : 'certificate-not-good';
}

async function overPlain(server: ServerAddress, address: HostAddress, options: GreetingOptions): Promise<Greeting> {
  const socket = connectTcp({ host: address.address, port: server.port });
  socket.once('data', () => socket.write('a CAPABILITY\r\nb LOGOUT\r\n'));
  const offered = await heard(socket, { ...options, done: (text) => isGreeting(text) && /\bSTARTTLS\b/i.test(text) });
  return offered ? 'good' : 'nothing';
}

function isGreeting(text: string): boolean {
  return /^\0*\* ?(?:OK|PREAUTH)\b/i.test(text);
}

/** Whether what a server says comes to what is waited for, before it ends, fails or is silent for too long. */
function heard(
  socket: Socket,
  { timeoutMs, signal, done }: GreetingOptions & { done: (text: string) => boolean },
): Promise<boolean> {
  return new Promise((resolve) => {
    let text = '';
    const finish = (found: boolean) => (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      socket.destroy();
      resolve(found);
    };
    const stop = finish(false);
    const timer = setTimeout(stop, timeoutMs);
    signal.addEventListener('abort', stop);
    socket.on('data', (chunk: Buffer) => {
      text += chunk.subarray(0, mostBytes).toString('latin1');
      if (done(text)) finish(true)();
      else if (text.length >= mostBytes) stop();
    });
    socket.on('error', stop);
    socket.once('close', stop);
  });
}

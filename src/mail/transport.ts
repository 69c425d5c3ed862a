import { connect as connectTcp } from 'node:net';
import {
  connect as connectTls,
  createSecureContext,
  rootCertificates,
  type ConnectionOptions,
  type SecureContext,
} from 'node:tls';

import type { ImapTransport, ImapTransportSocket } from 'imapflow';

import type { HostAddress } from './host-rules';
import type { MailboxAccess } from './mailbox';

/** RFC 9051 7.1: a greeting is an untagged OK, PREAUTH or BYE. Buggy servers put NUL bytes before it. */
const greeting = /^\0*\* ?(?:OK|PREAUTH|BYE|NO|BAD)\b/i;

/** The beginning of a greeting as far as it has arrived. */
const longestGreetingStart = 12;

/** What has gone over the wire of a connection, for the one who watches for silence. */
export interface Wire {
  readonly bytesRead: number;
  /** The first bytes of the server where they are no IMAP greeting. */
  readonly foreign: boolean;
  /** Called for whatever arrives, once `bytesRead` counts it. */
  onBytes: () => void;
}

/**
 * Opens the sockets of an IMAP session to an address that was checked before, so that no name is resolved a second time, and ends
 * the connection at once where something else than IMAP answers (imapflow waits for its greeting time-out then).
 * `tlsName` is the name the certificate must carry; null for an IP literal, whose certificate must carry the address.
 */
export function checkedTransport(
  access: MailboxAccess,
  to: { address: HostAddress; tlsName: string | null },
): { transport: ImapTransport; wire: Wire } {
  const wire = { bytesRead: 0, foreign: false, onBytes: (): void => undefined };
  const tls = tlsOptionsOf(access, to);
  let listener: ((chunk: Buffer) => void) | undefined;
  const transport: ImapTransport = {
    connect(options, onConnect) {
      const target = { host: to.address.address, port: access.port, noDelay: true };
      const ready = (): void => {
        listener = greetingListener(socket, wire);
        socket.on('data', listener);
        onConnect();
      };
      const socket: ImapTransportSocket = options.secure
        ? connectTls({ ...target, ...tls }, ready)
        : connectTcp(target, ready);
      return socket;
    },
    // The plain socket must not be read by anybody but the TLS layer from here on.
    prepareUpgrade(socket) {
      if (listener !== undefined) socket.off('data', listener);
    },
    upgrade(socket, _options, onSecure) {
      const secured = connectTls({ ...tls, socket }, () => {
        secured.on('data', (chunk: Buffer) => {
          wire.bytesRead += chunk.length;
          wire.onBytes();
        });
        onSecure();
      });
      return secured;
    },
  };
  return { transport, wire };
}

/** The certificate of a TLS socket is checked against `servername`, or against `host` where there is none (Node's `tls.connect`). */
function tlsOptionsOf(access: MailboxAccess, to: { address: HostAddress; tlsName: string | null }): ConnectionOptions {
  return {
    host: to.address.address,
    ...(to.tlsName === null ? {} : { servername: to.tlsName }),
    rejectUnauthorized: !access.allowInvalidCertificate,
    ...(access.ca === null ? {} : { secureContext: contextWith(access.ca) }),
  };
}

/** Reading all root certificates takes some 40 ms of CPU, so it is done once for each own authority. */
const contexts = new Map<string, SecureContext>();
const mostContexts = 32;

/** An own authority is one more, not the only one: a provider changes to a public certificate without telling anybody. */
function contextWith(ca: string): SecureContext {
  const known = contexts.get(ca);
  if (known !== undefined) return known;
  const context = createSecureContext({ ca: [...rootCertificates, ca] });
  const [oldest] = contexts.keys();
  if (oldest !== undefined && contexts.size >= mostContexts) contexts.delete(oldest);
  contexts.set(ca, context);
  return context;
}

function greetingListener(socket: ImapTransportSocket, wire: { -readonly [Name in keyof Wire]: Wire[Name] }) {
  let start = '';
  return (chunk: Buffer): void => {
    const first = wire.bytesRead < longestGreetingStart;
    wire.bytesRead += chunk.length;
    wire.onBytes();
    if (!first) return;
    start += chunk.subarray(0, 256).toString('latin1');
    if (isForeign(start)) {
      wire.foreign = true;
      socket.destroy(Object.assign(new Error('No IMAP greeting'), { code: 'NOT_AN_IMAP_SERVER' }));
    }
  };
}

function isForeign(start: string): boolean {
  const visible = start.replace(/^\0+/, '');
  if (greeting.test(visible)) return false;
  // Nothing can be said of `* O` yet; of `HTTP` it can.
  return visible.length >= longestGreetingStart || !visible.startsWith('*');
}

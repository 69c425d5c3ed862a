import { connect as connectTcp, type Socket } from 'node:net';

import type { ConnectCode } from '../domain/failure';
import { resolveHost, type HostRules } from './host-rules';
import type { MailboxAccess } from './mailbox';

/** TLS record types of a server's answer: alert and handshake (RFC 8446 5.1), followed by the major version 3. */
const tlsRecord = /^[\x15\x16]\x03/;

/**
 * What a server is that took the connection and said nothing. IMAP servers greet; HTTP and TLS servers wait to be spoken to, so they are:
 * a TLS server answers a plain line with an alert, an HTTP server with its status line.
 * Null where it stays silent, or cannot be asked (over TLS the handshake has already told).
 */
export async function whatSpeaks(
  access: MailboxAccess,
  options: { hostRules: HostRules; timeoutMs: number },
): Promise<ConnectCode | null> {
  if (access.security === 'tls') return null;
  try {
    const [{ address }] = await resolveHost(access.host, options.hostRules);
    const socket = connectTcp({ host: address, port: access.port });
    const answer = await answerToALine(socket, options.timeoutMs);
    if (answer === '') return null;
    return tlsRecord.test(answer) ? 'tls-required' : 'not-an-imap-server';
  } catch {
    // The first failure is the one to tell.
    return null;
  }
}

function answerToALine(socket: Socket, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const finish = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(finish, timeoutMs);
    socket.once('connect', () => socket.write('a CAPABILITY\r\n\r\n'));
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.subarray(0, 64).toString('latin1');
      if (answer.length >= 2) finish();
    });
    socket.once('end', finish);
    socket.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
  });
}

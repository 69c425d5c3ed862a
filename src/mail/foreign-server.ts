import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

import type { ConnectCode } from '../domain/failure';
import { resolveHost, type HostAddress, type HostRules } from './host-rules';
import type { MailboxAccess } from './mailbox';
import { within } from './session';

interface Question {
  hostRules: HostRules;
  timeoutMs: number;
}

/**
 * What a server is that took the connection and did not greet. IMAP servers greet; HTTP and TLS servers wait to be spoken to, so they
 * are: one that completes a TLS handshake wants TLS from the start, one that answers a line with anything but IMAP is something else.
 * Null where neither comes to anything. No password is sent, so no certificate is asked for.
 */
export async function whatSpeaks(
  access: MailboxAccess,
  { hostRules, timeoutMs }: Question,
): Promise<ConnectCode | null> {
  try {
    return await within(ask(access, { hostRules, timeoutMs }), timeoutMs, undefined);
  } catch {
    // The first failure is the one to tell.
    return null;
  }
}

async function ask(access: MailboxAccess, { hostRules, timeoutMs }: Question): Promise<ConnectCode | null> {
  const [address] = await resolveHost(access.host, hostRules);
  const waitMs = timeoutMs / 2;
  const secured = access.security === 'tls';
  const [takesTls, answer] = await Promise.all([
    secured ? false : completesHandshake(tlsSocket(address, access.port), waitMs),
    answerToALine(secured ? tlsSocket(address, access.port) : plainSocket(address, access.port), waitMs),
  ]);
  if (takesTls) return 'tls-required';
  // `a` is the tag of the line.
  return answer === '' || /^(?:\* |a |\+ )/.test(answer) ? null : 'not-an-imap-server';
}

function plainSocket({ address }: HostAddress, port: number): Socket {
  return connectTcp({ host: address, port });
}

function tlsSocket({ address }: HostAddress, port: number): Socket {
  return connectTls({ host: address, port, rejectUnauthorized: false });
}

function completesHandshake(socket: Socket, waitMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (completed: boolean) => (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(completed);
    };
    const timer = setTimeout(finish(false), waitMs);
    socket.once('secureConnect', finish(true));
    socket.on('error', finish(false));
    socket.once('end', finish(false));
  });
}

function answerToALine(socket: Socket, waitMs: number): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const finish = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(finish, waitMs);
    // Written before the connection is there, it is sent when it is.
    socket.write('a CAPABILITY\r\n');
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.subarray(0, 64).toString('latin1');
      if (answer.length >= 2) finish();
    });
    socket.once('end', finish);
    socket.on('error', finish);
  });
}

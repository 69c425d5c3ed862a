import { connectCodes, type ConnectCode, type MailFailure } from '../domain/failure';
import type { ProbeAnswer } from '../domain/probe';
import { providerOfHost } from '../domain/provider-presets';
import { failureOf } from './classify';
import { whatSpeaks } from './foreign-server';
import type { HostRules } from './host-rules';
import type { MailboxAccess } from './mailbox';
import { openMailbox } from './open-mailbox';

export interface ProbeOptions {
  hostRules: HostRules;
  /** The whole attempt. */
  probeTimeoutMs: number;
}

/** Half of the time is for reaching the server until its greeting, a quarter is kept to find out what is silent there. */
const greetingShare = 2;
const diagnosisShare = 4;

/** What a failure that is no failure of connecting comes to for somebody who is connecting. */
const nearestCode: ReadonlyMap<string, ConnectCode> = new Map([
  ['throttled', 'too-many-connections'],
  ['limit', 'too-many-connections'],
  ['over-quota', 'too-many-connections'],
  ['in-use', 'too-many-connections'],
  ['unavailable', 'too-many-connections'],
  ['not-connected', 'imap-disabled'],
  ['contact-admin', 'login-refused'],
  ['aborted', 'timed-out'],
]);

/**
 * Tries a connection as it would be used: resolve and check the host, connect, TLS, log in, list the folders. Ends within the
 * probe time-out, whatever the server does. Failures are answers here; nothing is thrown for them.
 */
export async function probeMailbox(access: MailboxAccess, options: ProbeOptions): Promise<ProbeAnswer> {
  const reserveMs = Math.floor(options.probeTimeoutMs / diagnosisShare);
  const stop = new AbortController();
  const timer = setTimeout(() => {
    stop.abort();
  }, options.probeTimeoutMs - reserveMs);
  try {
    return await tryMailbox(access, options, stop.signal);
  } catch (error) {
    return await explainedFailure(error, access, { hostRules: options.hostRules, timeoutMs: reserveMs });
  } finally {
    clearTimeout(timer);
  }
}

/** Why an attempt to open a mailbox failed, in the words of a connection. A server that was silent is asked once more what it is, within `timeoutMs`. */
export async function explainedFailure(
  error: unknown,
  access: MailboxAccess,
  diagnosis: { hostRules: HostRules; timeoutMs: number },
): Promise<Extract<ProbeAnswer, { ok: false }>> {
  const failure = failureOf(error, 'connect');
  const better = failure.cause === 'GREETING_TIMEOUT' ? await whatSpeaks(access, diagnosis) : null;
  return { ok: false, code: better ?? connectCodeOf(failure), detail: detailOf(failure) };
}

async function tryMailbox(access: MailboxAccess, options: ProbeOptions, signal: AbortSignal): Promise<ProbeAnswer> {
  const timeoutMs = options.probeTimeoutMs;
  const limits = { connectTimeoutMs: Math.ceil(timeoutMs / greetingShare), socketTimeoutMs: timeoutMs };
  const mailbox = await openMailbox(access, { hostRules: options.hostRules, ...limits, signal });
  try {
    const folders = await mailbox.listFolders();
    const abilities = Object.entries(mailbox.abilities).flatMap(([name, has]) => (has === true ? [name] : []));
    return {
      ok: true,
      provider: providerOfHost(access.host),
      abilities,
      folders: folders.filter(({ selectable }) => selectable).length,
    };
  } finally {
    await mailbox.close();
  }
}

/** The code of the closed list that tells a person most. */
function connectCodeOf(failure: MailFailure): ConnectCode {
  return connectCodes.find((code) => code === failure.code) ?? nearestCode.get(failure.code) ?? 'not-an-imap-server';
}

function detailOf(failure: MailFailure): string {
  const { cause } = failure;
  return typeof cause === 'string' ? `${failure.message}: ${cause}` : failure.message;
}

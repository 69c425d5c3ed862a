import { request as requestPlain, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as requestTls } from 'node:https';
import type { LookupFunction } from 'node:net';

import { MailFailure } from '../../domain/failure';
import { CrmFailure, type CrmOperation } from '../crm-failure';
import type { Reach } from '../reach';

interface Call {
  operation: CrmOperation;
  method: 'GET' | 'POST';
  url: URL;
  headers: Record<string, string>;
  body: string | null;
}

/** One request, and its answer as JSON (null where it is empty). Redirects are not followed: they would lead past the check of the host. @throws CrmFailure */
export async function callCrm(reach: Reach, call: Call): Promise<unknown> {
  const { operation } = call;
  const address = await addressOf(reach, call);
  const answer = await ask(reach, call, address);
  refuseBadStatus(operation, answer);
  if (answer.text === '') return null;
  try {
    return JSON.parse(answer.text) as unknown;
  } catch {
    throw new CrmFailure('refused', operation, { code: 'answer-not-json', status: answer.status });
  }
}

async function addressOf(reach: Reach, { url, operation }: Call): Promise<{ address: string; family: number }> {
  try {
    const [first] = await reach.resolve(url.hostname, url.protocol === 'https:' ? 'tls' : 'clear');
    return first;
  } catch (cause) {
    if (!(cause instanceof MailFailure)) throw cause;
    if (cause.kind !== 'refused') throw new CrmFailure('unreachable', operation, { code: 'host-not-found', cause });
    const code = cause.code === 'tls-needed' ? 'tls-needed' : 'host-not-allowed';
    throw new CrmFailure('refused', operation, { code, cause });
  }
}

interface Answer {
  status: number;
  retryAfter: string | undefined;
  text: string;
}

function ask(reach: Reach, call: Call, to: { address: string; family: number }): Promise<Answer> {
  const { url, method, operation } = call;
  const lookup: LookupFunction = (_host, options, found) => {
    if (options.all === true) found(null, [to]);
    else found(null, to.address, to.family);
  };
  const body = call.body === null ? null : Buffer.from(call.body);
  const options: RequestOptions = {
    method,
    lookup,
    agent: false,
    headers: {
      accept: 'application/json',
      ...call.headers,
      ...(body === null ? {} : { 'content-length': body.length }),
    },
    signal: AbortSignal.timeout(reach.timeoutMs),
  };
  return new Promise((resolve, reject) => {
    const refuse = (cause: unknown) => {
      reject(cause instanceof CrmFailure ? cause : connectionFailure(operation, cause));
    };
    const sent = (url.protocol === 'https:' ? requestTls : requestPlain)(url, options, (message) => {
      readAnswer(message, reach.maxAnswerBytes, operation).then(resolve, refuse);
    });
    sent.on('error', refuse);
    sent.end(body ?? undefined);
  });
}

async function readAnswer(message: IncomingMessage, maxBytes: number, operation: CrmOperation): Promise<Answer> {
  const status = message.statusCode ?? 0;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      message.destroy();
      throw new CrmFailure('refused', operation, { code: 'answer-too-large', status });
    }
    chunks.push(chunk);
  }
  return { status, retryAfter: message.headers['retry-after'], text: Buffer.concat(chunks).toString('utf8') };
}

function connectionFailure(operation: CrmOperation, cause: unknown): CrmFailure {
  const name = cause instanceof Error ? cause.name : '';
  if (name === 'AbortError' || name === 'TimeoutError')
    return new CrmFailure('unreachable', operation, { code: 'timed-out' });
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  // OpenSSL's names for certificates that do not hold, and Node's for a name that they do not carry.
  const isCertificate = /CERT|SELF_SIGNED|UNABLE_TO|ALTNAME/.test(code);
  return isCertificate
    ? new CrmFailure('refused', operation, { code: 'certificate-not-trusted', cause })
    : new CrmFailure('unreachable', operation, { code: 'connection-failed', cause });
}

function refuseBadStatus(operation: CrmOperation, { status, retryAfter }: Answer): void {
  if (status >= 200 && status < 300) return;
  const later = retryAfterMs(retryAfter, Date.now());
  const detail = { status, ...(later === null ? {} : { retryAfterMs: later }) };
  if (status === 429) throw new CrmFailure('busy', operation, { code: 'too-many-requests', ...detail });
  if (status >= 500 || status === 408) {
    throw new CrmFailure(later === null ? 'unreachable' : 'busy', operation, { code: 'server-error', ...detail });
  }
  throw refusalOf(operation, status);
}

function refusalOf(operation: CrmOperation, status: number): CrmFailure {
  if (status === 401 || status === 403)
    return new CrmFailure('credentials', operation, { code: 'token-refused', status });
  if (status >= 300 && status < 400) return new CrmFailure('refused', operation, { code: 'redirected', status });
  return new CrmFailure('refused', operation, { code: 'request-refused', status });
}

const longestRetryAfterMs = 86_400_000;

/** How long to wait by a Retry-After header (RFC 9110 10.2.3: seconds, or a date), at most a day; null where it says nothing that can be read. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | null {
  if (header === undefined) return null;
  const ms = /^\d{1,9}$/.test(header.trim()) ? Number(header) * 1_000 : Date.parse(header) - nowMs;
  return Number.isNaN(ms) ? null : Math.min(longestRetryAfterMs, Math.max(0, ms));
}

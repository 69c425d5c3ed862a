import type { FastifyReply, FastifyRequest } from 'fastify';

import { claimKey, forgetKey, keepAnswer } from '../db/idempotency-keys';
import type { Database } from '../db/database';
import type { Api, ApiContext } from './context';
import { idempotencyKeyInUse, idempotencyKeyReused, invalidRequest } from './problems';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A POST that creates: with an Idempotency-Key it is done once. Fields of `withhold` are null in a repeated answer, because they are kept nowhere. */
    creates?: { withhold: string[] };
  }
  interface FastifyRequest {
    claimedKey: string | null;
  }
}

/** A repeated creation within 24 hours gets the first answer again; only answers that created something are kept. */
export function replayCreations(api: Api, context: ApiContext): void {
  const { db, log } = context;
  api.decorateRequest('claimedKey', null);
  api.addHook('preHandler', async (request, reply) => {
    const key = keyOf(request);
    if (key === null) return;
    const { tenantId } = request.viewer;
    const fingerprints = context.secretBox.fingerprintsOf(textOf(request));
    const claim = await claimKey(db, tenantId, { key, fingerprints });
    switch (claim.kind) {
      case 'claimed':
        request.claimedKey = key;
        return;
      case 'other-request':
        throw idempotencyKeyReused();
      case 'running':
        throw idempotencyKeyInUse();
      case 'answered':
        return repeatAnswer(reply, claim);
    }
  });
  api.addHook('onSend', async (request, reply, payload) => {
    const { claimedKey: key } = request;
    if (key === null) return;
    request.claimedKey = null;
    await settleKey(db, { request, reply, key, payload }).catch(() => {
      // What was asked for is done and is answered all the same; only the key stays taken for five minutes.
      log.warn({ requestId: request.id }, 'idempotency key not settled');
    });
  });
}

async function settleKey(
  db: Database,
  { request, reply, key, payload }: { request: FastifyRequest; reply: FastifyReply; key: string; payload: unknown },
): Promise<void> {
  const { tenantId } = request.viewer;
  if (reply.statusCode >= 300 || typeof payload !== 'string') return forgetKey(db, tenantId, key);
  const body = withheld(payload, request.routeOptions.config.creates?.withhold ?? []);
  const location = reply.getHeader('location');
  const response = { body, location: typeof location === 'string' ? location : null };
  await keepAnswer(db, tenantId, { key, status: reply.statusCode, response });
}

function keyOf(request: FastifyRequest): string | null {
  return request.routeOptions.config.creates === undefined ? null : idempotencyKeyOf(request);
}

/** The Idempotency-Key of a request, or null. @throws Problem 400 where it cannot be used */
export function idempotencyKeyOf(request: FastifyRequest): string | null {
  const header = request.headers['idempotency-key'];
  if (header === undefined) return null;
  if (typeof header === 'string' && /^[\x21-\x7e]{1,255}$/.test(header)) return header;
  throw invalidRequest([
    {
      in: 'header',
      field: 'Idempotency-Key',
      reason: 'cannot be used.',
      remedy: 'Give 1 to 255 visible ASCII characters, e.g. a UUID.',
    },
  ]);
}

/** What makes a request the same one. A body may hold a password, so that the text goes nowhere. */
function textOf({ method, url, viewer, body }: FastifyRequest): string {
  return JSON.stringify([method, url, viewer.userId, body]);
}

function repeatAnswer(
  reply: FastifyReply,
  answer: { status: number; response: { body: unknown; location: string | null } },
) {
  if (answer.response.location !== null) void reply.header('location', answer.response.location);
  void reply.header('idempotency-replayed', 'true');
  return reply.code(answer.status).type('application/json').send(JSON.stringify(answer.response.body));
}

function withheld(payload: string, names: string[]): unknown {
  const body: unknown = JSON.parse(payload);
  if (names.length === 0 || typeof body !== 'object' || body === null) return body;
  return { ...body, ...Object.fromEntries(names.map((name) => [name, null])) };
}

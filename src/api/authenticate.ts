import { createHash } from 'node:crypto';

import type { FastifyReply, FastifyRequest } from 'fastify';

import { findKeyByHash, type KnownKey } from '../db/api-keys';
import type { Database } from '../db/database';
import { findUser } from '../db/viewers';
import type { Api, ApiContext } from './context';
import { forbidden, notFound, unauthenticated } from './problems';
import { uuidOf } from '../domain/ids';
import type { Scope, Viewer } from './viewer';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks. Set for every route that is not public. */
    viewer: Viewer;
  }
  interface FastifyContextConfig {
    /** What a key must be allowed to do; `public` needs none. Where it is left out, GET is `read` and everything else `write`. */
    access?: Scope | 'public';
  }
}

/** Lets in only requests with a key whose scopes fit, and puts the viewer on the request. */
export function requireKey(api: Api, context: ApiContext): void {
  api.decorateRequest('viewer');
  api.addHook('onRequest', async (request, reply) => {
    const access = accessOf(request);
    if (access === 'public') return;
    request.viewer = await viewerOf(request, context);
    if (!request.viewer.scopes.includes(access)) {
      throw forbidden(`This call needs a key with the scope \`${access}\`.`);
    }
    void reply.header('vary', 'authorization, letterbook-user');
  });
}

function accessOf(request: FastifyRequest): Scope | 'public' {
  const fallback = request.method === 'GET' || request.method === 'HEAD' ? 'read' : 'write';
  return request.routeOptions.config.access ?? fallback;
}

const notKnown = 'This API key is not known, or was revoked.';

async function viewerOf(request: FastifyRequest, { db, now, limits }: ApiContext): Promise<Viewer> {
  const hash = createHash('sha256').update(presentedKey(request)).digest();
  const key = await findKeyByHash(db, hash);
  if (key === null) throw unauthenticated(notKnown);
  if (key.revokedAt !== null) throw unauthenticated(notKnown);
  if (key.expiresAt !== null && key.expiresAt <= now()) throw unauthenticated('This API key has expired.');
  const userId = narrowedUser(request, key);
  const windows = { narrowed: limits.narrowedPageRows, filtered: limits.filteredPageRows };
  const viewer = { tenantId: key.tenantId, keyId: key.id, scopes: key.scopes, windows };
  return userId === null
    ? { ...viewer, userId, principal: -1, teams: [], role: null }
    : { ...viewer, ...(await asUser(db, key, userId)) };
}

function presentedKey(request: FastifyRequest): string {
  const match = /^Bearer +(lbk_[A-Za-z0-9_-]{1,200})$/i.exec(request.headers.authorization ?? '');
  if (match?.[1] === undefined) throw unauthenticated('Send `Authorization: Bearer lbk_...` with an API key.');
  return match[1];
}

/** A key of the tenant may act for one user, so that a CRM needs one key; a user's key stays that user's. */
function narrowedUser(request: FastifyRequest, key: KnownKey): string | null {
  const header = request.headers['letterbook-user'];
  if (header === undefined) return key.userId;
  const wanted = typeof header === 'string' ? uuidOf('user', header) : null;
  if (wanted === null) throw forbidden('Letterbook-User must be the id of a user, like usr_....');
  if (key.userId !== null && key.userId !== wanted)
    throw forbidden('This key belongs to one user and cannot act for another.');
  return wanted;
}

async function asUser(db: Database, key: KnownKey, userId: string) {
  const user = await findUser(db, key.tenantId, userId);
  if (user === null) throw forbidden('Letterbook-User names a user that does not exist.');
  return { userId, principal: user.principal, teams: user.teams, role: user.role };
}

/** Answers an unknown address: without a key 401 like everything else, with one 404. */
export function answerUnknownRoutes(api: Api): void {
  api.setNotFoundHandler((_request: FastifyRequest, _reply: FastifyReply) => {
    throw notFound();
  });
}

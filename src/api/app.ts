import { randomUUID } from 'node:crypto';

import fastify from 'fastify';
import { serializerCompiler } from 'fastify-type-provider-zod';

import { answerUnknownRoutes, requireKey } from './authenticate';
import { acceptJsonOnly } from './body';
import type { Api, ApiContext } from './context';
import { answerProblems } from './error-handler';
import { replayCreations } from './idempotency';
import { refuseUntilErased } from './erasure-gate';
import { describeRoutes } from './openapi';
import { logRequests } from './request-log';
import { allRoutes } from './routes';
import { sendSecurityHeaders } from './security-headers';
import { validatorCompiler } from './validation';

/** The HTTP server, not yet listening: first what holds for every request, then the routes. */
export function buildApp(context: ApiContext): Api {
  const api: Api = fastify({
    logger: false, // ours: see request-log.ts
    bodyLimit: context.limits.maxBodyBytes,
    genReqId: () => randomUUID(),
    routerOptions: { maxParamLength: 500 },
    forceCloseConnections: 'idle',
  });
  api.setValidatorCompiler(validatorCompiler);
  api.setSerializerCompiler(serializerCompiler);

  logRequests(api, context);
  answerProblems(api, context);
  sendSecurityHeaders(api);
  acceptJsonOnly(api);
  requireKey(api, context);
  refuseUntilErased(api, context);
  replayCreations(api, context);
  answerUnknownRoutes(api);
  describeRoutes(api);

  void api.register((v1, _options, done) => {
    for (const routes of allRoutes) routes(v1, context);
    done();
  });
  return api;
}

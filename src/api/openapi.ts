import swagger, { type SwaggerTransform } from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import { z } from 'zod';

import type { Api } from './context';
import { problemSchema } from './problem';

/** Collects the document of all routes that are registered after it; it is served at /openapi.json and, to read, at /docs. */
export function describeRoutes(api: Api): void {
  void api.register(swagger, { openapi: description, transform: describeOperation });
  void api.register((docs, _options, done) => {
    docs.addHook('onRoute', (route) => {
      route.config = { ...route.config, access: 'public' };
    });
    void docs.register(swaggerUi, {
      routePrefix: '/docs',
      staticCSP: docsContentPolicy,
      uiConfig: { docExpansion: 'list' },
    });
    docs.get('/openapi.json', { schema: { hide: true } }, () => api.swagger());
    done();
  });
}

const description = {
  openapi: '3.1.0',
  info: {
    title: 'Letterbook',
    version: '1',
    description:
      "A register of a company's mail for its CRM. Every call but those marked as open needs `Authorization: Bearer <api key>`; " +
      '`Letterbook-User: usr_...` lets a key of the tenant act for one user. Errors are problem details (RFC 9457). ' +
      'Lists are paged with `?limit=&cursor=`. POSTs that create take an `Idempotency-Key`; PATCH takes `If-Match`.',
  },
  components: { securitySchemes: { apiKey: { type: 'http' as const, scheme: 'bearer' } } },
  security: [{ apiKey: [] }],
};

// The page is made of files of its own origin; swagger-ui writes style attributes.
const docsContentPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const problemResponse = {
  description: 'Problem details (RFC 9457)',
  content: { 'application/problem+json': { schema: z.toJSONSchema(problemSchema) } },
};

/** The zod schemas of a route as JSON schemas; every operation may answer with a problem. */
const describeOperation: SwaggerTransform = (operation) => {
  const { schema, url } = jsonSchemaTransform(operation);
  if (isHidden(operation.schema)) return { schema, url };
  const open = operation.route.config?.access === 'public' ? { security: [] } : {};
  const responses = typeof schema.response === 'object' ? schema.response : {};
  const lines = isUpload(operation.schema) ? { body: linesBody } : {};
  const once =
    isUpload(operation.schema) || operation.route.config?.creates !== undefined ? { headers: idempotencyHeader } : {};
  return {
    schema: { ...schema, ...open, ...lines, ...once, response: { ...responses, default: problemResponse } },
    url,
  };
};

/** Its body is read as it arrives, so no schema checks it as a whole. */
function isUpload(schema: object | undefined): boolean {
  return schema !== undefined && 'consumes' in schema;
}

const linesBody = { type: 'string', description: 'One JSON object on each line' };

const idempotencyHeader = {
  type: 'object',
  properties: {
    'Idempotency-Key': {
      type: 'string',
      minLength: 1,
      maxLength: 255,
      description: 'Any text, new for each request: the same again within 24 hours is done once',
    },
  },
};

function isHidden(schema: object | undefined): boolean {
  return schema === undefined || ('hide' in schema && schema.hide === true);
}

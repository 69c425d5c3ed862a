import { z } from 'zod';

import {
  askConnectorNow,
  deleteConnector,
  listConnectors,
  pendingNews,
  readConnector,
  setConnectorState,
  type StoredConnector,
} from '../../db/connectors/connectors';
import { publicId } from '../../domain/ids';
import type { Api, ApiContext } from '../context';
import { idInPath, noBody } from '../fields';
import { languageFor } from '../language';
import { decodeCursor, pageFrom, pageOf, pageQuery } from '../paging';
import { conflict, notFound } from '../problems';
import { EngineUnavailable } from '../temporal-gateway';
import type { Viewer } from '../viewer';
import { findRoute } from './find';
import {
  connectorChangeSchema,
  connectorSchema,
  etagOfConnector,
  newConnectorSchema,
  presentConnector,
  testAnswerSchema,
} from './schemas';
import { tryOut } from './try-out';
import { addConnector, auditConnector, changeConnector, checked, requireAdmin } from './write';

const tags = ['connectors'];
const params = idInPath('connector');

/** /v1/connectors: CRMs that records come from, and that are told of links and activities. */
export function connectorRoutes(api: Api, context: ApiContext): void {
  void api.register((scope, _options, done) => {
    scope.addHook('preHandler', ({ viewer }, _reply, next) => {
      requireAdmin(viewer);
      next();
    });
    readingRoutes(scope, context);
    makingRoutes(scope, context);
    changingRoutes(scope, context);
    wishRoutes(scope, context);
    syncRoute(scope, context);
    findRoute(scope, context);
    done();
  });
}

function readingRoutes(api: Api, { db, limits }: ApiContext): void {
  api.get(
    '/v1/connectors',
    {
      schema: {
        tags,
        summary: 'List connectors',
        querystring: z.strictObject(pageQuery(limits.maxPageSize)),
        response: { 200: pageOf(connectorSchema) },
      },
    },
    async (request, reply) => {
      const { tenantId } = request.viewer;
      const { limit, cursor } = request.query;
      const language = languageFor(request, reply);
      const afterId = decodeCursor(cursor, {}, z.uuid());
      const { rows, waiting } = await db.inTenant(tenantId, async (sql) => {
        const found = await listConnectors(sql, tenantId, { afterId, limit: limit + 1 });
        return {
          rows: found,
          waiting: await pendingNews(
            sql,
            tenantId,
            found.map(({ id }) => id),
          ),
        };
      });
      const present = (row: StoredConnector) => presentConnector(row, { waiting: waiting.get(row.id) ?? 0, language });
      return pageFrom(rows, { limit, filter: {}, keyOf: (row) => row.id, present });
    },
  );
  api.get(
    '/v1/connectors/:id',
    { schema: { tags, summary: 'A connector, and how it is', params, response: { 200: connectorSchema } } },
    async (request, reply) => {
      const { tenantId } = request.viewer;
      const { id } = request.params;
      const { connector, waiting } = await db.inTenant(tenantId, async (sql) => {
        const found = await readConnector(sql, tenantId, id);
        return { connector: found, waiting: await pendingNews(sql, tenantId, [id]) };
      });
      if (connector === null) throw notFound();
      const answer = { waiting: waiting.get(id) ?? 0, language: languageFor(request, reply) };
      return reply.header('etag', etagOfConnector(connector)).send(presentConnector(connector, answer));
    },
  );
}

function makingRoutes(api: Api, context: ApiContext): void {
  api.post(
    '/v1/connectors',
    {
      config: { creates: { withhold: [] } },
      schema: {
        tags,
        summary: 'Connect a CRM',
        description:
          'It begins at once: all records first, then what changes. docs/connectors.md says what the CRM must answer.',
        body: newConnectorSchema,
        response: { 201: connectorSchema },
      },
    },
    async (request, reply) => {
      const { viewer, body } = request;
      const made = await addConnector(context, viewer, body);
      await wake(context, viewer, made.id);
      const answer = presentConnector(made, { waiting: 0, language: languageFor(request, reply) });
      return reply
        .code(201)
        .header('location', `/v1/connectors/${answer.id}`)
        .header('etag', etagOfConnector(made))
        .send(answer);
    },
  );
  api.post(
    '/v1/connectors/test',
    {
      schema: {
        tags,
        summary: 'Try a CRM before it is connected: what its first page would become',
        body: newConnectorSchema,
        response: { 200: testAnswerSchema },
      },
    },
    (request, reply) => {
      const { body, viewer } = request;
      const connector = { kind: body.kind, ...checked(context, body) };
      return tryOut(context, { tenantId: viewer.tenantId, connector }, languageFor(request, reply));
    },
  );
}

function changingRoutes(api: Api, context: ApiContext): void {
  api.patch(
    '/v1/connectors/:id',
    {
      schema: {
        tags,
        summary: 'Change a connector',
        params,
        body: connectorChangeSchema,
        response: { 200: connectorSchema },
      },
    },
    async (request, reply) => {
      const { viewer, params: of, body } = request;
      const changed = await changeConnector(context, request, { id: of.id, change: body });
      await wake(context, viewer, changed.id);
      const answer = { waiting: await waitingOf(context, viewer, of.id), language: languageFor(request, reply) };
      return reply.header('etag', etagOfConnector(changed)).send(presentConnector(changed, answer));
    },
  );
  api.delete(
    '/v1/connectors/:id',
    {
      schema: {
        tags,
        summary: 'Forget a connector; its records and their links stay',
        params,
        response: { 204: z.undefined() },
      },
    },
    async ({ viewer, params: { id } }, reply) => {
      await context.db.inTenant(viewer.tenantId, async (sql) => {
        if (!(await deleteConnector(sql, viewer.tenantId, id))) throw notFound();
        await auditConnector(sql, viewer, { action: 'connector deleted', id });
      });
      return reply.code(204).send();
    },
  );
}

function wishRoutes(api: Api, context: ApiContext): void {
  const response = { 200: connectorSchema };
  api.post(
    '/v1/connectors/:id/test',
    {
      schema: { tags, summary: 'Try a connector as it is', params, body: noBody, response: { 200: testAnswerSchema } },
    },
    async (request, reply) => {
      const { tenantId } = request.viewer;
      const connector = await context.db.inTenant(tenantId, (sql) => readConnector(sql, tenantId, request.params.id));
      if (connector === null) throw notFound();
      return tryOut(context, { tenantId, connector }, languageFor(request, reply));
    },
  );
  for (const [path, state] of [
    ['pause', 'paused'],
    ['resume', 'active'],
  ] as const) {
    api.post(
      `/v1/connectors/:id/${path}`,
      {
        schema: {
          tags,
          summary: state === 'paused' ? 'Leave a CRM alone' : 'Go on with a CRM',
          params,
          body: noBody,
          response,
        },
      },
      async (request, reply) => {
        const { viewer, params: of } = request;
        const { id } = of;
        const connector = await wish(context, viewer, { id, state });
        await wake(context, viewer, id);
        const waiting = await waitingOf(context, viewer, id);
        const answer = presentConnector(connector, { waiting, language: languageFor(request, reply) });
        return reply.header('etag', etagOfConnector(connector)).send(answer);
      },
    );
  }
}

function syncRoute(api: Api, context: ApiContext): void {
  api.post(
    '/v1/connectors/:id/sync',
    { schema: { tags, summary: 'Ask a CRM now', params, body: noBody, response: { 202: connectorSchema } } },
    async (request, reply) => {
      const { viewer, params: of } = request;
      const { id } = of;
      const { tenantId } = viewer;
      const connector = await context.db.inTenant(tenantId, async (sql) => {
        const asked = await askConnectorNow(sql, tenantId, id);
        const found = await readConnector(sql, tenantId, id);
        if (found === null) throw notFound();
        if (!asked)
          throw conflict(
            'connector-paused',
            'The connector is paused. Let it go on with POST /v1/connectors/{id}/resume.',
          );
        return found;
      });
      await wake(context, viewer, id);
      const waiting = await waitingOf(context, viewer, id);
      return reply.code(202).send(presentConnector(connector, { waiting, language: languageFor(request, reply) }));
    },
  );
}

function wish(
  { db }: ApiContext,
  viewer: Viewer,
  { id, state }: { id: string; state: 'active' | 'paused' },
): Promise<StoredConnector> {
  return db.inTenant(viewer.tenantId, async (sql) => {
    const connector = await setConnectorState(sql, viewer.tenantId, { id, state });
    if (connector === null) throw notFound();
    await auditConnector(sql, viewer, { action: state === 'paused' ? 'connector paused' : 'connector resumed', id });
    return connector;
  });
}

async function waitingOf({ db }: ApiContext, { tenantId }: Viewer, id: string): Promise<number> {
  const waiting = await db.inTenant(tenantId, (sql) => pendingNews(sql, tenantId, [id]));
  return waiting.get(id) ?? 0;
}

/** What is wished stands in the database: where the engine cannot be reached, the reconciler wakes the connector within a minute. */
async function wake({ temporal, log }: ApiContext, { tenantId }: Viewer, connectorId: string): Promise<void> {
  try {
    await temporal.wakeConnector({ tenantId, connectorId });
  } catch (error) {
    if (!(error instanceof EngineUnavailable)) throw error;
    log.warn({ connectorId: publicId('connector', connectorId) }, 'engine not told, left to the reconciler');
  }
}

import type { FastifyRequest } from 'fastify';
import { z } from 'zod';

import {
  activityTypes,
  createActivityType,
  removeActivityType,
  replaceActivityType,
  usesOfType,
  type ActivityType,
  type ActivityTypeValues,
} from '../../db/activities/types';
import type { Sql } from '../../db/database';
import { insertAudit } from '../../db/mailbox-write';
import { lockTenantForWriting } from '../../db/tenant-lock';
import { publicId } from '../../domain/ids';
import type { Api, ApiContext } from '../context';
import { requireMatch } from '../precondition';
import { conflict, forbidden, notFound } from '../problems';
import { actorOf, type Viewer } from '../viewer';
import { etagOfVersion, presentType } from './presenter';
import { activityTypeBodySchema, activityTypeChangeSchema, activityTypeSchema, typeInPath } from './schemas';

const tags = ['activities'];
const params = typeInPath;
const response = { 200: activityTypeSchema };

/** /v1/activity-types: what activities of the tenant may be */
export function activityTypeRoutes(api: Api, context: ApiContext): void {
  const { db } = context;

  api.get(
    '/v1/activity-types',
    {
      schema: {
        tags,
        summary: 'The types of activities, with their statuses',
        description: 'All of them at once. A list without any type begins again with the type `email`.',
        response: { 200: z.object({ items: z.array(activityTypeSchema), nextCursor: z.null() }) },
      },
    },
    async ({ viewer: { tenantId } }) => {
      const types = await db.inTenant(tenantId, (sql) => activityTypes(sql, tenantId));
      return { items: types.map(presentType), nextCursor: null };
    },
  );

  api.post(
    '/v1/activity-types',
    {
      config: { creates: { withhold: [] } },
      schema: {
        tags,
        summary: 'Add a type of activity',
        body: activityTypeBodySchema,
        response: { 201: activityTypeSchema },
      },
    },
    async ({ viewer, body }, reply) => {
      const type = await addType(context, viewer, body);
      const location = `/v1/activity-types/${type.type}`;
      return reply.code(201).header('location', location).header('etag', etagOfVersion(type)).send(presentType(type));
    },
  );

  api.get(
    '/v1/activity-types/:type',
    { schema: { tags, summary: 'A type of activity', params, response } },
    async ({ viewer: { tenantId }, params: { type } }, reply) => {
      const found = await db.inTenant(tenantId, (sql) => typeNamed(sql, tenantId, type));
      return reply.header('etag', etagOfVersion(found)).send(presentType(found));
    },
  );

  changingRoutes(api, context);
}

function changingRoutes(api: Api, context: ApiContext): void {
  api.patch(
    '/v1/activity-types/:type',
    { schema: { tags, summary: 'Change a type of activity', params, body: activityTypeChangeSchema, response } },
    async (request, reply) => {
      const type = await changeType(context, request, { type: request.params.type, values: request.body });
      return reply.header('etag', etagOfVersion(type)).send(presentType(type));
    },
  );

  api.delete(
    '/v1/activity-types/:type',
    { schema: { tags, summary: 'Take a type of activity away', params, response: { 204: z.undefined() } } },
    async (request, reply) => {
      await dropType(context, request, request.params.type);
      return reply.code(204).send();
    },
  );
}

function addType(context: ApiContext, viewer: Viewer, values: ActivityTypeValues): Promise<ActivityType> {
  return changing(context, viewer, async (sql) => {
    if (!(await createActivityType(sql, viewer.tenantId, values))) {
      throw conflict('type-exists', 'There is a type of this name. Change it with PATCH /v1/activity-types/{type}.');
    }
    await audit(sql, viewer, { action: 'activity type added', type: values.type });
    return typeNamed(sql, viewer.tenantId, values.type);
  });
}

function changeType(
  context: ApiContext,
  request: FastifyRequest,
  { type, values }: { type: string; values: Partial<ActivityTypeValues> },
): Promise<ActivityType> {
  const { viewer } = request;
  return changing(context, viewer, async (sql) => {
    const stored = await typeNamed(sql, viewer.tenantId, type);
    requireMatch(request, etagOfVersion(stored));
    const changed = { ...stored, ...values };
    const gone = stored.statuses.filter((status) => !changed.statuses.includes(status));
    if (gone.length > 0) await refuseInUse(sql, viewer.tenantId, { type, statuses: gone });
    await replaceActivityType(sql, viewer.tenantId, changed);
    await audit(sql, viewer, { action: 'activity type changed', type });
    return typeNamed(sql, viewer.tenantId, type);
  });
}

function dropType(context: ApiContext, request: FastifyRequest, type: string): Promise<void> {
  const { viewer } = request;
  return changing(context, viewer, async (sql) => {
    requireMatch(request, etagOfVersion(await typeNamed(sql, viewer.tenantId, type)));
    await refuseInUse(sql, viewer.tenantId, { type, statuses: null });
    await removeActivityType(sql, viewer.tenantId, type);
    await audit(sql, viewer, { action: 'activity type removed', type });
  });
}

/** @throws Problem 403 */
function changing<Answer>({ db }: ApiContext, viewer: Viewer, change: (sql: Sql) => Promise<Answer>): Promise<Answer> {
  if (viewer.role === 'member') throw forbidden('Only an admin or a manager can change the list of types.');
  return db.inTenant(viewer.tenantId, async (sql) => {
    await lockTenantForWriting(sql, viewer.tenantId);
    return change(sql);
  });
}

/** @throws Problem 404 */
async function typeNamed(sql: Sql, tenantId: string, type: string): Promise<ActivityType> {
  const found = (await activityTypes(sql, tenantId)).find((one) => one.type === type);
  if (found === undefined) throw notFound();
  return found;
}

async function refuseInUse(sql: Sql, tenantId: string, of: { type: string; statuses: string[] | null }): Promise<void> {
  const { activities, mailboxIds } = await usesOfType(sql, tenantId, of);
  const what = of.statuses === null ? 'The type' : `A status that would go (${of.statuses.join(', ')})`;
  if (mailboxIds.length > 0) {
    const named = mailboxIds.map((id) => publicId('mailbox', id)).join(', ');
    throw conflict('type-in-use', `${what} is in the policy of ${named}. Change that policy first.`);
  }
  if (activities) {
    throw conflict(
      'type-in-use',
      `${what} is that of activities. Give them another with PATCH /v1/activities/{id} first.`,
    );
  }
}

function audit(sql: Sql, viewer: Viewer, { action, type }: { action: string; type: string }): Promise<void> {
  return insertAudit(sql, viewer.tenantId, { actor: actorOf(viewer), action, ids: { activityType: type } });
}

import { z } from 'zod';

import type { Sql } from '../../db/database';
import { insertAudit } from '../../db/mailbox-write';
import {
  createRecordType,
  listRecordTypes,
  readRecordType,
  removeRecordType,
  renameRecordType,
  type OwnRecordType,
} from '../../db/record-types';
import { lockTenantForWriting } from '../../db/tenant-lock';
import { builtInRecordTypes, isBuiltInRecordType } from '../../domain/record-type';
import type { Api, ApiContext } from '../context';
import { time, timeOrNull } from '../fields';
import { requireMatch } from '../precondition';
import { conflict, forbidden, notFound } from '../problems';
import { lineField } from '../records/text-fields';
import { recordTypeField } from '../records/type-field';
import { actorOf, type Viewer } from '../viewer';

const tags = ['records'];
const params = z.strictObject({ type: z.string().max(40) });
const nameField = lineField(100);

const recordTypeSchema = z.object({
  type: z.string(),
  name: z.string().describe('For people; of a built-in type, the type itself'),
  builtIn: z.boolean(),
  createdAt: time.nullable(),
});

/** /v1/record-types: the built-in ones, and those that the tenant has named. */
export function recordTypeRoutes(api: Api, context: ApiContext): void {
  const { db } = context;
  api.get(
    '/v1/record-types',
    {
      schema: {
        tags,
        summary: 'List the types of records',
        response: { 200: z.object({ items: z.array(recordTypeSchema) }) },
      },
    },
    async ({ viewer }) => {
      const own = await db.inTenant(viewer.tenantId, (sql) => listRecordTypes(sql, viewer.tenantId));
      return { items: [...builtInRecordTypes.map(presentBuiltIn), ...own.map(presentOwn)] };
    },
  );
  changingRoutes(api, context);
  removalRoute(api, context);
}

function changingRoutes(api: Api, context: ApiContext): void {
  api.post(
    '/v1/record-types',
    {
      config: { creates: { withhold: [] } },
      schema: {
        tags,
        summary: 'Name a type of record',
        body: z.strictObject({ type: recordTypeField, name: nameField }),
        response: { 201: recordTypeSchema },
      },
    },
    async ({ viewer, body }, reply) => {
      const made = await changing(context, viewer, {
        action: 'record type created',
        change: (sql) => added(sql, viewer, body),
      });
      return reply.code(201).header('etag', etagOf(made)).send(presentOwn(made));
    },
  );

  api.patch(
    '/v1/record-types/:type',
    {
      schema: {
        tags,
        summary: 'Give a type of your own another name',
        params,
        body: z.strictObject({ name: nameField.exactOptional() }),
        response: { 200: recordTypeSchema },
      },
    },
    async (request, reply) => {
      const { viewer, params: of, body } = request;
      const changed = await changing(context, viewer, {
        action: 'record type changed',
        change: async (sql) => {
          const stored = await ownType(sql, viewer, of.type);
          requireMatch(request, etagOf(stored));
          return (
            (await renameRecordType(sql, viewer.tenantId, { type: of.type, name: body.name ?? stored.name })) ?? stored
          );
        },
      });
      return reply.header('etag', etagOf(changed)).send(presentOwn(changed));
    },
  );
}

function removalRoute(api: Api, context: ApiContext): void {
  api.delete(
    '/v1/record-types/:type',
    {
      schema: {
        tags,
        summary: 'Take a type of your own away, of which there is no record',
        params,
        response: { 204: z.undefined() },
      },
    },
    async (request, reply) => {
      const { viewer, params: of } = request;
      await changing(context, viewer, {
        action: 'record type deleted',
        change: async (sql) => {
          requireMatch(request, etagOf(await ownType(sql, viewer, of.type)));
          const removed = await removeRecordType(sql, viewer.tenantId, of.type);
          if (removed.kind === 'in-use') throw typeInUse(of.type);
        },
      });
      return reply.code(204).send();
    },
  );
}

/** Under the tenant's lock, so that no record is made of a type that is just taken away. */
function changing<Result>(
  { db }: ApiContext,
  viewer: Viewer,
  { action, change }: { action: string; change: (sql: Sql) => Promise<Result> },
): Promise<Result> {
  if (viewer.role === 'member') throw forbidden('Only an admin or a manager can change the types of records.');
  return db.inTenant(viewer.tenantId, async (sql) => {
    await lockTenantForWriting(sql, viewer.tenantId);
    const result = await change(sql);
    await insertAudit(sql, viewer.tenantId, { actor: actorOf(viewer), action, ids: {} });
    return result;
  });
}

async function added(sql: Sql, viewer: Viewer, values: { type: string; name: string }): Promise<OwnRecordType> {
  const made = isBuiltInRecordType(values.type) ? null : await createRecordType(sql, viewer.tenantId, values);
  if (made === null) throw conflict('type-taken', `There is a type ${values.type} already. Take another name for it.`);
  return made;
}

async function ownType(sql: Sql, viewer: Viewer, type: string): Promise<OwnRecordType> {
  if (isBuiltInRecordType(type)) {
    throw conflict('type-built-in', `The type ${type} is built in: it can be neither renamed nor taken away.`);
  }
  const stored = await readRecordType(sql, viewer.tenantId, type);
  if (stored === null) throw notFound();
  return stored;
}

function typeInUse(type: string) {
  const detail = `There are records of the type ${type}: GET /v1/records?type=${type} lists them. Give them another type, or delete them.`;
  return conflict('type-in-use', detail);
}

function etagOf({ name }: OwnRecordType): string {
  return `"${Buffer.from(name).toString('base64url')}"`;
}

function presentBuiltIn(type: string): z.output<typeof recordTypeSchema> {
  return { type, name: type, builtIn: true, createdAt: null };
}

function presentOwn({ type, name, createdAt }: OwnRecordType): z.output<typeof recordTypeSchema> {
  return { type, name, builtIn: false, createdAt: timeOrNull(createdAt) };
}

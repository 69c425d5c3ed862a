import { z } from 'zod';

import { listUsers, readUser } from '../../db/users';
import { publicId } from '../../domain/ids';
import { operationOfChange } from '../carry-out-visibility';
import type { Api, ApiContext } from '../context';
import { cascadePreviewSchema, deletionAsked, presentAsked } from '../deletions/cascade';
import { deleteUser, saysMore, userDeletionQuery } from '../deletions/delete-user';
import { idInPath } from '../fields';
import { decodeCursor, pageFrom, pageOf, pageQuery } from '../paging';
import { notFound } from '../problems';
import { etagOfUser, newUserSchema, presentUser, userChangeSchema, userSchema } from './schemas';
import { addUser, changeUser, dropUser } from './write';

const tags = ['users'];
const params = idInPath('user');

/** /v1/users */
export function userRoutes(api: Api, context: ApiContext): void {
  const { db, limits } = context;

  api.post(
    '/v1/users',
    {
      config: { creates: { withhold: [] } },
      schema: { tags, summary: 'Make a user', body: newUserSchema, response: { 201: userSchema } },
    },
    async ({ viewer, body }, reply) => {
      const { user, operationId } = await addUser(context, viewer, body);
      if (operationId !== null) void reply.header('letterbook-operation', publicId('operation', operationId));
      const answer = presentUser(user);
      return reply.code(201).header('location', `/v1/users/${answer.id}`).header('etag', etagOfUser(user)).send(answer);
    },
  );

  const querystring = z.strictObject(pageQuery(limits.maxPageSize));
  api.get(
    '/v1/users',
    { schema: { tags, summary: 'List users', querystring, response: { 200: pageOf(userSchema) } } },
    async ({ viewer, query: { limit, cursor } }) => {
      const afterId = decodeCursor(cursor, {}, z.uuid());
      const rows = await db.inTenant(viewer.tenantId, (sql) =>
        listUsers(sql, viewer.tenantId, { afterId, limit: limit + 1 }),
      );
      return pageFrom(rows, { limit, filter: {}, keyOf: (row) => row.id, present: presentUser });
    },
  );

  api.get(
    '/v1/users/:id',
    { schema: { tags, summary: 'A user', params, response: { 200: userSchema } } },
    async ({ viewer, params: { id } }, reply) => {
      const user = await db.inTenant(viewer.tenantId, (sql) => readUser(sql, viewer.tenantId, id));
      if (user === null) throw notFound();
      return reply.header('etag', etagOfUser(user)).send(presentUser(user));
    },
  );

  api.patch(
    '/v1/users/:id',
    {
      schema: {
        tags,
        summary: 'Change a user',
        params,
        body: userChangeSchema,
        response: { 200: userSchema, 202: userSchema.extend({ operationId: operationOfChange }) },
      },
    },
    async (request, reply) => {
      const { user, operationId } = await changeUser(context, request, { id: request.params.id, values: request.body });
      void reply.header('etag', etagOfUser(user));
      if (operationId === null) return reply.send(presentUser(user));
      return reply.code(202).send({ ...presentUser(user), operationId: publicId('operation', operationId) });
    },
  );

  removalRoute(api, context);
}

function removalRoute(api: Api, context: ApiContext): void {
  api.delete(
    '/v1/users/:id',
    {
      schema: {
        tags,
        summary: 'Remove a user without mailboxes at once; or delete one with all that is theirs',
        params,
        querystring: userDeletionQuery,
        response: { 200: cascadePreviewSchema, 202: deletionAsked, 204: z.undefined() },
      },
    },
    async (request, reply) => {
      const { query, headers } = request;
      if (saysMore(query, headers)) {
        const end = await deleteUser(context, request, { userId: request.params.id, query });
        if (end.kind === 'counted') return reply.code(200).send(end.preview);
        const { location, body } = presentAsked(end.deletion);
        return reply.code(202).header('location', location).send(body);
      }
      const goesOn = await dropUser(context, request, request.params.id);
      if (goesOn === null) return reply.code(204).send();
      const { location, body } = presentAsked(goesOn);
      return reply.code(202).header('location', location).send(body);
    },
  );
}

import { createHash } from 'node:crypto';

import type { FastifyRequest } from 'fastify';
import { z } from 'zod';

import type { Sql } from '../../db/database';
import { insertAudit } from '../../db/mailbox-write';
import { createTeam, listTeams, readTeam, removeTeam, updateTeam, type Team, type TeamValues } from '../../db/teams';
import { lockTenantForWriting } from '../../db/tenant-lock';
import { usersAmong } from '../../db/viewers';
import { publicId } from '../../domain/ids';
import type { Api, ApiContext } from '../context';
import { idField, idInPath, time } from '../fields';
import { decodeCursor, pageFrom, pageOf, pageQuery } from '../paging';
import { requireMatch } from '../precondition';
import { conflict, forbidden, invalidField, notFound } from '../problems';
import { lineField, refuseTwice } from '../records/text-fields';
import { actorOf, type Viewer } from '../viewer';

const tags = ['teams'];
const params = idInPath('team');
const userId = idField('user', 'usr_0192f0c1...');
const members = z
  .array(userId)
  .max(1_000)
  .superRefine(refuseTwice((id: string) => id, []));

const teamSchema = z.object({
  id: z.string().describe('tea_...'),
  name: z.string(),
  memberUserIds: z.array(z.string()),
  createdAt: time,
});

/** /v1/teams: people who may see the same records. */
export function teamRoutes(api: Api, context: ApiContext): void {
  const { db, limits } = context;
  const querystring = z.strictObject({ ...pageQuery(limits.maxPageSize), memberUserId: userId.optional() });
  api.get(
    '/v1/teams',
    { schema: { tags, summary: 'List teams', querystring, response: { 200: pageOf(teamSchema) } } },
    async ({ viewer, query: { limit, cursor, memberUserId = null } }) => {
      const filter = { memberUserId };
      const afterId = decodeCursor(cursor, filter, z.uuid());
      const rows = await db.inTenant(viewer.tenantId, (sql) =>
        listTeams(sql, viewer.tenantId, { memberUserId, afterId, limit: limit + 1 }),
      );
      return pageFrom(rows, { limit, filter, keyOf: (row) => row.id, present: presentTeam });
    },
  );

  api.get(
    '/v1/teams/:id',
    { schema: { tags, summary: 'A team', params, response: { 200: teamSchema } } },
    async ({ viewer, params: { id } }, reply) => {
      const team = await db.inTenant(viewer.tenantId, (sql) => knownTeam(sql, viewer, id));
      return reply.header('etag', etagOfTeam(team)).send(presentTeam(team));
    },
  );
  changingRoutes(api, context);
  removalRoute(api, context);
  memberRoutes(api, context);
}

function changingRoutes(api: Api, context: ApiContext): void {
  api.post(
    '/v1/teams',
    {
      config: { creates: { withhold: [] } },
      schema: {
        tags,
        summary: 'Make a team',
        body: z.strictObject({ name: lineField(200), memberUserIds: members.default([]) }),
        response: { 201: teamSchema },
      },
    },
    async ({ viewer, body }, reply) => {
      const team = await changing(context, viewer, async (sql) => {
        await requireUsers(sql, viewer, body.memberUserIds);
        const made = await createTeam(sql, viewer.tenantId, body);
        await audit(sql, viewer, { action: 'team created', teamId: made.id });
        return made;
      });
      const answer = presentTeam(team);
      return reply.code(201).header('location', `/v1/teams/${answer.id}`).header('etag', etagOfTeam(team)).send(answer);
    },
  );

  api.patch(
    '/v1/teams/:id',
    {
      schema: {
        tags,
        summary: 'Change a team',
        params,
        body: z.strictObject({ name: lineField(200).exactOptional(), memberUserIds: members.exactOptional() }),
        response: { 200: teamSchema },
      },
    },
    async (request, reply) => {
      const team = await changeTeam(context, request, { id: request.params.id, valuesOf: () => request.body });
      return reply.header('etag', etagOfTeam(team)).send(presentTeam(team));
    },
  );
}

function removalRoute(api: Api, context: ApiContext): void {
  api.delete(
    '/v1/teams/:id',
    {
      schema: {
        tags,
        summary: 'Remove a team to which no record is restricted',
        params,
        response: { 204: z.undefined() },
      },
    },
    async (request, reply) => {
      const { viewer, params: of } = request;
      await changing(context, viewer, async (sql) => {
        requireMatch(request, etagOfTeam(await knownTeam(sql, viewer, of.id)));
        const removed = await removeTeam(sql, viewer.tenantId, of.id);
        if (removed.kind === 'in-use') throw teamInUse(removed.records);
        await audit(sql, viewer, { action: 'team removed', teamId: of.id });
      });
      return reply.code(204).send();
    },
  );
}

function memberRoutes(api: Api, context: ApiContext): void {
  const withMember = params.extend({ userId });
  const schema = { tags, params: withMember, response: { 200: teamSchema } };
  api.put(
    '/v1/teams/:id/members/:userId',
    { schema: { ...schema, summary: 'Take a user into a team' } },
    async (request, reply) => {
      const { id, userId: member } = request.params;
      const valuesOf = ({ memberUserIds }: Team) => ({ memberUserIds: [...new Set([...memberUserIds, member])] });
      const team = await changeTeam(context, request, { id, valuesOf });
      return reply.header('etag', etagOfTeam(team)).send(presentTeam(team));
    },
  );
  api.delete(
    '/v1/teams/:id/members/:userId',
    { schema: { ...schema, summary: 'Take a user out of a team' } },
    async (request, reply) => {
      const { id, userId: member } = request.params;
      const valuesOf = ({ memberUserIds }: Team) => ({ memberUserIds: memberUserIds.filter((one) => one !== member) });
      const team = await changeTeam(context, request, { id, valuesOf });
      return reply.header('etag', etagOfTeam(team)).send(presentTeam(team));
    },
  );
}

/** @throws Problem 400, 403, 404, 412 */
function changeTeam(
  context: ApiContext,
  request: FastifyRequest,
  change: { id: string; valuesOf: (stored: Team) => Partial<TeamValues> },
): Promise<Team> {
  const { viewer } = request;
  return changing(context, viewer, async (sql) => {
    const stored = await knownTeam(sql, viewer, change.id);
    requireMatch(request, etagOfTeam(stored));
    const values = { ...stored, ...change.valuesOf(stored) };
    await requireUsers(sql, viewer, values.memberUserIds);
    const team = await updateTeam(sql, viewer.tenantId, values);
    await audit(sql, viewer, { action: 'team changed', teamId: team.id });
    return team;
  });
}

function changing<Result>({ db }: ApiContext, viewer: Viewer, change: (sql: Sql) => Promise<Result>): Promise<Result> {
  if (viewer.userId !== null && viewer.role !== 'admin') {
    throw forbidden('Only an admin can make, change or remove teams.');
  }
  return db.inTenant(viewer.tenantId, async (sql) => {
    await lockTenantForWriting(sql, viewer.tenantId);
    return change(sql);
  });
}

async function knownTeam(sql: Sql, { tenantId }: Viewer, id: string): Promise<Team> {
  const team = await readTeam(sql, tenantId, id);
  if (team === null) throw notFound();
  return team;
}

async function requireUsers(sql: Sql, { tenantId }: Viewer, userIds: string[]): Promise<void> {
  const known = await usersAmong(sql, tenantId, userIds);
  if (userIds.every((id) => known.has(id))) return;
  throw invalidField('memberUserIds', 'names a user that does not exist.', 'GET /v1/users lists them.');
}

function teamInUse(records: number) {
  const many = records === 1 ? 'One record is' : `${String(records)} records or more are`;
  return conflict('team-in-use', `${many} shown to this team. Change their \`scope\` first.`);
}

function audit(sql: Sql, viewer: Viewer, what: { action: string; teamId: string }): Promise<void> {
  const ids = { teamId: publicId('team', what.teamId) };
  return insertAudit(sql, viewer.tenantId, { actor: actorOf(viewer), action: what.action, ids });
}

function presentTeam({ id, name, memberUserIds, createdAt }: Team): z.output<typeof teamSchema> {
  return {
    id: publicId('team', id),
    name,
    memberUserIds: memberUserIds.map((user) => publicId('user', user)),
    createdAt: createdAt.toISOString(),
  };
}

/** Of what can be changed. */
function etagOfTeam({ name, memberUserIds }: Team): string {
  const text = JSON.stringify([name, memberUserIds]);
  return `"${createHash('sha256').update(text).digest('base64url').slice(0, 16)}"`;
}

import { createHash, randomBytes } from 'node:crypto';

import { z } from 'zod';

import { insertKey, listKeys, revokeKey, type ApiKey } from '../db/api-keys';
import { insertAudit } from '../db/mailbox-write';
import { usersAmong } from '../db/viewers';
import { publicId } from '../domain/ids';
import type { Api, ApiContext } from './context';
import { idField, idInPath, time, timeOrNull } from './fields';
import { decodeCursor, pageFrom, pageOf, pageQuery } from './paging';
import { forbidden, invalidField, notFound } from './problems';
import { actorOf, scopes, type Viewer } from './viewer';

const newKeySchema = z.strictObject({
  label: z.string().min(1).max(200),
  scopes: z
    .array(z.enum(scopes))
    .min(1)
    .max(scopes.length)
    .default(['read', 'write'])
    .describe('Each stands alone: `write` does not contain `read`'),
  userId: idField('user', 'usr_0192f0c1...').nullable().exactOptional().describe('Whose key it is; null: the tenant'),
  expiresAt: z.iso.datetime({ offset: true }).nullable().exactOptional(),
});

const keySchema = z.object({
  id: z.string().describe('key_...'),
  label: z.string(),
  scopes: z.array(z.enum(scopes)),
  userId: z.string().nullable(),
  createdAt: time,
  expiresAt: time.nullable(),
  revokedAt: time.nullable(),
});

const shownOnce = keySchema.extend({
  key: z
    .string()
    .nullable()
    .describe('Shown only now: the database has its SHA-256. Null where the answer is repeated'),
});

const tags = ['keys'];

/** /v1/keys */
export function keyRoutes(api: Api, context: ApiContext): void {
  const { db, limits, now } = context;

  api.post(
    '/v1/keys',
    {
      config: { access: 'admin', creates: { withhold: ['key'] } },
      schema: { tags, summary: 'Make an API key', body: newKeySchema, response: { 201: shownOnce } },
    },
    async ({ viewer, body }, reply) => {
      const { key, made } = await makeKey(context, viewer, body);
      const location = `/v1/keys/${publicId('apiKey', made.id)}`;
      return reply
        .code(201)
        .header('location', location)
        .send({ ...presentKey(made), key });
    },
  );

  api.get(
    '/v1/keys',
    {
      config: { access: 'admin' },
      schema: {
        tags,
        summary: 'List API keys, newest first',
        querystring: z.strictObject(pageQuery(limits.maxPageSize)),
        response: { 200: pageOf(keySchema) },
      },
    },
    async ({ viewer: { tenantId, userId }, query }) => {
      const beforeId = decodeCursor(query.cursor, {}, z.uuid());
      const rows = await listKeys(db, tenantId, { userId, beforeId, limit: query.limit + 1 });
      return pageFrom(rows, { limit: query.limit, filter: {}, keyOf: (row) => row.id, present: presentKey });
    },
  );

  api.delete(
    '/v1/keys/:id',
    {
      config: { access: 'admin' },
      schema: { tags, summary: 'Revoke an API key', params: idInPath('apiKey'), response: { 200: keySchema } },
    },
    async ({ viewer, params: { id } }) => {
      const { tenantId, userId } = viewer;
      const revoked = await db.inTenant(tenantId, async (sql) => {
        const ids = { keyId: publicId('apiKey', id) };
        await insertAudit(sql, tenantId, { actor: actorOf(viewer), action: 'key revoked', ids });
        return revokeKey(sql, tenantId, { id, userId, at: now() });
      });
      if (revoked === null) throw notFound();
      return presentKey(revoked);
    },
  );
}

/** Makes a key that can do no more than the one it was made with. */
async function makeKey(
  { db, now }: ApiContext,
  viewer: Viewer,
  body: z.output<typeof newKeySchema>,
): Promise<{ key: string; made: ApiKey }> {
  const { tenantId } = viewer;
  const userId = body.userId === undefined ? viewer.userId : body.userId;
  if (viewer.userId !== null && userId !== viewer.userId) {
    throw forbidden('A user can make keys for themselves only.');
  }
  const wider = body.scopes.filter((scope) => !viewer.scopes.includes(scope));
  if (wider.length > 0) throw forbidden(`This key cannot give away what it does not have: ${wider.join(', ')}.`);
  const expiresAt = body.expiresAt === undefined || body.expiresAt === null ? null : new Date(body.expiresAt);
  if (expiresAt !== null && expiresAt <= now()) throw invalidField('expiresAt', 'is over.', 'Give a time to come.');
  const key = `lbk_${randomBytes(32).toString('base64url')}`;
  const hash = createHash('sha256').update(key).digest();
  const made = await db.inTenant(tenantId, async (sql) => {
    if (userId !== null && (await usersAmong(sql, tenantId, [userId])).size === 0) {
      throw invalidField('userId', 'names a user that does not exist.', 'GET /v1/users lists them.');
    }
    const inserted = await insertKey(sql, tenantId, {
      hash,
      userId,
      label: body.label,
      scopes: [...new Set(body.scopes)],
      expiresAt,
    });
    const ids = { keyId: publicId('apiKey', inserted.id) };
    await insertAudit(sql, tenantId, { actor: actorOf(viewer), action: 'key made', ids });
    return inserted;
  });
  return { key, made };
}

function presentKey(key: ApiKey): z.output<typeof keySchema> {
  return {
    id: publicId('apiKey', key.id),
    label: key.label,
    scopes: key.scopes,
    userId: key.userId === null ? null : publicId('user', key.userId),
    createdAt: key.createdAt.toISOString(),
    expiresAt: timeOrNull(key.expiresAt),
    revokedAt: timeOrNull(key.revokedAt),
  };
}

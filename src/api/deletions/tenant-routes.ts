import { z } from 'zod';

import { askForTenant, readTenant, type Tenant } from '../../db/deletion/cascade/ask';
import { previewTenant } from '../../db/deletion/cascade/previews';
import type { Deletion } from '../../db/deletion/deletions';
import { insertAudit } from '../../db/mailbox-write';
import { lockTenantForWriting } from '../../db/tenant-lock';
import { publicId } from '../../domain/ids';
import type { Api, ApiContext } from '../context';
import { time } from '../fields';
import { etagOfDomains } from '../own-domains';
import { notFound } from '../problems';
import { actorOf, type Viewer } from '../viewer';
import { cascadePreviewSchema, deletionAsked, presentAsked, requireEraser, startDeletion } from './cascade';
import { confirmationFields, wishOf } from './confirmation';
import { confirmationMismatch } from './refusals';

const tags = ['tenant'];

const tenantSchema = z.object({
  id: z.string().describe('tnt_...'),
  name: z.string(),
  ownDomains: z.array(z.string()).describe('Mail from and to them belongs to no customer by its domain'),
  createdAt: time,
  deletionId: z.string().nullable().describe('It is being deleted'),
});

/** /v1/tenant: the company whose key asks. */
export function tenantRoutes(api: Api, context: ApiContext): void {
  api.get(
    '/v1/tenant',
    { schema: { tags, summary: 'Whose key this is', response: { 200: tenantSchema } } },
    async ({ viewer }, reply) => {
      const tenant = await context.db.inTenant(viewer.tenantId, (sql) => readTenant(sql, viewer.tenantId));
      if (tenant === null) throw notFound();
      return reply.header('etag', etagOfDomains(tenant.ownDomains)).send(presentTenant(tenant));
    },
  );

  api.delete(
    '/v1/tenant',
    {
      config: { access: 'admin' },
      schema: {
        tags,
        summary: 'Delete the tenant with all that it has; or count it with dryRun',
        description:
          'From the answer on no key of the tenant opens anything, also not the one that asked: the operator reads how far it is, and the report.',
        querystring: z.strictObject(confirmationFields('The name of the tenant')),
        response: { 200: cascadePreviewSchema, 202: deletionAsked },
      },
    },
    async (request, reply) => {
      const { viewer, query, headers } = request;
      requireEraser(viewer, 'delete the tenant');
      const wish = wishOf(query, headers, 'the name of the tenant');
      if (wish.kind === 'count') {
        return reply
          .code(200)
          .send(await context.db.inTenant(viewer.tenantId, (sql) => previewTenant(sql, viewer.tenantId)));
      }
      const deletion = await askFor(context, viewer, wish.confirmed);
      await startDeletion(context, viewer, { ...deletion, kind: 'tenant' });
      const { location, body } = presentAsked(deletion);
      return reply.code(202).header('location', location).send(body);
    },
  );
}

function presentTenant({ id, name, ownDomains, createdAt, deletionId }: Tenant): z.output<typeof tenantSchema> {
  return {
    id: publicId('tenant', id),
    name,
    ownDomains,
    createdAt: createdAt.toISOString(),
    deletionId: deletionId === null ? null : publicId('deletion', deletionId),
  };
}

/** @throws Problem 404, or 422 where another name is confirmed */
function askFor({ db }: ApiContext, viewer: Viewer, confirmed: string): Promise<Deletion> {
  const { tenantId } = viewer;
  return db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    const tenant = await readTenant(sql, tenantId);
    if (tenant === null) throw notFound();
    if (confirmed.trim() !== tenant.name.trim()) throw confirmationMismatch('the name of this very tenant');
    const deletion = await askForTenant(sql, tenantId, actorOf(viewer));
    const ids = { tenantId: publicId('tenant', tenantId), deletionId: publicId('deletion', deletion.id) };
    await insertAudit(sql, tenantId, { actor: actorOf(viewer), action: 'tenant delete', ids });
    return deletion;
  });
}

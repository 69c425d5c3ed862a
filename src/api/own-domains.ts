import { createHash } from 'node:crypto';

import type { FastifyRequest } from 'fastify';
import { z } from 'zod';

import { insertAudit } from '../db/mailbox-write';
import { readOwnDomains, writeOwnDomains } from '../db/own-domains';
import { lockTenantForWriting } from '../db/tenant-lock';
import { publicId } from '../domain/ids';
import type { Api, ApiContext } from './context';
import { requireMatch } from './precondition';
import { forbidden, notFound } from './problems';
import { carryOutRematch } from './records/carry-out-rematch';
import { domainField, refuseTwice } from './records/text-fields';
import { actorOf } from './viewer';

const body = z.strictObject({
  ownDomains: z
    .array(domainField)
    .max(1_000)
    .superRefine(refuseTwice((domain: string) => domain, []))
    .transform((given) => given.toSorted())
    .describe('All domains of the company itself: mail from and to them belongs to no customer by its domain'),
});

const answer = z.object({
  id: z.string().describe('tnt_...'),
  ownDomains: z.array(z.string()),
  operationId: z
    .string()
    .nullable()
    .describe('The job that links stored mail anew, where it is too much to be done at once'),
});

/** The ETag of the domains of a tenant. */
export function etagOfDomains(domains: string[]): string {
  return `"${createHash('sha256').update(domains.join()).digest('hex').slice(0, 16)}"`;
}

/** PATCH /v1/tenant: which domains are the company's own. */
export function ownDomainRoutes(api: Api, context: ApiContext): void {
  api.patch(
    '/v1/tenant',
    {
      config: { access: 'admin' },
      schema: { tags: ['tenant'], summary: 'Say which domains are your own', body, response: { 200: answer } },
    },
    async (request, reply) => {
      const { ownDomains } = request.body;
      const operationId = await changeOwnDomains(context, request, ownDomains);
      return reply.header('etag', etagOfDomains(ownDomains)).send({
        id: publicId('tenant', request.viewer.tenantId),
        ownDomains,
        operationId: operationId === null ? null : publicId('operation', operationId),
      });
    },
  );
}

/** Returns the job that links stored mail anew while it goes on. @throws Problem 403, 404, 412 */
async function changeOwnDomains(context: ApiContext, request: FastifyRequest, after: string[]): Promise<string | null> {
  const { viewer } = request;
  const { tenantId } = viewer;
  if (viewer.role !== null && viewer.role !== 'admin') throw forbidden('Only an admin can say which domains are own.');
  const job = await context.db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    const before = await readOwnDomains(sql, tenantId);
    if (before === null) throw notFound();
    requireMatch(request, etagOfDomains(before));
    const ids = { tenantId: publicId('tenant', tenantId) };
    await insertAudit(sql, tenantId, { actor: actorOf(viewer), action: 'own domains changed', ids });
    return writeOwnDomains(sql, tenantId, { before, after });
  });
  return carryOutRematch(context, tenantId, job);
}

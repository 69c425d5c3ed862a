import { z } from 'zod';

import { findDeletion } from '../../db/deletion/deletions';
import { insertAudit } from '../../db/mailbox-write';
import { findOperation } from '../../db/operations';
import { findExport, insertExport } from '../../db/people/exports';
import { publicId } from '../../domain/ids';
import type { Api, ApiContext } from '../context';
import { deletionSchema, presentDeletion } from '../deletions/presenter';
import { idInPath } from '../fields';
import { downloadHeaders } from '../messages/download-headers';
import { operationSchema, presentOperation } from '../operations';
import { notFound } from '../problems';
import { actorOf, type Viewer } from '../viewer';
import { checkConfirmed, countPerson, erasePerson } from './erase-person';
import { exportZip } from './export-zip';
import { requireAdmin } from './refusals';
import { addressesField, erasurePreviewSchema, presentPreview } from './schemas';

const tags = ['people'];

/** /v1/people/erasures: everything of a person goes (GDPR, article 17). */
export function personErasureRoutes(api: Api, context: ApiContext): void {
  const addresses = addressesField(context.limits.personAddresses);
  const erasureBody = z.strictObject({
    addresses,
    dryRun: z.boolean().optional().describe('`true` counts only'),
    confirm: addresses.optional().describe('The same addresses once more'),
  });
  api.post(
    '/v1/people/erasures',
    {
      config: { access: 'admin' },
      schema: {
        tags,
        summary: 'Erase everything of a person; or count it with dryRun',
        description:
          'All messages in which one of the addresses is sender or recipient go, in all mailboxes, with bytes, attachments, links and search; so do the addresses of records. Ledger rows stay and say `filtered: erased`, so that nothing is fetched again. GET /v1/deletions/{id} says how far it is, and keeps the report.',
        body: erasureBody,
        response: { 200: erasurePreviewSchema, 202: deletionSchema },
      },
    },
    async ({ viewer, body }, reply) => {
      requireAdmin(viewer);
      const addressKeys = body.addresses.map(({ key }) => key);
      if (checkConfirmed(body) === 'count') {
        return reply.code(200).send(presentPreview(await countPerson(context, viewer, addressKeys)));
      }
      const id = await erasePerson(context, viewer, addressKeys);
      const { tenantId } = viewer;
      const deletion = await context.db.inTenant(tenantId, (sql) => findDeletion(sql, { tenantId, userId: null }, id));
      if (deletion === null) throw notFound();
      const location = `/v1/deletions/${publicId('deletion', id)}`;
      return reply.code(202).header('location', location).send(presentDeletion(deletion, context.now()));
    },
  );
}

/** /v1/people/exports: all that there is of a person (GDPR, articles 15 and 20). */
export function personExportRoutes(api: Api, context: ApiContext): void {
  const { db, limits, now } = context;
  api.post(
    '/v1/people/exports',
    {
      config: { access: 'admin', creates: { withhold: [] } },
      schema: {
        tags,
        summary: 'Export everything of a person',
        description:
          'The ZIP is made while it is fetched, from GET /v1/people/exports/{id}/file, as often as wanted until `result.expiresAt`. Nothing of it is stored.',
        body: z.strictObject({ addresses: addressesField(limits.personAddresses) }),
        response: { 202: operationSchema },
      },
    },
    async ({ viewer, body }, reply) => {
      requireAdmin(viewer);
      const id = await askForExport(
        context,
        viewer,
        body.addresses.map(({ key }) => key),
      );
      const operation = await findOperation(db, { tenantId: viewer.tenantId, userId: null }, id);
      if (operation === null) throw notFound();
      const location = `/v1/people/exports/${publicId('operation', id)}/file`;
      return reply.code(202).header('location', location).send(presentOperation(operation, now()));
    },
  );

  api.get(
    '/v1/people/exports/:id/file',
    {
      config: { access: 'admin' },
      schema: {
        tags,
        summary: 'Fetch an export',
        description:
          'Mail byte for byte as `.eml`, `messages.json`, `records.json`, and last `index.json`: a ZIP without it is not whole.',
        params: idInPath('operation'),
        response: { 200: { description: 'A ZIP', content: { 'application/zip': { schema: z.any() } } } },
      },
    },
    async ({ viewer, params }, reply) => {
      requireAdmin(viewer);
      const { tenantId } = viewer;
      const wanted = await findExport(db, tenantId, params.id);
      if (wanted === null) throw notFound();
      const exportId = publicId('operation', params.id);
      await noteFetched(context, viewer, exportId);
      const zip = exportZip({ ...context, tenantId, addressKeys: wanted.addressKeys });
      const headers = downloadHeaders({ contentType: 'application/zip', filename: `${exportId}.zip` });
      return reply.headers(headers).send(zip);
    },
  );
}

function askForExport({ db, limits, now }: ApiContext, viewer: Viewer, addressKeys: string[]): Promise<string> {
  const { tenantId } = viewer;
  const expiresAt = new Date(now().getTime() + limits.exportKeptMs);
  return db.inTenant(tenantId, async (sql) => {
    const id = await insertExport(sql, tenantId, { addressKeys, expiresAt });
    const ids = { operationId: publicId('operation', id) };
    await insertAudit(sql, tenantId, { actor: actorOf(viewer), action: 'person export', ids });
    return id;
  });
}

/** Who saw what is written down (product promise G6). */
async function noteFetched({ db }: ApiContext, viewer: Viewer, operationId: string): Promise<void> {
  const { tenantId } = viewer;
  await db.inTenant(tenantId, (sql) =>
    insertAudit(sql, tenantId, { actor: actorOf(viewer), action: 'person export fetch', ids: { operationId } }),
  );
}

import { z } from 'zod';

import { importProgress } from '../../db/import-progress';
import { findMailbox, listMailboxes, type Mailbox } from '../../db/mailboxes';
import type { Language } from '../../domain/languages';
import { mailboxStates } from '../../domain/mailbox-state';
import { publicId } from '../../domain/ids';
import { operationOfChange } from '../carry-out-visibility';
import type { Api, ApiContext } from '../context';
import { countMailbox, deleteMailbox, deletionQuery, deletionWish } from '../deletions/delete-mailbox';
import { deletionPreviewSchema } from '../deletions/presenter';
import { idInPath, noBody, yesOrNo } from '../fields';
import { languageFor } from '../language';
import { operationSchema, presentOperation } from '../operations';
import { decodeCursor, pageFrom, pageOf, pageQuery } from '../paging';
import { etagOf } from '../precondition';
import { notFound } from '../problems';
import type { Viewer } from '../viewer';
import { changeMailbox, previewChange, warningsOfChange } from './change';
import { changePreviewSchema } from './change-preview';
import { createMailbox } from './create';
import { readerOf } from './people';
import { refusePop3 } from './pop3';
import { presentMailbox } from './presenter';
import { connectedMailboxSchema, mailboxChangeSchema, mailboxSchema, newMailboxSchema } from './schemas';
import { syncMailbox } from './sync';
import { warningsFor } from './warnings';
import { setDesiredState, type WishKind } from './wish';

const tags = ['mailboxes'];
const params = idInPath('mailbox');

const jobsOfChange = {
  operationId: operationOfChange,
  rematchOperationId: z.string().nullable().describe('The job that matches stored mail again, by the new policy'),
};

function shownJob(operationId: string | null): string | null {
  return operationId === null ? null : publicId('operation', operationId);
}

/** /v1/mailboxes: connecting and changing. */
export function mailboxRoutes(api: Api, context: ApiContext): void {
  api.post(
    '/v1/mailboxes',
    {
      config: { creates: { withhold: [] } },
      preValidation: refusePop3,
      schema: { tags, summary: 'Connect a mailbox', body: newMailboxSchema, response: { 201: connectedMailboxSchema } },
    },
    async (request, reply) => {
      const language = languageFor(request, reply);
      const mailbox = await createMailbox(context, request.viewer, { body: request.body, language });
      const answer = {
        ...presentMailbox(mailbox, null, language),
        warnings: warningsFor(context, mailbox),
      };
      return reply
        .code(201)
        .header('location', `/v1/mailboxes/${answer.id}`)
        .header('etag', etagOf(mailbox.updatedAt))
        .send(answer);
    },
  );

  api.patch(
    '/v1/mailboxes/:id',
    {
      preValidation: refusePop3,
      schema: {
        tags,
        summary: 'Change a mailbox; or say what the change would do with dryRun',
        params,
        querystring: z.strictObject({ dryRun: yesOrNo.optional() }),
        body: mailboxChangeSchema,
        response: {
          200: z.union([connectedMailboxSchema, changePreviewSchema]),
          202: connectedMailboxSchema.extend(jobsOfChange),
        },
      },
    },
    async (request, reply) => {
      const { params, body, query } = request;
      const language = languageFor(request, reply);
      const wanted = { id: params.id, body, language };
      if (query.dryRun === true) {
        const { mailbox, preview } = await previewChange(context, request, wanted);
        return reply.header('etag', etagOf(mailbox.updatedAt)).send(preview);
      }
      const { mailbox, operationId, rematchOperationId } = await changeMailbox(context, request, wanted);
      const present = await presenterFor(context, request.viewer, { mailboxes: [mailbox], language });
      const warnings = warningsOfChange(context, mailbox, body);
      const answer = { ...present(mailbox), warnings };
      void reply.header('etag', etagOf(mailbox.updatedAt));
      // Clients wait for one job: where nothing else is to be done, for that which matches mail again.
      const job = operationId ?? rematchOperationId;
      if (job === null) return reply.send(answer);
      const jobs = { operationId: publicId('operation', job), rematchOperationId: shownJob(rematchOperationId) };
      return reply.code(202).send({ ...answer, ...jobs });
    },
  );
}

const deletionAsked = z.object({ deletionId: z.string().describe('del_...') });

/** DELETE /v1/mailboxes/{id} */
export function mailboxDeletionRoute(api: Api, context: ApiContext): void {
  api.delete(
    '/v1/mailboxes/:id',
    {
      schema: {
        tags,
        summary: 'Delete a mailbox with all that it holds; or count it with dryRun',
        params,
        querystring: deletionQuery,
        response: { 200: deletionPreviewSchema, 202: deletionAsked },
      },
    },
    async ({ viewer, params: { id }, query, headers }, reply) => {
      const wish = await deletionWish(context, viewer, { mailboxId: id, query, headers });
      if (wish.kind === 'count') return reply.code(200).send(await countMailbox(context, viewer, id));
      const deletion = await deleteMailbox(context, viewer, { mailboxId: id, confirmed: wish.confirmed });
      const deletionId = publicId('deletion', deletion.id);
      return reply.code(202).header('location', `/v1/deletions/${deletionId}`).send({ deletionId });
    },
  );
}

/** /v1/mailboxes: looking. */
export function mailboxReadRoutes(api: Api, context: ApiContext): void {
  const { db, limits } = context;
  const listQuery = z.strictObject({ ...pageQuery(limits.maxPageSize), state: z.enum(mailboxStates).optional() });
  api.get(
    '/v1/mailboxes',
    { schema: { tags, summary: 'List mailboxes', querystring: listQuery, response: { 200: pageOf(mailboxSchema) } } },
    async (request, reply) => {
      const { viewer, query } = request;
      const filter = { state: query.state ?? null };
      const afterId = decodeCursor(query.cursor, filter, z.uuid());
      const rows = await db.inTenant(viewer.tenantId, (sql) =>
        listMailboxes(sql, readerOf(viewer), { ...filter, afterId, limit: query.limit + 1 }),
      );
      const present = await presenterFor(context, viewer, { mailboxes: rows, language: languageFor(request, reply) });
      return pageFrom(rows, { limit: query.limit, filter, keyOf: (row) => row.id, present });
    },
  );

  api.get(
    '/v1/mailboxes/:id',
    { schema: { tags, summary: 'What a mailbox is doing', params, response: { 200: mailboxSchema } } },
    async (request, reply) => {
      const { viewer, params } = request;
      const mailbox = await db.inTenant(viewer.tenantId, (sql) => findMailbox(sql, readerOf(viewer), params.id));
      if (mailbox === null) throw notFound();
      const present = await presenterFor(context, viewer, {
        mailboxes: [mailbox],
        language: languageFor(request, reply),
      });
      return reply.header('etag', etagOf(mailbox.updatedAt)).send(present(mailbox));
    },
  );
}

/** Presents mailboxes with what their imports have come to, read at once for all. */
async function presenterFor(
  { db }: ApiContext,
  { tenantId }: Viewer,
  { mailboxes, language }: { mailboxes: Mailbox[]; language: Language },
) {
  const ids = mailboxes.map((mailbox) => mailbox.id);
  const imports = await db.inTenant(tenantId, (sql) => importProgress(sql, tenantId, ids));
  const progressOf = new Map(imports.map((progress) => [progress.mailboxId, progress]));
  return (mailbox: Mailbox) => presentMailbox(mailbox, progressOf.get(mailbox.id) ?? null, language);
}

const wishes: Record<WishKind, string> = {
  pause: 'Pause: no round is begun',
  resume: 'Go on after a pause',
  stop: 'Stop; what was recorded is kept',
  start: 'Start again after a stop',
};

const wishSchema = operationSchema.extend({
  deletionId: z
    .string()
    .optional()
    .describe('del_...: by its policy `onStop: delete` the mailbox is deleted when it has stopped'),
});

/** /v1/mailboxes/{id}/...: what is wished of a mailbox. */
export function lifecycleRoutes(api: Api, context: ApiContext): void {
  for (const kind of Object.keys(wishes) as WishKind[]) {
    api.post(
      `/v1/mailboxes/:id/${kind}`,
      { schema: { tags, summary: wishes[kind], params, body: noBody, response: { 202: wishSchema } } },
      async ({ viewer, params: { id } }, reply) => {
        const { operation, deletionId } = await setDesiredState(context, viewer, { mailboxId: id, kind });
        const deletion = deletionId === null ? {} : { deletionId: publicId('deletion', deletionId) };
        return reply.code(202).send({ ...presentOperation(operation, context.now()), ...deletion });
      },
    );
  }

  api.post(
    '/v1/mailboxes/:id/sync',
    {
      schema: {
        tags,
        summary: 'Look for new mail now, and wait for it',
        params,
        body: noBody,
        response: { 200: operationSchema, 202: operationSchema },
      },
    },
    async ({ viewer, params: { id } }, reply) => {
      const { kind, operation } = await syncMailbox(context, viewer, id);
      const answer = presentOperation(operation, context.now());
      return kind === 'finished' ? reply.code(200).send(answer) : reply.code(202).send(answer);
    },
  );
}

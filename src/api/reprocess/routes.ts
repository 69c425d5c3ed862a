import { z } from 'zod';

import { findMailbox } from '../../db/mailboxes';
import { insertAudit } from '../../db/mailbox-write';
import { insertReprocess } from '../../db/reprocess/ask';
import { listDifferences, type Difference } from '../../db/reprocess/list-differences';
import { findOperation } from '../../db/operations';
import { publicId } from '../../domain/ids';
import { reprocessFields, reprocessOutcomes, type ReprocessScope } from '../../domain/reprocess';
import type { Api, ApiContext } from '../context';
import { refuseWhileDeleting } from '../deletions/refusals';
import { idField, idInPath, instant, time, timeOrNull } from '../fields';
import { startedJob } from '../held-jobs';
import { readerOf, requireManager } from '../mailboxes/people';
import { operationSchema } from '../operations';
import { decodeCursor, pageFrom, pageOf, pageQuery } from '../paging';
import { conflict, forbidden, invalidField, notFound } from '../problems';
import { actorOf, type Viewer } from '../viewer';

const tags = ['operations'];
/** Of Postgres' `integer`. */
const maxInteger = 2_147_483_647;

const scopeSchema = z.strictObject({
  mailboxId: idField('mailbox', 'mbx_0192f0c1...').optional().describe('One mailbox; without it all of them'),
  from: instant.optional().describe('Messages that stand in timelines at this time or later'),
  to: instant.optional().describe('Messages that stand in timelines before this time'),
  parserVersionBelow: z.int().min(0).max(maxInteger).optional().describe('Copies read by an older parser'),
  dryRun: z.boolean().default(false).describe('Lists what differs, and writes nothing'),
});

const description =
  'A job: every copy is read from its stored bytes by the parser of today, without the server, and where something differs from what is ' +
  'stored just that is written, with one event for the message. `GET /v1/operations/{id}` says how far it is, `/differences` which messages ' +
  'differ and in what, `/pause`, `/resume` and `/cancel` hold it. What cannot be read any more stays as it is. Links by hand stay.';

const differenceSchema = z.object({
  copyId: z.string(),
  mailboxId: z.string(),
  messageId: z.string().nullable().describe('null: it was deleted meanwhile'),
  fields: z.array(z.enum(reprocessFields)).describe('What differs; empty where the message cannot be read any more'),
  outcome: z.enum(reprocessOutcomes).describe('`differs`: it is as it was'),
  reason: z.string().nullable(),
  at: time.nullable(),
});

/** /v1/reprocess: stored mail is read again; and what a job found. */
export function reprocessRoutes(api: Api, context: ApiContext): void {
  const { db, limits } = context;
  api.post(
    '/v1/reprocess',
    {
      config: { creates: { withhold: [] } },
      schema: {
        tags,
        summary: 'Read stored mail again with the parser of today',
        description,
        body: scopeSchema,
        response: { 202: operationSchema },
      },
    },
    async ({ viewer, body: { dryRun, ...asked } }, reply) => {
      const scope = scopeOf(asked);
      await requireRight(context, viewer, scope);
      return reply.code(202).send(await begin(context, viewer, { scope, dryRun }));
    },
  );

  const params = idInPath('operation');
  api.get(
    '/v1/operations/:id/differences',
    {
      schema: {
        tags,
        summary: 'Which messages the parser of today reads otherwise, and in what',
        params,
        querystring: z.strictObject(pageQuery(limits.maxPageSize)),
        response: { 200: pageOf(differenceSchema) },
      },
    },
    async ({ viewer, params: { id: operationId }, query: { cursor, limit } }) => {
      const operation = await findOperation(db, readerOf(viewer), operationId);
      if (operation === null) throw notFound();
      if (operation.kind !== 'reprocess') throw notAReprocess(operation.kind);
      const afterCopyId = decodeCursor(cursor, operationId, z.uuid());
      const rows = await db.inTenant(viewer.tenantId, (sql) =>
        listDifferences(sql, readerOf(viewer), { operationId, afterCopyId, limit: limit + 1 }),
      );
      return pageFrom(rows, { limit, filter: operationId, keyOf: (row) => row.copyId, present });
    },
  );
}

function scopeOf(asked: Omit<z.output<typeof scopeSchema>, 'dryRun'>): ReprocessScope {
  const { from = null, to = null } = asked;
  if (from !== null && to !== null && from >= to)
    throw invalidField('to', 'is not after `from`.', 'Give a later time.');
  return { mailboxId: asked.mailboxId ?? null, from, to, parserVersionBelow: asked.parserVersionBelow ?? null };
}

/** @throws Problem 404, 403, or 409 where the mailbox is being deleted */
async function requireRight({ db }: ApiContext, viewer: Viewer, { mailboxId }: ReprocessScope): Promise<void> {
  if (mailboxId === null) {
    if (viewer.userId === null || viewer.role === 'admin') return;
    throw forbidden('Only an admin can have the mail of all mailboxes read again. Name one of your own: `mailboxId`.');
  }
  const mailbox = await db.inTenant(viewer.tenantId, (sql) => findMailbox(sql, readerOf(viewer), mailboxId));
  if (mailbox === null) throw notFound();
  requireManager(viewer, mailbox);
  refuseWhileDeleting(mailbox);
}

async function begin(context: ApiContext, viewer: Viewer, wish: { scope: ReprocessScope; dryRun: boolean }) {
  const actor = actorOf(viewer);
  const mode = wish.dryRun ? 'dry-run' : 'for-good';
  const operationId = await context.db.inTenant(viewer.tenantId, async (sql) => {
    const id = await insertReprocess(sql, viewer.tenantId, { scope: wish.scope, mode, actor });
    const ids = { operationId: publicId('operation', id) };
    if (!wish.dryRun) await insertAudit(sql, viewer.tenantId, { actor, action: 'reprocess', ids });
    return id;
  });
  return startedJob(context, viewer, { kind: 'reprocess', operationId });
}

function present(row: Difference): z.output<typeof differenceSchema> {
  return {
    copyId: publicId('copy', row.copyId),
    mailboxId: publicId('mailbox', row.sourceId),
    messageId: row.messageId === null ? null : publicId('message', row.messageId),
    fields: row.fields,
    outcome: row.outcome ?? 'differs',
    reason: row.reason,
    at: timeOrNull(row.doneAt),
  };
}

function notAReprocess(kind: string) {
  return conflict(
    'not-a-reprocess',
    `Only a job that reads stored mail again lists differences; this is one of the kind ${kind}.`,
  );
}

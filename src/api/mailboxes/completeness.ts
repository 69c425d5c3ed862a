import { z } from 'zod';

import { auditOperation, readCompleteness, type FolderCompleteness } from '../../db/completeness';
import { findMailbox, type Mailbox } from '../../db/mailboxes';
import { findOperation, finishOperation, type Operation } from '../../db/operations';
import type { Api, ApiContext } from '../context';
import { refuseWhileDeleting } from '../deletions/refusals';
import { idInPath, noBody, time, timeOrNull } from '../fields';
import { operationSchema, presentOperation } from '../operations';
import { conflict, notFound } from '../problems';
import type { Viewer } from '../viewer';
import { within } from '../within';
import { readerOf } from './people';

const verdicts = ['complete', 'missing', 'not-provable'] as const;

const folderCompleteness = z.object({
  folder: z.string(),
  role: z.string().nullable(),
  verdict: z.enum(verdicts),
  reason: z.string().nullable(),
  serverCount: z.int().nullable(),
  serverBytes: z.int().nullable(),
  ledgerCounts: z.record(z.string(), z.int()).describe('Live placements by outcome'),
  ledgerBytes: z.int().nullable(),
  missing: z.array(z.int()).describe('The first 1,000 UIDs'),
  missingCount: z.int(),
  extra: z.array(z.int()).describe('The first 1,000 UIDs'),
  extraCount: z.int(),
  checkedAt: time.nullable(),
  provenAt: time.nullable(),
});

const completenessSchema = z.object({
  verdict: z.enum(verdicts).describe('Of all folders together: the worst of them'),
  items: z.array(folderCompleteness),
  nextCursor: z.null(),
});

const tags = ['mailboxes'];
const params = idInPath('mailbox');

/** /v1/mailboxes/{id}/completeness: is anything missing? */
export function completenessRoutes(api: Api, context: ApiContext): void {
  api.get(
    '/v1/mailboxes/:id/completeness',
    { schema: { tags, summary: 'The last comparison with the server', params, response: { 200: completenessSchema } } },
    async ({ viewer, params: { id } }) => {
      const mailbox = await visibleMailbox(context, viewer, id);
      return completenessOf(context, viewer, mailbox.id);
    },
  );

  api.post(
    '/v1/mailboxes/:id/completeness',
    {
      schema: {
        tags,
        summary: 'Compare with the server now, and wait for it',
        params,
        body: noBody,
        response: { 200: completenessSchema, 202: operationSchema },
      },
    },
    async ({ viewer, params: { id } }, reply) => {
      const mailbox = await visibleMailbox(context, viewer, id);
      refuseWhileDeleting(mailbox);
      if (mailbox.state === 'auth-required') throw passwordRefused();
      const { kind, operation } = await compareNow(context, viewer, mailbox.id);
      if (kind === 'still-running') return reply.code(202).send(presentOperation(operation, context.now()));
      if (operation.state === 'failed') throw notCompared();
      return reply.code(200).send(await completenessOf(context, viewer, id));
    },
  );
}

async function visibleMailbox({ db }: ApiContext, viewer: Viewer, id: string): Promise<Mailbox> {
  const mailbox = await db.inTenant(viewer.tenantId, (sql) => findMailbox(sql, readerOf(viewer), id));
  if (mailbox === null) throw notFound();
  return mailbox;
}

async function completenessOf({ db }: ApiContext, { tenantId }: Viewer, mailboxId: string) {
  const folders = await readCompleteness(db, tenantId, mailboxId);
  return { verdict: worstOf(folders), items: folders.map(presentFolder), nextCursor: null };
}

/** A mailbox without folders was never listed, so nothing is proven. */
function worstOf(folders: FolderCompleteness[]): (typeof verdicts)[number] {
  if (folders.some(({ verdict }) => verdict === 'missing')) return 'missing';
  const proven = folders.length > 0 && folders.every(({ verdict }) => verdict === 'complete');
  return proven ? 'complete' : 'not-provable';
}

async function compareNow(
  context: ApiContext,
  { tenantId }: Viewer,
  mailboxId: string,
): Promise<{ kind: 'finished' | 'still-running'; operation: Operation }> {
  const { db, temporal, limits } = context;
  const operation = await db.inTenant(tenantId, (sql) => auditOperation(sql, tenantId, mailboxId));
  const compared = temporal
    .auditMailbox({ tenantId, mailboxId, operationId: operation.id })
    .then(() => endedOperation(context, tenantId, operation.id));
  const waited = await within(compared, limits.syncAnswerMs);
  if (waited.kind === 'still-running') return { kind: 'still-running', operation };
  return { kind: 'finished', operation: waited.answer ?? operation };
}

/** A comparison that went well has ended its operation itself; one that did not is ended here. */
async function endedOperation({ db }: ApiContext, tenantId: string, id: string): Promise<Operation | null> {
  const end = { id, state: 'failed' as const, result: null, error: { code: 'not-compared' } };
  const failed = await db.inTenant(tenantId, (sql) => finishOperation(sql, tenantId, end));
  return failed ?? findOperation(db, { tenantId, userId: null }, id);
}

function passwordRefused() {
  return conflict(
    'mailbox-auth-required',
    'The server refused the password. Give the right one with PATCH /v1/mailboxes/{id}.',
  );
}

function notCompared() {
  return conflict(
    'not-compared',
    'The mailbox could not be compared with its server. GET /v1/mailboxes/{id} says in lastError why.',
  );
}

function presentFolder(folder: FolderCompleteness): z.output<typeof folderCompleteness> {
  return { ...folder, checkedAt: timeOrNull(folder.checkedAt), provenAt: timeOrNull(folder.provenAt) };
}

import { z } from 'zod';

import { auditFindings, lastAudit, type AuditFinding, type LastAudit } from '../../db/audit-history';
import type { AuditCause } from '../../db/ingest/audit-findings';
import { incompleteIn } from '../../domain/incomplete';
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
  ended: z.array(z.int()).describe('On the server, and ended in the ledger: the first 1,000 UIDs'),
  endedCount: z.int(),
  undeliveredCount: z.int().describe('Listed by the server, not delivered, and accepted by nobody'),
  acceptedCount: z.int().describe('Failures that a person has accepted: they count as accounted for'),
  identitiesCompared: z
    .int()
    .describe(
      'Messages that the last audit compared with who they were when they were fetched; of a big folder each audit takes a part',
    ),
  identitiesWholeAt: time.nullable().describe('When the last of all its messages had its turn'),
  checkedAt: time.nullable(),
  provenAt: time.nullable(),
});

const causes = [
  'person',
  'import',
  'outage',
  'rewound',
  'unproven',
  'again',
  'daily',
] as const satisfies readonly AuditCause[];

const finding = z.object({
  folder: z.string().nullable().describe('null: of the mailbox as a whole'),
  kind: z.enum(['missing', 'extra', 'ended-but-alive', 'undelivered', 'not-linked', 'not-provable']),
  reason: z.string().nullable(),
  cause: z.enum(causes).describe('What the audit was made for that found it'),
  count: z.int(),
  uids: z.array(z.int()).describe('The first 1,000'),
  foundAt: time,
  seenAt: time.describe('The last audit that found it'),
  healedAt: time.nullable().describe('The first audit that did not find it any more'),
});

const lastAuditSchema = z.object({
  cause: z.enum(causes),
  state: z.enum(['done', 'failed']),
  startedAt: time,
  finishedAt: time,
  nextAt: time.nullable().describe('When it is compared next by itself'),
});

const completenessSchema = z.object({
  verdict: z.enum(verdicts).describe('Of all folders together: the worst of them'),
  summary: z.string().nullable().describe('What is not proven to be here: `3 in INBOX`; null where all is'),
  lastAudit: lastAuditSchema.nullable(),
  history: z
    .array(finding)
    .describe('What audits found, those first that have not healed, then the newest; at most 100'),
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
  const { last, findings } = await db.inTenant(tenantId, async (sql) => ({
    last: await lastAudit(sql, tenantId, mailboxId),
    findings: await auditFindings(sql, tenantId, mailboxId),
  }));
  return {
    verdict: worstOf(folders),
    summary: incompleteIn(folders),
    lastAudit: last === null ? null : presentAudit(last),
    history: findings.map(presentFinding),
    items: folders.map(presentFolder),
    nextCursor: null,
  };
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

function presentAudit(audit: LastAudit): z.output<typeof lastAuditSchema> {
  const { cause, state, startedAt, finishedAt, nextAt } = audit;
  return {
    cause,
    state,
    startedAt: startedAt.toISOString(),
    finishedAt: finishedAt.toISOString(),
    nextAt: timeOrNull(nextAt),
  };
}

function presentFinding(found: AuditFinding): z.output<typeof finding> {
  const { foundAt, seenAt, healedAt } = found;
  return {
    ...found,
    foundAt: foundAt.toISOString(),
    seenAt: seenAt.toISOString(),
    healedAt: timeOrNull(healedAt),
  };
}

function presentFolder(folder: FolderCompleteness): z.output<typeof folderCompleteness> {
  const { checkedAt, provenAt, identitiesWholeAt } = folder;
  return {
    ...folder,
    identitiesWholeAt: timeOrNull(identitiesWholeAt),
    checkedAt: timeOrNull(checkedAt),
    provenAt: timeOrNull(provenAt),
  };
}

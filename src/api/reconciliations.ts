import { z } from 'zod';

import { listReconciliations, type Reconciliation } from '../db/reconciliations';
import { publicId } from '../domain/ids';
import type { Api, ApiContext } from './context';
import { time } from './fields';
import { decodeCursor, pageFrom, pageOf, pageQuery } from './paging';

const actions = z.enum(['reminded', 'restarted', 'stopped']);

const reconciliationSchema = z.object({
  id: z.string().describe('rcn_...'),
  startedAt: time,
  finishedAt: time,
  desired: z.int().describe('Mailboxes that should have a workflow'),
  running: z.int().describe('Workflows of mailboxes that there were'),
  started: z.int(),
  reminded: z.int().describe('Told of a wish that they had not taken up'),
  ended: z.int().describe('Workflows that there should not be, and stops that nobody carried out'),
  stuck: z.int().describe('Mailboxes and jobs whose work waited too long while nothing moved'),
  queuesWithoutWorkers: z.array(z.string()).describe('Task queues that no worker asks for work'),
  findings: z
    .array(
      z.object({
        mailboxId: z.string().optional(),
        operationId: z.string().optional(),
        deletionId: z.string().optional(),
        connectorId: z.string().optional(),
        reason: z.string(),
        action: actions,
      }),
    )
    .describe('What stood out, 100 at most: each names a mailbox, or an operation, deletion or connector'),
});

/** /v1/reconciliations: how what runs was made to match what is wished. */
export function reconciliationRoutes(api: Api, { db, limits }: ApiContext): void {
  api.get(
    '/v1/reconciliations',
    {
      config: { access: 'admin' },
      schema: {
        tags: ['running it'],
        summary: 'What the reconciler found and did, newest first',
        description: 'Each run that had something to do in this tenant; every five minutes also one that had not.',
        querystring: z.strictObject(pageQuery(limits.maxPageSize)),
        response: { 200: pageOf(reconciliationSchema) },
      },
    },
    async ({ viewer: { tenantId }, query }) => {
      const beforeId = decodeCursor(query.cursor, {}, z.uuid());
      const rows = await listReconciliations(db, tenantId, { beforeId, limit: query.limit + 1 });
      return pageFrom(rows, { limit: query.limit, filter: {}, keyOf: (row) => row.id, present });
    },
  );
}

function present({ id, startedAt, finishedAt, findings, ...counts }: Reconciliation) {
  return {
    id: publicId('reconciliation', id),
    startedAt: startedAt.toISOString(),
    finishedAt: finishedAt.toISOString(),
    ...counts,
    findings: findings.map(({ reason, action, ...found }) => ({
      ...named('mailbox', found.mailboxId),
      ...named('operation', found.operationId),
      ...named('deletion', found.deletionId),
      ...named('connector', found.connectorId),
      reason,
      action: actions.parse(action),
    })),
  };
}

function named(kind: 'mailbox' | 'operation' | 'deletion' | 'connector', id: string | undefined) {
  return id === undefined ? {} : { [`${kind}Id`]: publicId(kind, id) };
}

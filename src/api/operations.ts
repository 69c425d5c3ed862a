import { z } from 'zod';

import { findOperation, type Operation } from '../db/operations';
import { publicId } from '../domain/ids';
import { progressOf } from '../domain/progress';
import type { Api, ApiContext } from './context';
import { idInPath, time, timeOrNull } from './fields';
import { readerOf } from './mailboxes/people';
import { notFound } from './problems';

/** A job as every answer shows it. `operationId` repeats the id where an operation is the answer to something else. */
export const operationSchema = z.object({
  operationId: z.string(),
  id: z.string().describe('opn_...'),
  kind: z.string(),
  mailboxId: z.string().nullable(),
  state: z.enum(['waiting', 'running', 'paused', 'done', 'failed', 'superseded', 'cancelled']),
  done: z.int(),
  total: z.int().nullable(),
  rate: z.number().nullable().describe('Things a second'),
  etaSeconds: z.int().nullable(),
  result: z.record(z.string(), z.unknown()).nullable(),
  error: z.record(z.string(), z.unknown()).nullable(),
  createdAt: time,
  startedAt: time.nullable(),
  finishedAt: time.nullable(),
});

/** An operation for an answer. */
export function presentOperation(operation: Operation, now: Date): z.output<typeof operationSchema> {
  const id = publicId('operation', operation.id);
  const { kind, state, done, total } = operation;
  return {
    operationId: id,
    id,
    kind,
    mailboxId: operation.sourceId === null ? null : publicId('mailbox', operation.sourceId),
    state,
    done,
    // A server may show more of a folder by and by than it did when it was counted.
    total: total === null ? null : Math.max(total, done),
    ...speedOf(operation, now),
    result: operation.result,
    error: operation.error,
    createdAt: operation.createdAt.toISOString(),
    startedAt: timeOrNull(operation.startedAt),
    finishedAt: timeOrNull(operation.finishedAt),
  };
}

function speedOf({ state, done, total, startedAt, track }: Operation, now: Date) {
  if (state === 'running' && track !== undefined && track !== null) {
    const { rate, etaSeconds } = progressOf({ track, done, total: total ?? done, at: now.getTime() });
    return { rate: rate === null ? null : Math.round(rate * 10) / 10, etaSeconds: total === null ? null : etaSeconds };
  }
  const seconds = startedAt === null ? 0 : (now.getTime() - startedAt.getTime()) / 1000;
  if (state !== 'running' || done === 0 || seconds <= 0) return { rate: null, etaSeconds: null };
  const rate = done / seconds;
  return {
    rate: Math.round(rate * 10) / 10,
    etaSeconds: total === null ? null : Math.ceil(Math.max(0, total - done) / rate),
  };
}

/** /v1/operations */
export function operationRoutes(api: Api, { db, now }: ApiContext): void {
  api.get(
    '/v1/operations/:id',
    {
      schema: {
        tags: ['operations'],
        summary: 'How far a job is',
        params: idInPath('operation'),
        response: { 200: operationSchema },
      },
    },
    async ({ viewer, params }) => {
      const operation = await findOperation(db, readerOf(viewer), params.id);
      if (operation === null) throw notFound();
      return presentOperation(operation, now());
    },
  );
}

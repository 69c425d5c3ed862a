import { z } from 'zod';

import type { Sql } from '../database';

/** Which job. */
export interface ReprocessRef {
  tenantId: string;
  operationId: string;
}

/** Where the look through the copies is: the source, and the SHA-256 (hex) of the copy that was looked at last; `end` where that was its last. */
const position = z.object({ sourceId: z.string(), after: z.string() });

const storedTask = z.object({
  mode: z.enum(['for-good', 'dry-run']),
  /** The public id of who asked. */
  actor: z.string(),
  from: z.string().nullable(),
  to: z.string().nullable(),
  parserVersionBelow: z.number().nullable(),
  /** First all copies are looked at; then, but not in a dry run, what differs is written. */
  phase: z.enum(['looking', 'writing']),
  at: position.nullable(),
  /** Copies of the share that somebody has begun with: one that ends its worker leaves them here. */
  taken: z.number(),
  /** How often that happened at this position, and how many copies are taken one by one because of it. */
  tries: z.number(),
  alone: z.number(),
  looked: z.number(),
  same: z.number(),
  withoutBytes: z.number(),
});

/** What a job is to do and how far it is; the column `operation.task`. */
export type ReprocessTask = z.output<typeof storedTask>;
export type ReprocessPosition = z.output<typeof position>;

/** A job that is under way. `mailboxId` null: all mailboxes of the tenant. */
export interface ReprocessJob {
  task: ReprocessTask;
  mailboxId: string | null;
}

/**
 * Takes up a job that waits or runs, which is running from then on; null where it was held, called off or has ended. Its row stays locked
 * until the end of the transaction.
 */
export function takeUpJob(sql: Sql, ref: ReprocessRef): Promise<ReprocessJob | null> {
  return jobOf(
    sql,
    ref,
    `UPDATE operation SET state = 'running', started_at = coalesce(started_at, now())
     WHERE tenant_id = $1 AND id = $2 AND kind = 'reprocess' AND state IN ('waiting', 'running') RETURNING task, source_id`,
  );
}

/** The job of which a share is to be noted, its row locked; null where it was called off. One that is held lets its share come to its end. */
export function lockJob(sql: Sql, ref: ReprocessRef): Promise<ReprocessJob | null> {
  return jobOf(
    sql,
    ref,
    `SELECT task, source_id FROM operation
     WHERE tenant_id = $1 AND id = $2 AND kind = 'reprocess' AND state IN ('running', 'paused') FOR UPDATE`,
  );
}

async function jobOf(sql: Sql, ref: ReprocessRef, statement: string): Promise<ReprocessJob | null> {
  const [row] = await sql.query<{ task: unknown; source_id: string | null }>(statement, [
    ref.tenantId,
    ref.operationId,
  ]);
  return row === undefined ? null : { task: storedTask.parse(row.task), mailboxId: row.source_id };
}

/** Writes how far a job is. `done` and `more` are added to what is done, and to how much there is to do. */
export async function saveTask(
  sql: Sql,
  ref: ReprocessRef,
  { task, done = 0, more = 0 }: { task: ReprocessTask; done?: number; more?: number },
): Promise<void> {
  await sql.execute(
    'UPDATE operation SET task = $3, done = done + $4, total = total + $5 WHERE tenant_id = $1 AND id = $2',
    [ref.tenantId, ref.operationId, JSON.stringify(task), done, more],
  );
}

/** The result of a job as far as it is, in SQL, of a row of `operation` whose id is $2. `open`: what a row without an outcome is called. */
export function resultSql(open: 'differs'): string {
  return `jsonb_build_object('mode', task -> 'mode', 'looked', task -> 'looked', 'same', task -> 'same', 'withoutBytes', task -> 'withoutBytes')
    || coalesce((SELECT jsonb_object_agg(outcome, count) FROM (
      SELECT coalesce(outcome, '${open}') AS outcome, count(*) FROM reprocess_difference WHERE operation_id = $2 GROUP BY 1) counted), '{}')`;
}

/** Ends a job of which nothing is left. */
export async function finishJob(sql: Sql, ref: ReprocessRef): Promise<void> {
  await sql.execute(
    `UPDATE operation SET state = 'done', finished_at = now(), track = NULL, done = coalesce(total, done), result = ${resultSql('differs')}
     WHERE tenant_id = $1 AND id = $2 AND state = 'running'`,
    [ref.tenantId, ref.operationId],
  );
}

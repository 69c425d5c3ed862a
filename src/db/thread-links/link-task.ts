import { z } from 'zod';

import type { Sql } from '../database';
import { newUuid } from '../new-id';

/** The kinds of operations that people have done to links. */
export const linkKinds = [
  'link-thread',
  'unlink-thread',
  'relink-thread',
  'link-messages',
  'unlink-messages',
  'undo-links',
] as const;
export type LinkKind = (typeof linkKinds)[number];

const threadLinkState = z.object({ mode: z.enum(['snapshot', 'follow']), state: z.enum(['active', 'unlinked']) });

/** What an operation on links does; kept in its row, and never shown. Which messages and records it is about stands in `link_change`. */
export const linkTask = z.object({
  does: z.enum(['link', 'unlink', 'undo']),
  actor: z.string(),
  /**
   * The thread that is linked, and its link; null where single messages are. What it was before, and is from then on; null where there was none, or is
   * none any more. `beside`: its other links to the same record, which are changed alike: those of threads, or records, that became one.
   */
  thread: z
    .object({
      id: z.uuid(),
      linkId: z.uuid(),
      before: threadLinkState.nullable(),
      after: threadLinkState.nullable(),
      beside: z.array(z.object({ linkId: z.uuid(), before: threadLinkState })).default([]),
    })
    .nullable(),
  /** Of an unlinked thread: rules had linked it, so that all of it stays away. */
  suppresses: z.boolean().default(false),
  /** The operation that is undone. */
  undoes: z.uuid().nullable().default(null),
  /** What is still to be written down before anything is changed (staging.ts). `seenBy`: the principals of who links; null: all of the thread. */
  staging: z
    .object({ of: z.enum(['thread', 'undone']), seenBy: z.array(z.int()).nullable() })
    .nullable()
    .default(null),
  /** How far the rest of the thread has been looked through, when all else is done; null at the beginning. */
  othersAfter: z.string().nullable().default(null),
});
export type LinkTask = z.output<typeof linkTask>;
export type NewLinkTask = z.input<typeof linkTask>;

/** Which operation. */
export interface LinkRef {
  tenantId: string;
  operationId: string;
}

/** A message and a record. */
export interface LinkPair {
  messageId: string;
  recordId: string;
}

/** Writes an operation that waits, for pairs that are staged after it. Returns its id. */
export async function insertLinkOperation(
  sql: Sql,
  tenantId: string,
  { kind, task }: { kind: LinkKind; task: NewLinkTask },
): Promise<string> {
  const operationId = newUuid();
  await sql.execute(`INSERT INTO operation (tenant_id, id, kind, state, task) VALUES ($1, $2, $3, 'waiting', $4)`, [
    tenantId,
    operationId,
    kind,
    JSON.stringify(task),
  ]);
  return operationId;
}

/** Notes how much an operation has to do, when all of it is staged. Returns it. */
export async function countStaged(sql: Sql, { tenantId, operationId }: LinkRef): Promise<number> {
  const [row] = await sql.query<{ total: number }>(
    `UPDATE operation SET total = (SELECT count(*) FROM link_change WHERE tenant_id = $1 AND operation_id = $2)
     WHERE tenant_id = $1 AND id = $2 RETURNING total`,
    [tenantId, operationId],
  );
  return row?.total ?? 0;
}

/** Writes down the pairs that an operation is about. */
export async function stagePairs(sql: Sql, { tenantId, operationId }: LinkRef, pairs: LinkPair[]): Promise<void> {
  await sql.execute(
    `INSERT INTO link_change (tenant_id, operation_id, message_id, record_id)
     SELECT $1, $2, p.message_id, p.record_id FROM unnest($3::uuid[], $4::uuid[]) AS p(message_id, record_id) ON CONFLICT DO NOTHING`,
    [tenantId, operationId, pairs.map(({ messageId }) => messageId), pairs.map(({ recordId }) => recordId)],
  );
}

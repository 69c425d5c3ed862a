import type { Sql } from '../database';
import { tellStatus } from '../message-status';
import { partsOfThread } from '../thread-parts';

/** Replies of ours in a batch, and messages that came after something that refers to them. */
export interface RepliesOfBatch {
  /** SHA-256 of the message ids that replies of ours refer to. */
  answered: Buffer[];
  /** Messages of the batch whose own message id was known from a reference before. */
  lateIds: string[];
}

/**
 * Marks open messages as replied that a user has answered, in any order of arrival (product promise C5). What we wrote ourselves waits for
 * nobody's answer. Other systems are told. To be called under the tenant's lock. Second run: no change.
 */
export async function markReplied(sql: Sql, tenantId: string, { answered, lateIds }: RepliesOfBatch): Promise<void> {
  const replied = await Promise.all([
    answered.length === 0
      ? []
      : sql.query<{ id: string }>(
          `UPDATE message m SET status = 'replied' WHERE m.tenant_id = $1 AND m.message_id_hash = ANY ($2::bytea[]) AND m.status = 'open'
             AND ${isNotOurs} RETURNING m.id`,
          [tenantId, answered],
        ),
    lateIds.length === 0
      ? []
      : sql.query<{ id: string }>(
          `UPDATE message m SET status = 'replied' WHERE m.tenant_id = $1 AND m.id = ANY ($2::uuid[]) AND m.status = 'open' AND ${isNotOurs}
             AND EXISTS (
               SELECT FROM (
                 SELECT later.* FROM unnest(${partsOfThread('m.thread_id')}) AS part(id) CROSS JOIN LATERAL (
                   SELECT id, refs, marks FROM message WHERE tenant_id = $1 AND thread_id = part.id AND sort_at >= m.sort_at - interval '1 day'
                   ORDER BY sort_at LIMIT ${String(laterLookedAt)}) later) r
               WHERE r.refs @> ARRAY[ref_number(m.message_id_hash)]
                 AND NOT r.marks && ${notAnswers} AND EXISTS (
                   SELECT FROM copy c WHERE c.tenant_id = $1 AND c.message_id = r.id AND c.direction <> 'incoming' OFFSET 0) OFFSET 0) RETURNING m.id`,
          [tenantId, lateIds],
        ),
  ]);
  const messageIds = [...new Set(replied.flat().map(({ id }) => id))];
  await tellStatus(sql, tenantId, { messageIds, status: 'replied' });
}

/** Of a long conversation so many messages that came after one by their dates are asked whether they answer it: each of its messages may come late. */
const laterLookedAt = 1_000;

/** Nobody wrote these. */
export const automaticMarks: readonly string[] = ['auto-reply', 'bounce'];
const notAnswers = `ARRAY[${automaticMarks.map((mark) => `'${mark}'`).join(', ')}]`;
const isNotOurs = `NOT EXISTS (SELECT FROM copy o WHERE o.tenant_id = $1 AND o.message_id = m.id AND o.direction = 'outgoing' OFFSET 0)`;

import type { Policy } from '../../domain/policy';
import type { Sql } from '../database';
import { insertRows } from '../insert-rows';
import { newUuid } from '../new-id';
import type { ActivityRule } from './facts';
import { decideActivities } from './refresh';

/**
 * Makes activities of messages of a source, where its policy asks for them: one for each message, made by the first source that asks (product
 * promise C9). What a further copy adds to a message that has one is taken up. To be called under the tenant's lock, after messages, copies
 * and links are written. Second run: no change.
 */
export async function makeActivities(
  sql: Sql,
  { tenantId, policy }: { tenantId: string; policy: Policy },
  messageIds: string[],
): Promise<void> {
  const { activity, severalCompanies, matchKinds } = policy;
  if (messageIds.length === 0) return;
  if (activity === null) return decideActivities(sql, tenantId, { messageIds, createdIds: new Set() });
  const rule: ActivityRule = { severalCompanies, matchKinds };
  const made = await sql.query<{ message_id: string }>(
    `INSERT INTO activity (tenant_id, id, message_id, type, status, sort_at, rule)
     SELECT $1, w.id, m.id, $4, $5, m.sort_at, $6 FROM unnest($2::uuid[], $3::uuid[]) AS w(message_id, id)
     JOIN message m ON m.tenant_id = $1 AND m.id = w.message_id
     ON CONFLICT DO NOTHING RETURNING message_id`,
    [tenantId, messageIds, messageIds.map(() => newUuid()), activity.type, activity.status, JSON.stringify(rule)],
  );
  const createdIds = new Set(made.map((row) => row.message_id));
  await decideActivities(sql, tenantId, { messageIds, createdIds });
}

/** Replies of ours in a batch, and messages that came after something that refers to them. */
export interface RepliesOfBatch {
  /** SHA-256 of the message ids that replies of ours refer to. */
  answered: Buffer[];
  /** Messages of the batch whose own message id was known from a reference before. */
  lateIds: string[];
}

/**
 * Marks open messages as replied that a user has answered, in any order of arrival (product promise C5). What we wrote ourselves waits for
 * nobody's answer. Second run: no change.
 */
export async function markReplied(sql: Sql, tenantId: string, { answered, lateIds }: RepliesOfBatch): Promise<void> {
  await Promise.all([
    answered.length === 0
      ? null
      : sql.execute(
          `UPDATE message m SET status = 'replied' WHERE m.tenant_id = $1 AND m.message_id_hash = ANY ($2::bytea[]) AND m.status = 'open'
             AND ${isNotOurs}`,
          [tenantId, answered],
        ),
    lateIds.length === 0
      ? null
      : sql.execute(
          `UPDATE message m SET status = 'replied' WHERE m.tenant_id = $1 AND m.id = ANY ($2::uuid[]) AND m.status = 'open' AND ${isNotOurs}
             AND EXISTS (
               SELECT FROM message r WHERE r.tenant_id = $1 AND r.thread_id = m.thread_id AND r.refs @> ARRAY[ref_number(m.message_id_hash)]
                 AND NOT r.marks && ${notAnswers} AND EXISTS (
                   SELECT FROM copy c WHERE c.tenant_id = $1 AND c.message_id = r.id AND c.direction <> 'incoming' OFFSET 0) OFFSET 0)`,
          [tenantId, lateIds],
        ),
  ]);
}

/** Nobody wrote these. */
export const automaticMarks: readonly string[] = ['auto-reply', 'bounce'];
const notAnswers = `ARRAY[${automaticMarks.map((mark) => `'${mark}'`).join(', ')}]`;
const isNotOurs = `NOT EXISTS (SELECT FROM copy o WHERE o.tenant_id = $1 AND o.message_id = m.id AND o.direction = 'outgoing' OFFSET 0)`;

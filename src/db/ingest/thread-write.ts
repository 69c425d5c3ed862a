import { createHash } from 'node:crypto';

import { assignThreads } from '../../domain/threads';
import type { Sql } from '../database';
import { hexOf, insertRows } from '../insert-rows';
import { newUuid } from '../new-id';
import type { RecordedItem } from './batch';

/** A message on its way into a thread. */
export interface Threaded {
  item: RecordedItem;
  /** Where the message has been recorded before, its thread. */
  threadId: string | null;
}

/**
 * Finds or makes the threads of a batch and joins threads that turn out to be one (late parents).
 * Returns the thread of each message key. To be called under the tenant's lock.
 */
export async function writeThreads(
  sql: Sql,
  source: { tenantId: string; sourceId: string },
  messages: Threaded[],
): Promise<Map<string, string>> {
  const candidates = messages.map(({ item, threadId }) => ({
    key: item.message.messageKey,
    refs: refsOf(item, source.sourceId),
    threadId,
  }));
  const refs = [...new Set(candidates.flatMap((candidate) => candidate.refs))];
  const found = await sql.query<{ ref_hash: Buffer; thread_id: string }>(
    'SELECT ref_hash, thread_id FROM thread_ref WHERE tenant_id = $1 AND ref_hash = ANY ($2::bytea[])',
    [source.tenantId, refs.map((ref) => Buffer.from(ref, 'hex'))],
  );
  const known = new Map(found.map((row) => [row.ref_hash.toString('hex'), row.thread_id]));
  const assignment = assignThreads(candidates, known, newUuid);

  await insertRows(
    sql,
    { table: 'thread', columns: { tenant_id: 'uuid', id: 'uuid' } },
    assignment.created.map((id) => ({ tenant_id: source.tenantId, id })),
  );
  await mergeThreads(sql, source.tenantId, assignment.merged);
  await insertRows(
    sql,
    {
      table: 'thread_ref',
      columns: { tenant_id: 'uuid', ref_hash: 'bytea', thread_id: 'uuid' },
      onConflict: 'ON CONFLICT (tenant_id, ref_hash) DO UPDATE SET thread_id = excluded.thread_id',
    },
    [...assignment.refs].map(([ref, threadId]) => ({
      tenant_id: source.tenantId,
      ref_hash: hexOf(Buffer.from(ref, 'hex')),
      thread_id: threadId,
    })),
  );
  return assignment.threadOf;
}

/**
 * Joins threads, loser to winner; no winner is a loser in the same batch. The loser stays as an alias, so that an id somebody has noted
 * still leads to the thread.
 */
async function mergeThreads(sql: Sql, tenantId: string, merged: Map<string, string>): Promise<void> {
  if (merged.size === 0) return;
  const values = [tenantId, [...merged.keys()], [...merged.values()]];
  const pairs = 'unnest($2::uuid[], $3::uuid[]) AS merged(loser, winner)';
  await sql.execute(
    `UPDATE thread t SET merged_into = merged.winner FROM ${pairs}
     WHERE t.tenant_id = $1 AND (t.id = merged.loser OR t.merged_into = merged.loser)`,
    values,
  );
  await sql.execute(
    `UPDATE message m SET thread_id = merged.winner FROM ${pairs} WHERE m.tenant_id = $1 AND m.thread_id = merged.loser`,
    values,
  );
  await sql.execute(
    `UPDATE thread_ref r SET thread_id = merged.winner FROM ${pairs} WHERE r.tenant_id = $1 AND r.thread_id = merged.loser`,
    values,
  );
}

/** A provider's thread id joins within its source only: another account's numbers mean something else. */
function refsOf(item: RecordedItem, sourceId: string): string[] {
  const own = item.message.messageIdHeader;
  const ids = own === null ? item.message.references : [own, ...item.message.references];
  const refs = ids.map(hashOf);
  if (item.providerThreadId !== null) refs.push(hashOf(`${sourceId} ${item.providerThreadId}`));
  return refs;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

import { createHash } from 'node:crypto';

import type { ParsedMessage } from '../../domain/message';
import { nearestReferences } from '../../domain/references';
import { assignThreads } from '../../domain/threads';
import type { Sql } from '../database';
import { hexOf, insertRows } from '../insert-rows';
import { newUuid } from '../new-id';
import { wholeThread } from '../thread-parts';
import type { RecordedItem } from './batch';
import { mergeThreads } from './merge-threads';

/** The threads of a batch: which message is in which, and what has to be written for it. Message keys and references are hex. */
export type BatchThreads = ReturnType<typeof assignThreads>;

/** The threads that references of these messages lead to already: hex of the reference's hash to thread id. */
export async function knownThreads(
  sql: Sql,
  source: { tenantId: string; sourceId: string },
  items: RecordedItem[],
): Promise<Map<string, string>> {
  const refs = [...new Set(items.flatMap((item) => refsOf(item, source.sourceId)))];
  if (refs.length === 0) return new Map();
  const found = await sql.query<{ ref_hash: Buffer; thread_id: string }>(
    `SELECT ref_hash, ${wholeThread('r.thread_id')} AS thread_id FROM thread_ref r WHERE tenant_id = $1 AND ref_hash = ANY ($2::bytea[])`,
    [source.tenantId, refs.map((ref) => Buffer.from(ref, 'hex'))],
  );
  return new Map(found.map((row) => [row.ref_hash.toString('hex'), row.thread_id]));
}

/** Decides the threads of a batch; those that turn out to be one are joined (late parents). */
export function threadsOf(
  source: { sourceId: string },
  items: RecordedItem[],
  known: { threads: Map<string, string>; messages: Map<string, { threadId: string }> },
): BatchThreads {
  const first = new Map<string, RecordedItem>();
  for (const item of items) if (!first.has(item.message.messageKey)) first.set(item.message.messageKey, item);
  const candidates = [...first].map(([key, item]) => ({
    key,
    refs: refsOf(item, source.sourceId),
    threadId: known.messages.get(key)?.threadId ?? null,
  }));
  const refs = new Set(candidates.flatMap((candidate) => candidate.refs));
  const asked = new Map([...known.threads].filter(([ref]) => refs.has(ref)));
  return assignThreads(candidates, asked, newUuid);
}

/** Writes new threads, joins those that are one, and writes down what leads to them. To be called under the tenant's lock. */
export async function writeThreads(sql: Sql, tenantId: string, threads: BatchThreads): Promise<void> {
  await Promise.all([
    insertRows(
      sql,
      { table: 'thread', columns: { tenant_id: 'uuid', id: 'uuid' } },
      threads.created.map((id) => ({ tenant_id: tenantId, id })),
    ),
    mergeThreads(sql, tenantId, threads.merged),
    insertRows(
      sql,
      {
        table: 'thread_ref',
        columns: { tenant_id: 'uuid', ref_hash: 'bytea', thread_id: 'uuid' },
        onConflict: 'ON CONFLICT (tenant_id, ref_hash) DO UPDATE SET thread_id = excluded.thread_id',
      },
      [...threads.refs].map(([ref, threadId]) => ({
        tenant_id: tenantId,
        ref_hash: hexOf(Buffer.from(ref, 'hex')),
        thread_id: threadId,
      })),
    ),
  ]);
}

/** What joins a message with others wherever it lies: the hashes of its own id and of its references. */
export function referenceHashes({ messageIdHeader, references }: ParsedMessage): string[] {
  const ids = messageIdHeader === null ? references : [messageIdHeader, ...references];
  return ids.map(hashOf);
}

/** So many references of a message say what it answers. */
const answeredAtMost = 20;

/** The hashes of what a message answers: of its nearest references, and of the one that began the thread. */
export function answeredHashes({ references }: ParsedMessage): string[] {
  return nearestReferences(references, answeredAtMost).map(hashOf);
}

/** Hashes as `message.refs` has them: their first six bytes as a number. */
export function refNumbers(hashes: string[]): number[] {
  return hashes.map((hash) => Number.parseInt(hash.slice(0, 12), 16));
}

/** A provider's thread id joins within its source only: another account's numbers mean something else. */
function refsOf(item: RecordedItem, sourceId: string): string[] {
  const refs = referenceHashes(item.message);
  if (item.providerThreadId !== null) refs.push(hashOf(`${sourceId} ${item.providerThreadId}`));
  return refs;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

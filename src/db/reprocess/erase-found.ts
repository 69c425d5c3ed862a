import type { Sql } from '../database';
import { readDependents, type Dependents } from '../people/dependents';
import { eraseThese } from '../people/erase-messages';
import type { ReadCopy } from './differences';
import type { ReprocessRef } from './reprocess-task';

/** The list of the job says what became of mail that is no more. */
const report = 'reprocess_difference';

/**
 * Erases mail in which a person who was erased came to light, as their erasure would have done: nobody else finds it, because their address
 * was never written down with it. `apart`: messages of copies that were set apart. Bytes are noted to be freed under the id of the job.
 * To be called under the tenant's lock, when the events of the share are written.
 */
export async function eraseFound(
  sql: Sql,
  { tenantId, operationId }: ReprocessRef,
  { erased, apart, runId }: { erased: ReadCopy[]; apart: Map<string, string>; runId: string | null },
): Promise<void> {
  const messageIds = [...new Set(erased.map(({ stored }) => apart.get(stored.copyId) ?? stored.messageId))];
  if (messageIds.length === 0) return;
  const all = await readDependents(sql);
  const others = (tables: Dependents['copy']) => tables.filter(({ name }) => name !== report);
  const dependents = { ...all, message: others(all.message), copy: others(all.copy) };
  await eraseThese(sql, { tenantId, deletionId: operationId }, { messageIds, dependents, runId });
}

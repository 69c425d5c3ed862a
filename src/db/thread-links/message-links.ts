import type { Sql } from '../database';
import { countStaged, insertLinkOperation, stagePairs, type LinkPair } from './link-task';
import { workChunk } from './link-chunk';

interface MessageLinks {
  does: 'link' | 'unlink';
  actor: string;
  pairs: LinkPair[];
}

/** Writes the operation that links messages to records, or takes them away. To be called under the tenant's lock. Returns its id and how many. */
export async function beginMessageLinks(
  sql: Sql,
  tenantId: string,
  { does, actor, pairs }: MessageLinks,
): Promise<{ operationId: string; links: number }> {
  const kind = does === 'link' ? 'link-messages' : 'unlink-messages';
  const operationId = await insertLinkOperation(sql, tenantId, { kind, task: { does, actor, thread: null } });
  await stagePairs(sql, { tenantId, operationId }, pairs);
  return { operationId, links: await countStaged(sql, { tenantId, operationId }) };
}

/** Does it at once, for one message. Returns the operation, by which it can be undone. To be called under the tenant's lock. */
export async function changeMessageLink(
  sql: Sql,
  tenantId: string,
  { pair, ...change }: Omit<MessageLinks, 'pairs'> & { pair: LinkPair },
): Promise<string> {
  const { operationId } = await beginMessageLinks(sql, tenantId, { ...change, pairs: [pair] });
  await workChunk(sql, { tenantId, operationId }, 2);
  return operationId;
}

/** A link of a message by its id, or by its record; null where there is none. */
export async function findMessageLink(
  sql: Sql,
  tenantId: string,
  { messageId, ...by }: { messageId: string } & ({ linkId: string } | { recordId: string }),
): Promise<{ id: string; recordId: string; state: 'active' | 'suppressed' } | null> {
  const [column, value] = 'linkId' in by ? (['id', by.linkId] as const) : (['record_id', by.recordId] as const);
  const [row] = await sql.query<{ id: string; recordId: string; state: 'active' | 'suppressed' }>(
    `SELECT id, record_id AS "recordId", state FROM link WHERE tenant_id = $1 AND message_id = $2 AND ${column} = $3`,
    [tenantId, messageId, value],
  );
  return row ?? null;
}

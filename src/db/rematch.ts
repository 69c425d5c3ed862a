import type { Sql } from './database';
import { removeReasons, writeLinks } from './link-write';
import { matchDifferences } from './match-stored';
import { refreshActivities } from './activities/refresh';
import { settleReplies } from './thread-links/settle';
import { spreadReasons } from './thread-links/spread';
import { refreshTimelines } from './timeline-write';

/** Where a walk through the mail of addresses goes on: `after` null at the beginning. The keys must be the same, in the same order, in each chunk. */
export interface AddressPosition {
  addressKeys: string[];
  after: string | null;
}

// Most addresses of an upsert of thousands have no mail: so many are looked through by one chunk at most.
const keysOfChunk = 50;

/**
 * The messages of the next copies in the order of (address in the list, copy), which is the order of the index: no chunk reads more than
 * it handles. A message with several copies may come in several chunks.
 */
export async function messagesOfChunk(
  sql: Sql,
  tenantId: string,
  { addressKeys, after, limit }: AddressPosition & { limit: number },
): Promise<{ messageIds: string[]; copies: number; next: string | null }> {
  const from = positionOf(after);
  const keys = addressKeys.slice(from.index, from.index + keysOfChunk);
  const rows = await sql.query<{ index: number; copy_id: string; message_id: string }>(
    `SELECT k.index - 1 AS index, a.copy_id, c.message_id
     FROM unnest($2::text[]) WITH ORDINALITY k (address_key, index)
     CROSS JOIN LATERAL (
       SELECT DISTINCT copy_id FROM copy_address
       WHERE tenant_id = $1 AND address_key = k.address_key AND (k.index > 1 OR copy_id > $3)
       ORDER BY copy_id LIMIT $4
     ) a
     JOIN copy c ON c.tenant_id = $1 AND c.id = a.copy_id
     ORDER BY k.index, a.copy_id LIMIT $4`,
    [tenantId, keys, from.copyId, limit],
  );
  const messageIds = [...new Set(rows.map((row) => row.message_id))];
  const last = rows.at(-1);
  if (last !== undefined && rows.length === limit) {
    return { messageIds, copies: rows.length, next: `${String(from.index + last.index)}:${last.copy_id}` };
  }
  const following = from.index + keysOfChunk;
  const next = following < addressKeys.length ? `${String(following)}:${beforeAll}` : null;
  return { messageIds, copies: rows.length, next };
}

const beforeAll = '00000000-0000-0000-0000-000000000000';

function positionOf(after: string | null): { index: number; copyId: string } {
  const [index = '', copyId = ''] = (after ?? `0:${beforeAll}`).split(':');
  return { index: Number(index), copyId };
}

/**
 * Gives these messages the links that they would get if they arrived now, in the transaction of a change and under the tenant's lock; links
 * that a person made, or took away, stay, and replies follow what they answer. Second run: no change.
 */
export async function linkAgain(sql: Sql, tenantId: string, messageIds: string[]): Promise<void> {
  const { missing, stale } = await matchDifferences(sql, tenantId, messageIds);
  const changed = new Set([...missing, ...stale].map(({ messageId }) => messageId));
  // Also where no link changed: an address without a link may name another record in an activity.
  if (changed.size === 0) return refreshActivities(sql, tenantId, messageIds);
  // First what is new: a link whose reasons change stays the same link. Timelines also where the link stays: what is left of its reasons may be
  // nobody's business (a link by Bcc alone).
  await writeLinks(sql, tenantId, missing);
  await removeReasons(sql, tenantId, stale);
  const lost = new Set(stale.map(({ messageId }) => messageId));
  const replies = [
    ...(await settleReplies(sql, tenantId, [...lost])),
    // Where nothing went, no reply has lost what it was linked for.
    ...(await spreadReasons(
      sql,
      tenantId,
      [...changed].filter((messageId) => !lost.has(messageId)),
    )),
  ];
  for (const messageId of replies) changed.add(messageId);
  await refreshTimelines(sql, tenantId, [...changed]);
  await refreshActivities(sql, tenantId, [...new Set([...messageIds, ...changed])]);
}

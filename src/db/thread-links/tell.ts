import type { Sql } from '../database';
import { newUuid } from '../new-id';
import type { LinkPair } from './link-task';

/** What is told when people change links. */
export interface LinkEvent {
  type: 'message.linked' | 'message.unlinked' | 'message.links-restored';
  operationId: string;
}

/**
 * Tells other systems of links that a person made or took away, in the stream of the tenant, numbered without a gap; ids only. To be called under
 * the tenant's lock, in the transaction that changes them.
 */
export async function tellLinks(
  sql: Sql,
  tenantId: string,
  { type, operationId, pairs }: LinkEvent & { pairs: LinkPair[] },
) {
  if (pairs.length === 0) return;
  const events = pairs.map((pair, n) => ({
    n,
    event_id: newUuid(),
    message_id: pair.messageId,
    ids: { ...pair, operationId },
  }));
  await sql.execute(
    `WITH numbered AS (
       UPDATE tenant SET next_seq = next_seq + $2 WHERE tenant_id = $1 RETURNING next_seq - $2 AS first_seq
     )
     INSERT INTO outbox (tenant_id, stream, epoch, seq, event_id, type, ids, about_message)
     SELECT $1, $1, 1, n.first_seq + e.n, e.event_id, $4, e.ids, e.message_id
     FROM numbered n CROSS JOIN json_to_recordset($3::json) AS e(n integer, event_id uuid, message_id uuid, ids jsonb)`,
    [tenantId, pairs.length, JSON.stringify(events), type],
  );
}

import type { ReplayOutcome } from '../../domain/replay';
import type { Sql } from '../database';

/** What became of one ledger row of a replay. */
export interface ItemNote {
  genId: number;
  uid: number;
  outcome: ReplayOutcome;
  reason: string | null;
}

/**
 * Notes what became of messages of a replay, which so gets on. One that is noted already stays as it is. Nothing happens without an
 * operation. Second run: no change.
 */
export async function noteItems(
  sql: Sql,
  tenantId: string,
  noted: { operationId: string | null; items: ItemNote[] },
): Promise<void> {
  const { operationId, items } = noted;
  if (operationId === null || items.length === 0) return;
  const rows = items.map(({ genId, uid, outcome, reason }) => ({ gen_id: genId, uid, outcome, reason }));
  await sql.execute(
    `WITH noted AS (
       UPDATE replay_item i SET outcome = r.outcome, reason = r.reason, done_at = now()
       FROM json_to_recordset($3::json) AS r(gen_id bigint, uid bigint, outcome text, reason text)
       WHERE i.tenant_id = $1 AND i.operation_id = $2 AND i.gen_id = r.gen_id AND i.uid = r.uid AND i.outcome IS NULL RETURNING 1)
     UPDATE operation SET done = done + (SELECT count(*) FROM noted) WHERE tenant_id = $1 AND id = $2`,
    [tenantId, operationId, JSON.stringify(rows)],
  );
}

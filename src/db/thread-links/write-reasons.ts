import type { Sql } from '../database';
import { insertRows } from '../insert-rows';
import { newUuid } from '../new-id';

/** A reason to be written at the link of a message to a record. */
export interface NewReason {
  messageId: string;
  recordId: string;
  kind: 'person' | 'thread';
  key: string;
  actor: string;
  version: number;
}

/**
 * Writes reasons, and the links that they need; a link that is there stays in its state. To be called under the tenant's lock. Second run: no
 * change.
 */
export async function writeReasons(sql: Sql, tenantId: string, reasons: NewReason[]): Promise<void> {
  if (reasons.length === 0) return;
  const pairs = new Map(reasons.map((reason) => [`${reason.messageId} ${reason.recordId}`, reason]));
  await insertRows(
    sql,
    {
      table: 'link',
      columns: { tenant_id: 'uuid', id: 'uuid', message_id: 'uuid', record_id: 'uuid' },
      onConflict: 'ON CONFLICT (tenant_id, message_id, record_id) DO NOTHING',
    },
    [...pairs.values()].map(({ messageId, recordId }) => {
      return { tenant_id: tenantId, id: newUuid(), message_id: messageId, record_id: recordId };
    }),
  );
  const rows = reasons.map(({ messageId, recordId, ...told }) => {
    return { message_id: messageId, record_id: recordId, ...told };
  });
  await sql.execute(
    `INSERT INTO link_reason (tenant_id, link_id, kind, key, actor, record_version)
     SELECT $1, l.id, n.kind, n.key, n.actor, n.version
     FROM json_to_recordset($2::json) AS n(message_id uuid, record_id uuid, kind text, key text, actor text, version integer)
     CROSS JOIN LATERAL (
       SELECT id FROM link WHERE tenant_id = $1 AND message_id = n.message_id AND record_id = n.record_id OFFSET 0
     ) AS l
     ON CONFLICT DO NOTHING`,
    [tenantId, JSON.stringify(rows)],
  );
}

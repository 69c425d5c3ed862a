import type { MatchReason } from '../domain/matching';
import type { Sql } from './database';
import { insertRows } from './insert-rows';
import { newUuid } from './new-id';

/** One reason why a message belongs to a record, found by a rule. */
export interface MessageReason extends MatchReason {
  messageId: string;
}

/** Writes links with their reasons. A link that a person took away stays suppressed. Second run: no change. */
export async function writeLinks(sql: Sql, tenantId: string, found: MessageReason[]): Promise<void> {
  if (found.length === 0) return;
  const pairs = new Map(found.map((reason) => [`${reason.messageId} ${reason.recordId}`, reason]));
  const links = insertRows(
    sql,
    {
      table: 'link',
      columns: { tenant_id: 'uuid', id: 'uuid', message_id: 'uuid', record_id: 'uuid' },
      onConflict: 'ON CONFLICT (tenant_id, message_id, record_id) DO NOTHING',
    },
    [...pairs.values()].map(({ messageId, recordId }) => ({
      tenant_id: tenantId,
      id: newUuid(),
      message_id: messageId,
      record_id: recordId,
    })),
  );
  const reasons = sql.execute(
    `INSERT INTO link_reason (tenant_id, link_id, kind, key, actor, record_version)
     SELECT $1, l.id, m.kind, m.key, 'rule', m.version
     FROM json_to_recordset($2::json) AS m("messageId" uuid, "recordId" uuid, kind text, key text, version integer)
     CROSS JOIN LATERAL (
       SELECT id FROM link WHERE tenant_id = $1 AND message_id = m."messageId" AND record_id = m."recordId" OFFSET 0
     ) AS l
     ON CONFLICT DO NOTHING`,
    [tenantId, JSON.stringify(found)],
  );
  await Promise.all([links, reasons]);
}

/** A reason of a link that does not hold any more. */
export interface StaleReason {
  linkId: string;
  kind: string;
  key: string;
}

/** Takes reasons away, and links that have none left. Second run: no change. */
export async function removeReasons(sql: Sql, tenantId: string, stale: StaleReason[]): Promise<void> {
  if (stale.length === 0) return;
  const linkIds = [...new Set(stale.map(({ linkId }) => linkId))];
  const reasons = sql.execute(
    `DELETE FROM link_reason lr USING unnest($2::uuid[], $3::text[], $4::text[]) AS stale(link_id, kind, key)
     WHERE lr.tenant_id = $1 AND lr.link_id = stale.link_id AND lr.kind = stale.kind AND lr.key = stale.key`,
    [tenantId, stale.map(({ linkId }) => linkId), stale.map(({ kind }) => kind), stale.map(({ key }) => key)],
  );
  const links = sql.execute(
    `DELETE FROM link l WHERE l.tenant_id = $1 AND l.id = ANY ($2::uuid[]) AND l.state = 'active'
       AND NOT EXISTS (SELECT FROM link_reason lr WHERE lr.tenant_id = $1 AND lr.link_id = l.id)`,
    [tenantId, linkIds],
  );
  await Promise.all([reasons, links]);
}

/**
 * An item of WITH that has the CRMs told again of the links of these messages at these records, `rows` (message_id, record_id), each pair once; $1: the
 * tenant. Where no CRM is told of links it reads none of them. For links and their reasons themselves triggers do it (migrations 0033, 0051).
 */
export function noteLinks(rows: string): string {
  return `INSERT INTO connector_change AS known (tenant_id, connector_id, kind, about, ids)
  SELECT $1, c.id, 'link', l.id, jsonb_build_object('messageId', l.message_id, 'recordId', l.record_id, 'type', r.type, 'externalId', r.external_id)
  FROM (${rows}) AS w
  CROSS JOIN LATERAL (SELECT id, message_id, record_id FROM link WHERE tenant_id = $1 AND message_id = w.message_id AND record_id = w.record_id OFFSET 0) l
  CROSS JOIN LATERAL (SELECT type, external_id, connector FROM record WHERE tenant_id = $1 AND id = l.record_id OFFSET 0) r
  JOIN connector c ON c.tenant_id = $1 AND c.id::text = r.connector AND c.pushes
  WHERE EXISTS (SELECT FROM connector WHERE tenant_id = $1 AND pushes) ORDER BY l.id
  ON CONFLICT (tenant_id, connector_id, kind, about) DO UPDATE SET seq = excluded.seq, ids = excluded.ids`;
}

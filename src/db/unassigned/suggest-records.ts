import { domainOf, normaliseAddress } from '../../domain/address';
import { isPublicMailDomain } from '../../domain/public-mail-domains/public-mail-domains';
import { namesToCompare, suggestionsOf, type Suggestion, type SuggestionReason } from '../../domain/suggestion';
import type { Sql } from '../database';
import { maySee } from '../record-readers';
import { partsOfThread } from '../thread-parts';
import { levelOf, principalsOf, type Reader } from '../timeline-read';

/** So many of the newest messages of a thread, and records for each reason, are looked at. */
const threadMessages = 200;
const perReason = 20;
const mostSuggestions = 20;

interface Found {
  recordId: string;
  type: string;
  name: string;
  reason: SuggestionReason;
}

/**
 * Records that a message may belong to, with why, among those that the reader may see; none that it is linked to, or that a person took it
 * away from. Null where the reader may not know of the message.
 */
export async function suggestRecords(sql: Sql, reader: Reader, messageId: string): Promise<Suggestion[] | null> {
  if ((await levelOf(sql, reader, messageId)) === null) return null;
  const senders = await sendersOf(sql, reader.tenantId, messageId);
  const keys = senders.flatMap(({ address }) => normaliseAddress(address) ?? []);
  const names = senders.flatMap(({ name }) => namesToCompare(name));
  const domains = [...new Set(keys.map(domainOf))].filter((domain) => !isPublicMailDomain(domain));
  const rows = await sql.query<Found>(statement, [
    reader.tenantId,
    messageId,
    principalsOf(reader),
    keys,
    names,
    domains,
  ]);
  return suggestionsOf(rows, mostSuggestions);
}

async function sendersOf(sql: Sql, tenantId: string, messageId: string): Promise<{ name: string; address: string }[]> {
  const [row] = await sql.query<{ senders: { name: string; address: string }[] }>(
    `SELECT participants -> 'from' AS senders FROM message WHERE tenant_id = $1 AND id = $2`,
    [tenantId, messageId],
  );
  return row?.senders.slice(0, perReason) ?? [];
}

// Each reason is a look-up by key that ends after a few rows, however many records and messages there are.
const statement = `
WITH thread AS MATERIALIZED (
  SELECT o.id FROM message m CROSS JOIN LATERAL unnest(${partsOfThread('m.thread_id')}) AS part(id)
  JOIN message o ON o.tenant_id = $1 AND o.thread_id = part.id AND o.id <> m.id
  WHERE m.tenant_id = $1 AND m.id = $2 ORDER BY o.sort_at DESC LIMIT ${String(threadMessages)}
), own AS MATERIALIZED (
  SELECT unnest(own_domains) AS domain FROM tenant WHERE tenant_id = $1
), found AS (
  (SELECT DISTINCT l.record_id, 'same-thread' AS reason FROM thread t
   JOIN link l ON l.tenant_id = $1 AND l.message_id = t.id AND l.state = 'active'
   WHERE EXISTS (SELECT FROM readable_timeline x WHERE x.tenant_id = $1 AND x.message_id = t.id AND x.record_id = l.record_id
     AND x.principal = ANY ($3::integer[])) LIMIT ${String(perReason)})
  UNION ALL
  (SELECT a.record_id, 'same-address' FROM record_address a WHERE a.tenant_id = $1 AND a.address_key = ANY ($4::text[]) LIMIT ${String(perReason)})
  UNION ALL
  (SELECT n.id, 'same-name' FROM record n WHERE n.tenant_id = $1 AND n.name_key = ANY ($5::text[]) AND n.name_key IS NOT NULL AND n.deleted_at IS NULL LIMIT ${String(perReason)})
  UNION ALL
  (SELECT DISTINCT d.record_id, 'same-domain' FROM (
     (SELECT a.record_id FROM record_address a WHERE a.tenant_id = $1 AND a.domain = ANY ($6::text[])
       AND a.domain NOT IN (SELECT domain FROM own) LIMIT ${String(perReason)})
     UNION ALL
     (SELECT c.record_id FROM record_domain c WHERE c.tenant_id = $1 AND c.domain = ANY ($6::text[]) LIMIT ${String(perReason)})) d)
)
SELECT r.id AS "recordId", r.type, r.name, f.reason FROM found f
JOIN record r ON r.tenant_id = $1 AND r.id = f.record_id AND r.deleted_at IS NULL
WHERE ${maySee('r', '$3')} AND NOT EXISTS (SELECT FROM link k WHERE k.tenant_id = $1 AND k.message_id = $2 AND k.record_id = r.id)`;

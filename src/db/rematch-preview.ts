import type { MatchingPolicy } from '../domain/matching';
import type { Sql } from './database';
import { differencesUnder, type MatchDifferences } from './match-stored';

/** What matching the mail of a source again by another policy would do. */
interface RematchPreview {
  /** Copies of messages that would be looked at. */
  messages: number;
  /** Links that addresses make and that go; null where there is too much mail to be looked at now. Replies follow what they answer, and are not counted. */
  links: { added: number; removed: number } | null;
}

/** Says what matching a source's mail by this policy would do, looking at no more than `limit` messages. Reads only. */
export async function previewRematch(
  sql: Sql,
  tenantId: string,
  { sourceId, policy, limit }: { sourceId: string; policy: MatchingPolicy; limit: number },
): Promise<RematchPreview> {
  const [count] = await sql.query<{ messages: number }>(
    'SELECT count(*) AS messages FROM copy WHERE tenant_id = $1 AND source_id = $2',
    [tenantId, sourceId],
  );
  const messages = count?.messages ?? 0;
  if (messages > limit) return { messages, links: null };
  const rows = await sql.query<{ id: string }>(
    'SELECT DISTINCT message_id AS id FROM copy WHERE tenant_id = $1 AND source_id = $2',
    [tenantId, sourceId],
  );
  const messageIds = rows.map(({ id }) => id);
  const differences = await differencesUnder(sql, tenantId, { messageIds, instead: { sourceId, policy } });
  return { messages, links: await countLinks(sql, tenantId, differences) };
}

async function countLinks(
  sql: Sql,
  tenantId: string,
  { missing, stale }: MatchDifferences,
): Promise<{ added: number; removed: number }> {
  const pairs = [...new Map(missing.map((reason) => [`${reason.messageId} ${reason.recordId}`, reason])).values()];
  const [row] = await sql.query<{ added: number; removed: number }>(countStatement, [
    tenantId,
    pairs.map(({ messageId }) => messageId),
    pairs.map(({ recordId }) => recordId),
    stale.map(({ linkId }) => linkId),
    stale.map(({ kind }) => kind),
    stale.map(({ key }) => key),
  ]);
  return row ?? { added: 0, removed: 0 };
}

const countStatement = `
WITH missing AS MATERIALIZED (SELECT * FROM unnest($2::uuid[], $3::uuid[]) AS m(message_id, record_id)
), stale AS MATERIALIZED (SELECT * FROM unnest($4::uuid[], $5::text[], $6::text[]) AS s(link_id, kind, key))
SELECT (
  SELECT count(*) FROM missing m WHERE NOT EXISTS (
    SELECT FROM link l WHERE l.tenant_id = $1 AND l.message_id = m.message_id AND l.record_id = m.record_id)) AS added, (
  SELECT count(*) FROM (SELECT DISTINCT link_id FROM stale) s JOIN link l ON l.tenant_id = $1 AND l.id = s.link_id AND l.state = 'active'
  WHERE NOT EXISTS (SELECT FROM missing m WHERE m.message_id = l.message_id AND m.record_id = l.record_id)
    AND NOT EXISTS (
      SELECT FROM link_reason r WHERE r.tenant_id = $1 AND r.link_id = l.id
        AND NOT EXISTS (SELECT FROM stale x WHERE x.link_id = r.link_id AND x.kind = r.kind AND x.key = r.key))) AS removed`;

import { refreshActivities } from '../activities/refresh';
import type { Database, Sql } from '../database';
import { lockSource, type FencedSource } from '../ingest/source-lock';
import { newUuid } from '../new-id';
import { isAutomatic } from '../thread-links/reason-sql';
import { settleReplies } from '../thread-links/settle';
import { refreshTimelines } from '../timeline-write';

interface OfSource {
  tenantId: string;
  sourceId: string;
}

/**
 * Keeps what persons have linked, or taken away, of messages that go with these copies. Links by rules come back by themselves, and nobody's
 * address is kept.
 */
export async function keepLinks(sql: Sql, { tenantId, sourceId }: OfSource, copyIds: string[]): Promise<void> {
  await sql.execute(
    `INSERT INTO removed_link (tenant_id, source_id, message_key, record_id, state, reasons)
     SELECT DISTINCT ON (m.message_key, l.record_id) $1::uuid, $2::uuid, m.message_key, l.record_id, l.state, coalesce((
       SELECT jsonb_agg(jsonb_build_object('kind', r.kind, 'key', r.key, 'actor', r.actor, 'record_version', r.record_version))
       FROM link_reason r WHERE r.tenant_id = $1 AND r.link_id = l.id AND NOT ${isAutomatic('r')}), '[]')
     FROM copy c JOIN message m ON m.tenant_id = $1 AND m.id = c.message_id JOIN link l ON l.tenant_id = $1 AND l.message_id = m.id
     WHERE c.tenant_id = $1 AND c.id = ANY ($3::uuid[]) AND l.state IN ('active', 'suppressed')
       AND NOT EXISTS (SELECT FROM copy o WHERE o.tenant_id = $1 AND o.message_id = m.id AND o.id <> ALL ($3::uuid[]))
       AND (l.state = 'suppressed' OR EXISTS (
         SELECT FROM link_reason r WHERE r.tenant_id = $1 AND r.link_id = l.id AND NOT ${isAutomatic('r')}))
     ORDER BY m.message_key, l.record_id
     ON CONFLICT (message_key, record_id, source_id, tenant_id) DO UPDATE SET state = excluded.state, reasons = excluded.reasons,
       removed_at = now()`,
    [tenantId, sourceId, copyIds],
  );
}

interface KeptLink {
  message_id: string;
  message_key: Buffer;
  record_id: string;
  state: string;
  reasons: { kind: string; key: string; actor: string; record_version: number }[];
}

/** Gives messages that have come back the links that were kept of them, to what a merged record is a part of; how many. Second run: finds none. */
export async function restoreLinks(db: Database, source: FencedSource): Promise<number> {
  const found = await db.inTenant(source.tenantId, (sql) => returned(sql, source));
  if (found.length === 0) return 0;
  return db.inTenant(source.tenantId, async (sql) => {
    await lockSource(sql, source);
    const links = await returned(sql, source);
    for (const link of links) await restore(sql, source, link);
    const messageIds = [...new Set(links.map(({ message_id }) => message_id))];
    const changed = [...new Set([...messageIds, ...(await settleReplies(sql, source.tenantId, messageIds))])];
    await refreshTimelines(sql, source.tenantId, changed);
    await refreshActivities(sql, source.tenantId, changed);
    return links.length;
  });
}

const linksAtOnce = 500;

function returned(sql: Sql, { tenantId, sourceId }: OfSource): Promise<KeptLink[]> {
  return sql.query<KeptLink>(
    `SELECT m.id AS message_id, k.message_key, k.record_id, k.state, k.reasons FROM removed_link k
     JOIN message m ON m.tenant_id = $1 AND m.message_key = k.message_key
     WHERE k.tenant_id = $1 AND k.source_id = $2 ORDER BY k.message_key, k.record_id LIMIT ${String(linksAtOnce)}`,
    [tenantId, sourceId],
  );
}

async function restore(sql: Sql, { tenantId, sourceId }: OfSource, kept: KeptLink): Promise<void> {
  const [link] = await sql.query<{ id: string }>(
    `INSERT INTO link (tenant_id, id, message_id, record_id, state)
     WITH RECURSIVE way AS (
       SELECT $4::uuid AS id
       UNION SELECT part.merged_into FROM way JOIN record part ON part.tenant_id = $1 AND part.id = way.id WHERE part.merged_into IS NOT NULL)
     SELECT $1, $2, $3, r.id, $5 FROM way JOIN record r ON r.tenant_id = $1 AND r.id = way.id WHERE r.deleted_at IS NULL
     ON CONFLICT (message_id, record_id, tenant_id) DO UPDATE SET state = excluded.state RETURNING id`,
    [tenantId, newUuid(), kept.message_id, kept.record_id, kept.state],
  );
  if (link !== undefined) {
    await sql.execute(
      `INSERT INTO link_reason (tenant_id, link_id, kind, key, actor, record_version)
       SELECT $1, $2, r.kind, r.key, r.actor, r.record_version
       FROM jsonb_to_recordset($3) AS r(kind text, key text, actor text, record_version integer) ON CONFLICT DO NOTHING`,
      [tenantId, link.id, JSON.stringify(kept.reasons)],
    );
  }
  await sql.execute(
    'DELETE FROM removed_link WHERE tenant_id = $1 AND source_id = $2 AND message_key = $3 AND record_id = $4',
    [tenantId, sourceId, kept.message_key, kept.record_id],
  );
}

/** Forgets links of messages that have not come back for so long. Second run: finds nothing left to forget. */
export async function sweepRemovedLinks(sql: Sql, tenantId: string, keptMs: number): Promise<void> {
  await sql.execute(
    `DELETE FROM removed_link WHERE tenant_id = $1 AND removed_at < now() - $2::float8 * interval '1 millisecond'`,
    [tenantId, keptMs],
  );
}

import { roleOfHeader } from '../domain/match-headers';
import type { Database, Sql } from './database';
import { writeLinks, type AddressMatch } from './link-write';
import { lockTenantForWriting } from './tenant-lock';
import { refreshTimelines } from './timeline-write';

/** Where a rematch goes on: `after` null at the beginning. The keys must be the same, in the same order, in each chunk. */
export interface RematchPosition {
  addressKeys: string[];
  after: string | null;
}

type RematchStep = RematchPosition & { limit: number };

/** What a chunk did: how many messages it looked at, and where the next one begins, null where there is none. */
export interface RematchedChunk {
  messages: number;
  next: string | null;
}

// Most addresses of an upsert of thousands have no mail: so many are looked through by one chunk at most.
const keysOfChunk = 50;

/**
 * Links the stored mail of these addresses again, after they were added to records, taken away, moved or changed in kind, and that was
 * committed. One step, in one transaction, that looks at no more than `limit` copies: each message gets the links by these addresses that it
 * would get if it arrived now; links that a person made, or took away, stay. Second run: no change.
 */
export async function rematchChunk(db: Database, tenantId: string, chunk: RematchStep): Promise<RematchedChunk> {
  return db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    const { messageIds, next } = await messagesOfChunk(sql, tenantId, chunk);
    if (messageIds.length > 0) await linkAgain(sql, tenantId, { messageIds, addressKeys: chunk.addressKeys });
    return { messages: messageIds.length, next };
  });
}

/**
 * The messages of the next copies in the order of (address in the list, copy), which is the order of the index: no chunk reads more than
 * it handles. A message with several copies may come in several chunks.
 */
export async function messagesOfChunk(
  sql: Sql,
  tenantId: string,
  { addressKeys, after, limit }: RematchStep,
): Promise<{ messageIds: string[]; next: string | null }> {
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
    return { messageIds, next: `${String(from.index + last.index)}:${last.copy_id}` };
  }
  const following = from.index + keysOfChunk;
  return { messageIds, next: following < addressKeys.length ? `${String(following)}:${beforeAll}` : null };
}

const beforeAll = '00000000-0000-0000-0000-000000000000';

function positionOf(after: string | null): { index: number; copyId: string } {
  const [index = '', copyId = ''] = (after ?? `0:${beforeAll}`).split(':');
  return { index: Number(index), copyId };
}

interface Wanted {
  messageIds: string[];
  addressKeys: string[];
}

/** Looks at the links of these messages by these addresses again, in the transaction of a change. Second run: no change. */
export async function linkAgain(sql: Sql, tenantId: string, wanted: Wanted): Promise<void> {
  const unlinked = await removeStaleLinks(sql, tenantId, wanted);
  const missing = await missingMatches(sql, tenantId, wanted);
  await writeLinks(sql, tenantId, missing);
  await refreshTimelines(sql, tenantId, [...new Set([...unlinked, ...missing.map((match) => match.message_id)])]);
}

/**
 * Of messages ($2) and addresses ($3), with the role of each header ($4): `matches`, the reasons that they have under the policy of each
 * copy's source as it is now, which is what counts for mail that arrives now; and `standing`, the links there are, each with its reasons
 * by these addresses.
 * Materialized, so that each table is asked once by the ids, also while its statistics are behind an import.
 */
const matchesAndStanding = `
  held AS MATERIALIZED (
    SELECT id, message_id, source_id FROM copy WHERE tenant_id = $1 AND message_id = ANY ($2::uuid[])
  ), policies AS MATERIALIZED (
    SELECT id, ARRAY(SELECT $4::jsonb ->> header FROM jsonb_array_elements_text(policy -> 'matchHeaders') AS header) AS roles,
           ARRAY(SELECT jsonb_array_elements_text(policy -> 'matchKinds')) AS kinds
    FROM source WHERE tenant_id = $1 AND id IN (SELECT source_id FROM held)
  ), matches AS MATERIALIZED (
    SELECT DISTINCT h.message_id, ra.record_id, ca.role, ca.address_key, r.version
    FROM held h
    JOIN policies p ON p.id = h.source_id
    CROSS JOIN LATERAL (SELECT role, address_key FROM copy_address WHERE tenant_id = $1 AND copy_id = h.id OFFSET 0) ca
    JOIN record_address ra ON ra.tenant_id = $1 AND ra.address_key = ca.address_key AND ra.kind = ANY (p.kinds)
    JOIN record r ON r.tenant_id = $1 AND r.id = ra.record_id AND r.deleted_at IS NULL
    WHERE ca.address_key = ANY ($3::text[]) AND ca.role = ANY (p.roles)
  ), links AS MATERIALIZED (
    SELECT id, message_id, record_id, state FROM link WHERE tenant_id = $1 AND message_id = ANY ($2::uuid[])
  ), standing AS MATERIALIZED (
    SELECT l.id, l.message_id, l.record_id, l.state, lr.key
    FROM links l
    LEFT JOIN link_reason lr ON lr.tenant_id = $1 AND lr.link_id = l.id AND lr.kind = 'address'
      AND substr(lr.key, strpos(lr.key, ':') + 1) = ANY ($3::text[])
  )`;

/** Takes away reasons that do not hold any more, and links that have none left. Returns the messages of all these links. */
async function removeStaleLinks(sql: Sql, tenantId: string, { messageIds, addressKeys }: Wanted): Promise<string[]> {
  const stale = await sql.query<{ link_id: string }>(
    `WITH ${matchesAndStanding}, stale AS MATERIALIZED (
       SELECT s.id, s.key FROM standing s
       LEFT JOIN matches m ON m.message_id = s.message_id AND m.record_id = s.record_id AND m.role || ':' || m.address_key = s.key
       WHERE s.state = 'active' AND s.key IS NOT NULL AND m.message_id IS NULL
     )
     DELETE FROM link_reason lr USING stale
     WHERE lr.tenant_id = $1 AND lr.link_id = stale.id AND lr.kind = 'address' AND lr.key = stale.key
     RETURNING lr.link_id`,
    [tenantId, messageIds, addressKeys, JSON.stringify(roleOfHeader)],
  );
  if (stale.length === 0) return [];
  const linkIds = [...new Set(stale.map((row) => row.link_id))];
  // Also where the link stays: what is left of its reasons may be nobody's business (a link by Bcc alone).
  const touched = await sql.query<{ message_id: string }>(
    'SELECT message_id FROM link WHERE tenant_id = $1 AND id = ANY ($2::uuid[])',
    [tenantId, linkIds],
  );
  await sql.execute(
    `DELETE FROM link l WHERE l.tenant_id = $1 AND l.id = ANY ($2::uuid[])
       AND NOT EXISTS (SELECT FROM link_reason lr WHERE lr.tenant_id = $1 AND lr.link_id = l.id)`,
    [tenantId, linkIds],
  );
  return touched.map((row) => row.message_id);
}

/** The reasons that should stand and do not; none for a link that a person took away. */
export async function missingMatches(
  sql: Sql,
  tenantId: string,
  { messageIds, addressKeys }: Wanted,
): Promise<AddressMatch[]> {
  return sql.query<AddressMatch>(
    `WITH ${matchesAndStanding}
     SELECT m.* FROM matches m
     LEFT JOIN standing s ON s.message_id = m.message_id AND s.record_id = m.record_id
       AND (s.state = 'suppressed' OR s.key = m.role || ':' || m.address_key)
     WHERE s.id IS NULL`,
    [tenantId, messageIds, addressKeys, JSON.stringify(roleOfHeader)],
  );
}

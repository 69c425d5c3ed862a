import type { Database, Sql } from './database';
import { sqlStateOf } from './database-error';

// A tsvector holds 1 MB (PostgreSQL 18, 12.11). This many characters, four bytes each, always fit as far as is known; where they
// do not after all, a tenth does.
const indexedCharacters = 100_000;
const fewerCharacters = 10_000;
const programLimitExceeded = '54000';

/**
 * Writes the search rows of up to `limit` messages that wait for them, in one statement; returns how many there were. Several may run
 * at once, each takes other messages. Second run: no change, 0.
 */
export async function fillSearch(db: Database, tenantId: string, limit: number): Promise<number> {
  return db.inTenant(tenantId, async (sql) => {
    const pending = await sql.query<{ message_id: string }>(
      `SELECT message_id FROM search_pending WHERE tenant_id = $1 ORDER BY message_id LIMIT $2 FOR UPDATE SKIP LOCKED`,
      [tenantId, limit],
    );
    const messageIds = pending.map((row) => row.message_id);
    if (messageIds.length === 0) return 0;
    await writeSearchRows(sql, tenantId, messageIds);
    await sql.execute('DELETE FROM search_pending WHERE tenant_id = $1 AND message_id = ANY ($2::uuid[])', [
      tenantId,
      messageIds,
    ]);
    return messageIds.length;
  });
}

/** Tenants with messages that wait for their search rows. */
export async function pendingSearchTenants(db: Database): Promise<string[]> {
  const rows = await db.acrossTenants((sql) =>
    sql.query<{ tenant_id: string }>(
      `SELECT t.tenant_id FROM tenant t
       WHERE EXISTS (SELECT FROM search_pending p WHERE p.tenant_id = t.tenant_id) ORDER BY t.tenant_id`,
    ),
  );
  return rows.map((row) => row.tenant_id);
}

async function writeSearchRows(sql: Sql, tenantId: string, messageIds: string[]): Promise<void> {
  // Words of over 2 kB are left out with a notice each.
  await sql.execute('SET LOCAL client_min_messages = warning');
  await sql.execute('SAVEPOINT search_rows');
  try {
    await sql.execute(fillStatement, [tenantId, messageIds, indexedCharacters]);
  } catch (error) {
    if (sqlStateOf(error) !== programLimitExceeded) throw error;
    await sql.execute('ROLLBACK TO SAVEPOINT search_rows');
    await sql.execute(fillStatement, [tenantId, messageIds, fewerCharacters]);
  }
}

// The rows of a message contain one another: see search_messages. Weights: A subject, B names, C file names, D text.
const fillStatement = `
WITH told AS (
  SELECT m.id, m.sort_at, array_to_tsvector(ARRAY[search_tenant_lexeme(m.tenant_id)])
      || setweight(to_tsvector('letterbook', search_words(left(who.names, $3))), 'B') AS metadata,
    setweight(to_tsvector('letterbook', search_words(left(coalesce(s.subject, ''), $3))), 'A') AS subject,
    setweight(to_tsvector('letterbook', search_words(left(files.names, $3))), 'C')
      || setweight(to_tsvector('letterbook', search_words(left(coalesce(b.text, ''), $3))), 'D') AS content
  FROM message m
  LEFT JOIN message_subject s ON s.tenant_id = $1 AND s.message_id = m.id
  LEFT JOIN message_body b ON b.tenant_id = $1 AND b.message_id = m.id
  CROSS JOIN LATERAL (
    SELECT coalesce(string_agg(DISTINCT concat_ws(' ', one ->> 'name', one ->> 'address'), ' '), '') AS names
    FROM jsonb_each(m.participants) AS role(name, list) CROSS JOIN LATERAL jsonb_array_elements(role.list) AS one
  ) who
  CROSS JOIN LATERAL (
    SELECT coalesce(string_agg(DISTINCT part ->> 'filename', ' '), '') AS names
    FROM copy c JOIN copy_structure cs ON cs.tenant_id = $1 AND cs.copy_id = c.id
    CROSS JOIN LATERAL jsonb_array_elements(cs.parts) AS part
    WHERE c.tenant_id = $1 AND c.message_id = m.id
  ) files
  WHERE m.tenant_id = $1 AND m.id = ANY ($2::uuid[])
)
INSERT INTO message_search (tenant_id, message_id, level, sort_at, v)
SELECT $1, told.id, row.level, told.sort_at, row.v FROM told CROSS JOIN LATERAL (VALUES
  (1, told.metadata),
  (2, told.metadata || told.subject),
  (3, told.metadata || told.subject || told.content)) AS row(level, v)
ON CONFLICT (tenant_id, message_id, level) DO UPDATE SET sort_at = excluded.sort_at, v = excluded.v`;

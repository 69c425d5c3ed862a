import type { Database } from './database';
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
export function fillSearch(db: Database, tenantId: string, limit: number): Promise<number> {
  return fill(db, tenantId, { limit, statement: fillOldest });
}

/** The same without the history that an import has brought, however much of it waits; the newest first. */
export function fillSearchOfNews(db: Database, tenantId: string, limit: number): Promise<number> {
  return fill(db, tenantId, { limit, statement: fillNewest });
}

async function fill(db: Database, tenantId: string, some: { limit: number; statement: string }): Promise<number> {
  const upTo = (characters: number) =>
    db.preparedInTenant(tenantId, async (sql) => {
      const [row] = await sql.query<{ filled: number }>(some.statement, [tenantId, some.limit, characters]);
      return row?.filled ?? 0;
    });
  try {
    return await upTo(indexedCharacters);
  } catch (error) {
    if (sqlStateOf(error) !== programLimitExceeded) throw error;
    return upTo(fewerCharacters);
  }
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

// The rows of a message contain one another: see search_messages. Weights: A subject, B names, C file names, D text.
// The look-ups are by key for each message, as in timeline-write.ts.
const fillOf = (waiting: string) => `
WITH pending AS MATERIALIZED (
  SELECT message_id FROM search_pending WHERE tenant_id = $1 ${waiting} LIMIT $2 FOR UPDATE SKIP LOCKED
), taken AS (
  DELETE FROM search_pending WHERE tenant_id = $1 AND message_id = ANY (ARRAY(SELECT message_id FROM pending))
), told AS (
  SELECT m.id, m.sort_at, array_to_tsvector(ARRAY[search_tenant_lexeme(m.tenant_id)])
      || setweight(to_tsvector('letterbook', search_words(left(who.names, $3))), 'B') AS metadata,
    setweight(to_tsvector('letterbook', search_words(left(coalesce(s.subject, ''), $3))), 'A') AS subject,
    setweight(to_tsvector('letterbook', search_words(left(files.names, $3))), 'C')
      || setweight(to_tsvector('letterbook', search_words(left(coalesce(b.text, ''), $3))), 'D') AS content
  FROM pending
  CROSS JOIN LATERAL (
    SELECT tenant_id, id, sort_at, participants FROM message WHERE tenant_id = $1 AND id = pending.message_id OFFSET 0
  ) m
  LEFT JOIN LATERAL (
    SELECT subject FROM message_subject WHERE tenant_id = $1 AND message_id = pending.message_id OFFSET 0
  ) s ON true
  LEFT JOIN LATERAL (
    SELECT text FROM message_body WHERE tenant_id = $1 AND message_id = pending.message_id OFFSET 0
  ) b ON true
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
), written AS (
  INSERT INTO message_search (tenant_id, message_id, level, sort_at, v)
  SELECT $1, told.id, row.level, told.sort_at, row.v FROM told CROSS JOIN LATERAL (VALUES
    (1, told.metadata),
    (2, told.metadata || told.subject),
    (3, told.metadata || told.subject || told.content)) AS row(level, v)
  ON CONFLICT (tenant_id, message_id, level) DO UPDATE SET sort_at = excluded.sort_at, v = excluded.v
)
SELECT count(*) AS filled FROM pending`;

const fillOldest = fillOf('ORDER BY message_id');
const fillNewest = fillOf('AND NOT behind ORDER BY message_id DESC');

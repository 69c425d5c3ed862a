-- migrate:up

-- What was said of a thread before it was joined with another of which the same was not said: it holds for the whole as far as it narrows what the
-- copies say, and opens nothing. Anybody can join two threads, by a message that refers to both.
ALTER TABLE thread_visibility ADD COLUMN only_narrows boolean NOT NULL DEFAULT false;

-- As in 0042, but that what only narrows counts beside what was said last, unless that was said later.
CREATE OR REPLACE FUNCTION others_level(message uuid) RETURNS smallint
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
  WITH mine AS (
    SELECT m.id, m.thread_id, m.created_at FROM message m WHERE m.tenant_id = (SELECT current_tenant()) AND m.id = others_level.message
  ), whole AS (
    SELECT coalesce((SELECT v.into_id FROM thread_move v WHERE v.tenant_id = (SELECT current_tenant()) AND v.thread_id = mine.thread_id), mine.thread_id) AS id
    FROM mine
  ), copies AS MATERIALIZED (
    SELECT c.id, c.source_id, c.visibility FROM copy c WHERE c.tenant_id = (SELECT current_tenant()) AND c.message_id = others_level.message
  ), sender AS MATERIALIZED (
    SELECT DISTINCT a.address_key FROM copies c CROSS JOIN LATERAL (
      SELECT address_key FROM copy_address WHERE tenant_id = (SELECT current_tenant()) AND copy_id = c.id AND role = 'from' OFFSET 0) a
  ), words AS MATERIALIZED (
    SELECT v.level, v.created_at, v.only_narrows FROM mine m CROSS JOIN copies c
    JOIN thread_visibility v ON v.thread_id = m.thread_id AND v.tenant_id = (SELECT current_tenant()) AND v.source_id = c.source_id
  ), said AS (
    SELECT level, created_at FROM words WHERE NOT only_narrows ORDER BY created_at DESC, level LIMIT 1
  ), narrowed AS (
    SELECT min(level) AS level FROM words WHERE only_narrows AND created_at >= coalesce((SELECT created_at FROM said), '-infinity')
  )
  SELECT least((SELECT level FROM narrowed), coalesce(
    (SELECT said.level FROM said CROSS JOIN mine WHERE said.level <= (SELECT max(visibility) FROM copies) OR mine.created_at <= said.created_at
       OR EXISTS (SELECT FROM sender s JOIN user_address u ON u.tenant_id = (SELECT current_tenant()) AND u.address_key = s.address_key)
       OR EXISTS (
         SELECT FROM message other CROSS JOIN LATERAL (
           SELECT id FROM copy WHERE tenant_id = (SELECT current_tenant()) AND message_id = other.id OFFSET 0) c
         JOIN copy_address told ON told.tenant_id = (SELECT current_tenant()) AND told.copy_id = c.id AND told.role IN ('to', 'cc')
           AND told.address_key IN (SELECT address_key FROM sender)
         WHERE other.tenant_id = (SELECT current_tenant()) AND other.created_at < mine.created_at
           AND other.thread_id = ANY (ARRAY(
             SELECT id FROM whole
             UNION ALL SELECT v.thread_id FROM whole JOIN thread_move v ON v.tenant_id = (SELECT current_tenant()) AND v.into_id = whole.id))
           AND NOT EXISTS (SELECT FROM copy_address own WHERE own.tenant_id = (SELECT current_tenant()) AND own.copy_id = c.id AND own.role = 'from'
             AND own.address_key IN (SELECT address_key FROM sender)))),
    (SELECT max(visibility) FROM copies)))
$$;

-- migrate:down

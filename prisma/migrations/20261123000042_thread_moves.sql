-- migrate:up

-- Threads that became a part of another and whose mail, references and earlier names still stand under their own id: a job moves them in short
-- transactions. Until then whoever reads a thread reads its parts (src/db/thread-parts.ts). None of the targets is moved itself.
CREATE TABLE thread_move (
  tenant_id uuid NOT NULL,
  thread_id uuid NOT NULL,
  into_id uuid NOT NULL,
  PRIMARY KEY (thread_id, tenant_id)
);
CREATE INDEX thread_move_into ON thread_move (into_id);

-- The messages that were in a thread when an operation on its links began, as far as `link_change` does not have them yet: what comes later is none
-- of them. They are found by these ids alone.
CREATE TABLE link_staging (
  tenant_id uuid NOT NULL,
  operation_id uuid NOT NULL,
  n integer NOT NULL,
  message_ids uuid[] NOT NULL,
  PRIMARY KEY (operation_id, n, tenant_id)
);
ALTER TABLE link_staging ALTER COLUMN message_ids SET STORAGE EXTERNAL; -- ids cannot be compressed

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['thread_move', 'link_staging']
  LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant ON %I TO letterbook_app USING (tenant_id = (SELECT current_tenant())) WITH CHECK (tenant_id = (SELECT current_tenant()))', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO letterbook_app', t);
  END LOOP;
END $$;

-- As in 0032, but that who was written to in the thread is looked for in all its parts.
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
  ), said AS (
    SELECT v.level, v.created_at FROM mine m CROSS JOIN copies c
    JOIN thread_visibility v ON v.thread_id = m.thread_id AND v.tenant_id = (SELECT current_tenant()) AND v.source_id = c.source_id
    ORDER BY v.created_at DESC, v.level LIMIT 1
  )
  SELECT coalesce(
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
    (SELECT max(visibility) FROM copies))
$$;

-- migrate:down

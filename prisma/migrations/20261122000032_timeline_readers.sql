-- migrate:up

-- The mail of a record is told anew in the order of this index, so that no chunk reads what another has read.
DROP INDEX link_record;
CREATE INDEX link_record ON link (record_id, tenant_id, message_id);

-- A thread's visibility is said by those who hold copies, and for the mail of their mailboxes: nobody opens or closes mail that they cannot read.
-- It goes with its mailbox, and with its thread: once for all threads of a statement, as in 0020.
ALTER TABLE thread_visibility
  ADD COLUMN source_id uuid NOT NULL,
  DROP CONSTRAINT thread_visibility_pkey,
  ADD PRIMARY KEY (thread_id, tenant_id, source_id),
  DROP CONSTRAINT thread_visibility_thread_id_tenant_id_fkey,
  ADD FOREIGN KEY (tenant_id, source_id) REFERENCES source ON DELETE CASCADE;
CREATE INDEX thread_visibility_source ON thread_visibility (tenant_id, source_id);
CREATE FUNCTION forget_thread_visibility() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM public.thread_visibility) THEN
    DELETE FROM public.thread_visibility v USING gone WHERE v.tenant_id = gone.tenant_id AND v.thread_id = gone.id;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER no_visibility_without_thread AFTER DELETE ON thread REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION forget_thread_visibility();


-- How far others may read a message: what was said last of its thread for a mailbox that holds it, else as far as its most open copy. What was said
-- opens no mail of a stranger whose References claim the thread: mail that came afterwards must be from a user, or from whom somebody else
-- has written to in the thread before.
CREATE FUNCTION others_level(message uuid) RETURNS smallint
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
  WITH mine AS (
    SELECT m.id, m.thread_id, m.created_at FROM message m WHERE m.tenant_id = (SELECT current_tenant()) AND m.id = others_level.message
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
         WHERE other.tenant_id = (SELECT current_tenant()) AND other.thread_id = mine.thread_id AND other.created_at < mine.created_at
           AND NOT EXISTS (SELECT FROM copy_address own WHERE own.tenant_id = (SELECT current_tenant()) AND own.copy_id = c.id AND own.role = 'from'
             AND own.address_key IN (SELECT address_key FROM sender)))),
    (SELECT max(visibility) FROM copies))
$$;

-- As in 0020; a record's mail is read at its company and at its intermediary too.
CREATE OR REPLACE FUNCTION still_reads(within uuid, reader integer, message uuid) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT EXISTS (
    SELECT FROM app_user u CROSS JOIN LATERAL (SELECT id, source_id FROM copy WHERE tenant_id = u.tenant_id AND message_id = message OFFSET 0) c
    WHERE u.tenant_id = (SELECT current_tenant()) AND u.principal = reader AND (
      holds_source(c.source_id, u.id) OR EXISTS (
        SELECT FROM copy_address ca JOIN user_address ua ON ua.tenant_id = ca.tenant_id AND ua.address_key = ca.address_key AND ua.user_id = u.id
        WHERE ca.tenant_id = u.tenant_id AND ca.copy_id = c.id AND ca.role IN ('from', 'to', 'cc') OFFSET 0))
  ) AND (
    within IN ('00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000001')
    OR EXISTS (
      SELECT FROM link l JOIN record p ON p.tenant_id = l.tenant_id AND p.id = l.record_id AND p.deleted_at IS NULL
      JOIN link_reason r ON r.tenant_id = l.tenant_id AND r.link_id = l.id
      WHERE l.tenant_id = (SELECT current_tenant()) AND l.message_id = message AND within IN (l.record_id, p.company_id, p.intermediary_id)
        AND l.state = 'active' AND NOT (r.kind IN ('address', 'rule') AND (r.key LIKE 'bcc:%' OR r.key LIKE 'delivered-to:%')))
    OR EXISTS (
      SELECT FROM app_user u CROSS JOIN LATERAL (SELECT id, source_id FROM copy WHERE tenant_id = u.tenant_id AND message_id = message OFFSET 0) c
      CROSS JOIN LATERAL (SELECT id, record_id FROM link WHERE tenant_id = u.tenant_id AND message_id = message AND state = 'active' OFFSET 0) l
      JOIN record p ON p.tenant_id = u.tenant_id AND p.id = l.record_id AND p.deleted_at IS NULL AND within IN (p.id, p.company_id, p.intermediary_id)
      WHERE u.tenant_id = (SELECT current_tenant()) AND u.principal = reader AND holds_source(c.source_id, u.id) AND EXISTS (
        SELECT FROM link_reason r JOIN copy_address ca ON ca.tenant_id = u.tenant_id AND ca.copy_id = c.id AND ca.role || ':' || ca.address_key = r.key
        WHERE r.tenant_id = u.tenant_id AND r.link_id = l.id AND r.kind IN ('address', 'rule') AND ca.role IN ('bcc', 'delivered-to') OFFSET 0)))
$$;

-- How far a principal whose rows are asked may read a row of the timeline now: in full for a reason of their own, else as far as others may
-- where a linked record has them among its readers; null where they may not any more.
CREATE FUNCTION level_still_read(within uuid, reader integer, message uuid) RETURNS smallint
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT CASE WHEN still_reads(within, reader, message) THEN 3::smallint
    WHEN within <> '00000000-0000-0000-0000-000000000001' AND EXISTS (
      SELECT FROM link l JOIN record p ON p.tenant_id = l.tenant_id AND p.id = l.record_id AND p.deleted_at IS NULL
      JOIN link_reason r ON r.tenant_id = l.tenant_id AND r.link_id = l.id
      WHERE l.tenant_id = (SELECT current_tenant()) AND l.message_id = message AND l.state = 'active'
        AND NOT (r.kind IN ('address', 'rule') AND (r.key LIKE 'bcc:%' OR r.key LIKE 'delivered-to:%'))
        AND (within = '00000000-0000-0000-0000-000000000000' OR within IN (p.id, p.company_id, p.intermediary_id))
        AND CASE WHEN p.restricted THEN EXISTS (
            SELECT FROM record_scope s WHERE s.tenant_id = p.tenant_id AND s.record_id = p.id AND s.principal = reader)
          ELSE reader = 0 END)
    THEN nullif(others_level(message), 0) END
$$;

CREATE OR REPLACE VIEW readable_timeline WITH (security_invoker = true) AS
  SELECT tenant_id, record_id, principal, sort_at, message_id,
    CASE WHEN principal <> ALL (ARRAY(SELECT n.principal FROM narrowed_reader n WHERE n.tenant_id = (SELECT current_tenant()))) THEN level
      ELSE least(level, level_still_read(record_id, principal, message_id)) END AS level
  FROM timeline
  WHERE principal <> ALL (ARRAY(SELECT n.principal FROM narrowed_reader n WHERE n.tenant_id = (SELECT current_tenant())))
    OR level_still_read(record_id, principal, message_id) IS NOT NULL;

-- migrate:down

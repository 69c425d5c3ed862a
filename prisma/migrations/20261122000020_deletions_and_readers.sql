-- migrate:up

-- As in 0012: these keys still asked for each message, link and copy that is deleted, one by one: a third of what a deletion cost. The same
-- writer writes them, and it is enough to ask, or to delete, once for all rows of a statement.
ALTER TABLE link DROP CONSTRAINT link_tenant_id_message_id_fkey;
CREATE TRIGGER no_link_without_message AFTER DELETE ON message REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_orphans('link', 'message_id');
ALTER TABLE link_reason DROP CONSTRAINT link_reason_tenant_id_link_id_fkey;
CREATE TRIGGER no_reason_without_link AFTER DELETE ON link REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_orphans('link_reason', 'link_id');
ALTER TABLE removal DROP CONSTRAINT removal_tenant_id_copy_id_fkey;
CREATE FUNCTION forget_removals() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM public.removal) THEN
    DELETE FROM public.removal r USING gone WHERE r.tenant_id = gone.tenant_id AND r.copy_id = gone.id;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER no_removal_without_copy AFTER DELETE ON copy REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION forget_removals();

-- To whom a user's mailboxes went who was erased: a restore that brings the user back gives them to the same one again. An id, like the others
-- here; it is not called user_id, because the journal outlives users.
ALTER TABLE erasure ADD COLUMN heir_id uuid;

-- Deleted and counted by its source with each mailbox, of which a tenant may have thousands.
CREATE INDEX folder_audit_source ON folder_audit (tenant_id, source_id);

-- Who has lost a mailbox or an address, and whose timeline rows are still being written anew by an operation: until it has ended, each of
-- their rows is asked whether it would be written now.
CREATE TABLE narrowed_reader (
  tenant_id uuid NOT NULL,
  principal integer NOT NULL,
  operation_id uuid NOT NULL,
  PRIMARY KEY (tenant_id, principal, operation_id),
  FOREIGN KEY (tenant_id, operation_id) REFERENCES operation ON DELETE CASCADE
);
CREATE INDEX narrowed_reader_operation ON narrowed_reader (tenant_id, operation_id);
ALTER TABLE narrowed_reader ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON narrowed_reader TO letterbook_app
  USING (tenant_id = (SELECT current_tenant())) WITH CHECK (tenant_id = (SELECT current_tenant()));
GRANT SELECT, INSERT, UPDATE, DELETE ON narrowed_reader TO letterbook_app;

-- Whether a user still has a reason for a row of the timeline (src/db/timeline-write.ts, whose rules these are): a copy of theirs, or an address in
-- From, To or Cc; and of a record that only Bcc or a delivery header explains, a copy of theirs with that header.
CREATE FUNCTION still_reads(within uuid, reader integer, message uuid) RETURNS boolean
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
      SELECT FROM link l JOIN link_reason r ON r.tenant_id = l.tenant_id AND r.link_id = l.id
      WHERE l.tenant_id = (SELECT current_tenant()) AND l.message_id = message AND l.record_id = within AND l.state = 'active'
        AND NOT (r.kind = 'address' AND (r.key LIKE 'bcc:%' OR r.key LIKE 'delivered-to:%')))
    OR EXISTS (
      SELECT FROM app_user u CROSS JOIN LATERAL (SELECT id, source_id FROM copy WHERE tenant_id = u.tenant_id AND message_id = message OFFSET 0) c
      WHERE u.tenant_id = (SELECT current_tenant()) AND u.principal = reader AND holds_source(c.source_id, u.id) AND EXISTS (
        SELECT FROM copy_address ca JOIN record_address ra ON ra.tenant_id = ca.tenant_id AND ra.address_key = ca.address_key AND ra.record_id = within
        WHERE ca.tenant_id = u.tenant_id AND ca.copy_id = c.id AND ca.role IN ('bcc', 'delivered-to') OFFSET 0)))
$$;

-- The timeline as it is read. Who has lost nothing pays for one look at a table that is empty nearly always.
CREATE VIEW readable_timeline WITH (security_invoker = true) AS
  SELECT tenant_id, record_id, principal, sort_at, message_id, level FROM timeline
  WHERE principal <> ALL (ARRAY(SELECT n.principal FROM narrowed_reader n WHERE n.tenant_id = (SELECT current_tenant())))
    OR still_reads(record_id, principal, message_id);
GRANT SELECT ON readable_timeline TO letterbook_app;

-- As in 0002, reading that view.
CREATE OR REPLACE FUNCTION search_messages(
  principals integer[], viewer uuid, words text, last_word text, within uuid, in_source uuid, address text,
  in_direction text, since timestamptz, until timestamptz, max_hits integer)
RETURNS TABLE (message_id uuid, sort_at timestamptz, level smallint, rank real)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  tenant uuid := public.current_tenant();
  wanted tsquery := public.search_query(words, last_word);
BEGIN
  IF tenant IS NULL OR numnode(wanted) = 0 THEN RETURN; END IF;
  -- EXECUTE: a plan that was made without seeing the words may walk the whole table.
  RETURN QUERY EXECUTE $query$
    WITH newest AS (
      SELECT h.message_id, h.sort_at, h.level
      FROM (
        SELECT s.message_id, s.sort_at, s.level FROM public.message_search s
        WHERE s.tenant_id = $1 AND s.v @@ $2 AND ($7 IS NULL OR s.sort_at >= $7) AND ($8 IS NULL OR s.sort_at < $8)
        ORDER BY s.sort_at DESC, s.message_id DESC
      ) h
      WHERE EXISTS (
          SELECT FROM public.readable_timeline t
          WHERE t.tenant_id = $1 AND t.message_id = h.message_id AND t.principal = ANY ($3) AND t.record_id = $4 AND t.level = h.level)
        AND NOT EXISTS (
          SELECT FROM public.readable_timeline t
          WHERE t.tenant_id = $1 AND t.message_id = h.message_id AND t.principal = ANY ($3) AND t.record_id = $4 AND t.level > h.level)
        AND ($5 IS NULL OR EXISTS (
          SELECT FROM public.copy c WHERE c.tenant_id = $1 AND c.message_id = h.message_id AND c.source_id = $5))
        AND ($6 IS NULL OR EXISTS (
          SELECT FROM public.copy c JOIN public.copy_address ca ON ca.tenant_id = $1 AND ca.copy_id = c.id AND ca.address_key = $6
          WHERE c.tenant_id = $1 AND c.message_id = h.message_id
            AND (ca.role NOT IN ('bcc', 'delivered-to') OR public.holds_source(c.source_id, $9))))
        AND ($12 IS NULL OR $12 = (
          SELECT d.direction FROM public.copy d WHERE d.tenant_id = $1 AND d.message_id = h.message_id ORDER BY d.recorded_at, d.id LIMIT 1))
      ORDER BY h.sort_at DESC, h.message_id DESC
      LIMIT $10
    )
    SELECT n.message_id, n.sort_at, n.level, ts_rank(s.v, $11)
    FROM newest n JOIN public.message_search s ON s.tenant_id = $1 AND s.message_id = n.message_id AND s.level = n.level
  $query$ USING tenant, (quote_literal(public.search_tenant_lexeme(tenant)))::tsquery && wanted, principals, within, in_source, address,
    since, until, viewer, max_hits + 1, wanted, in_direction;
END $$;

-- migrate:down

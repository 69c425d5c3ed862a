-- migrate:up

-- As in 0020; but of a reader who has just lost mail only the newest candidates are asked whether they are still theirs. Where there may be
-- more, a row of nulls says so.
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
  IF NOT EXISTS (SELECT FROM public.narrowed_reader n WHERE n.tenant_id = tenant AND n.principal = ANY (principals)) THEN
    RETURN QUERY EXECUTE $query$
      WITH newest AS (
        SELECT h.message_id, h.sort_at, h.level
        FROM (
          SELECT s.message_id, s.sort_at, s.level FROM public.message_search s
          WHERE s.tenant_id = $1 AND s.v @@ $2 AND ($7 IS NULL OR s.sort_at >= $7) AND ($8 IS NULL OR s.sort_at < $8)
          ORDER BY s.sort_at DESC, s.message_id DESC
        ) h
        WHERE EXISTS (
            SELECT FROM public.timeline t
            WHERE t.tenant_id = $1 AND t.message_id = h.message_id AND t.principal = ANY ($3) AND t.record_id = $4 AND t.level = h.level)
          AND NOT EXISTS (
            SELECT FROM public.timeline t
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
    RETURN;
  END IF;
  RETURN QUERY EXECUTE $query$
    WITH candidate AS MATERIALIZED (
      SELECT h.message_id, h.sort_at, h.level
      FROM (
        SELECT s.message_id, s.sort_at, s.level FROM public.message_search s
        WHERE s.tenant_id = $1 AND s.v @@ $2 AND ($7 IS NULL OR s.sort_at >= $7) AND ($8 IS NULL OR s.sort_at < $8)
        ORDER BY s.sort_at DESC, s.message_id DESC
      ) h
      WHERE EXISTS (
          SELECT FROM public.timeline t
          WHERE t.tenant_id = $1 AND t.message_id = h.message_id AND t.principal = ANY ($3) AND t.record_id = $4 AND t.level = h.level)
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
    ), newest AS MATERIALIZED (
      SELECT c.message_id, c.sort_at, c.level FROM candidate c
      WHERE EXISTS (
          SELECT FROM public.readable_timeline t
          WHERE t.tenant_id = $1 AND t.message_id = c.message_id AND t.principal = ANY ($3) AND t.record_id = $4 AND t.level = c.level)
        AND NOT EXISTS (
          SELECT FROM public.readable_timeline t
          WHERE t.tenant_id = $1 AND t.message_id = c.message_id AND t.principal = ANY ($3) AND t.record_id = $4 AND t.level > c.level)
    )
    SELECT n.message_id, n.sort_at, n.level, ts_rank(s.v, $11)
    FROM newest n JOIN public.message_search s ON s.tenant_id = $1 AND s.message_id = n.message_id AND s.level = n.level
    UNION ALL (SELECT NULL, NULL, NULL, NULL FROM candidate OFFSET $10 - 1)
  $query$ USING tenant, (quote_literal(public.search_tenant_lexeme(tenant)))::tsquery && wanted, principals, within, in_source, address,
    since, until, viewer, least(max_hits, 500), wanted, in_direction;
END $$;

-- migrate:down

-- migrate:up

-- A user's number stands in the timeline rows of all they may read; the next user must never be given it again.
ALTER TABLE tenant ADD COLUMN next_principal integer NOT NULL DEFAULT 1;

-- Words, not stems: one configuration must find words of every language a mailbox holds, and a stemmer of one spoils the others.
-- unaccent makes Müller and Muller meet. The inflections that stems would join are met by the prefix match of the last word.
CREATE EXTENSION IF NOT EXISTS unaccent;
CREATE TEXT SEARCH CONFIGURATION letterbook (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION letterbook ALTER MAPPING FOR word, hword, hword_part, numword, numhword, hword_numpart WITH unaccent, simple;

-- Text as it is indexed and as it is asked for. Postgres' own parser takes `acme.example`, `a/b.txt` and `-4711` for one token each,
-- which nobody finds by a part of them; with punctuation gone each is a row of words, and a phrase finds it again.
CREATE FUNCTION search_words(words text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
  RETURN translate(normalize(words, NFKC), '.,:;/\-_@+=&#~<>|()[]{}*!?%$''"`„“”‚‘’«»–—…·•', repeat(' ', 44));

-- A lexeme that no text can hold, in every search row: without it a common word of all tenants is read from the table
-- before the tenant is looked at. Short, because it stands in each row; a collision costs time only.
CREATE FUNCTION search_tenant_lexeme(tenant uuid) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
  RETURN '=' || left(md5(tenant::text), 8);

-- The query: `words` in the language of websearch_to_tsquery, `last_word` (may be empty) also as the beginning of a longer word.
CREATE FUNCTION search_query(words text, last_word text) RETURNS tsquery LANGUAGE sql STABLE PARALLEL SAFE STRICT SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT CASE WHEN last_word = '' OR numnode(last) = 0 THEN whole WHEN numnode(whole) = 0 THEN last_prefix ELSE whole && last_prefix END
  FROM (SELECT websearch_to_tsquery('letterbook', words) AS whole,
               phraseto_tsquery('letterbook', search_words(last_word)) AS last) q,
       LATERAL (SELECT CASE WHEN numnode(last) = 0 THEN last ELSE (last::text || ':*')::tsquery END AS last_prefix) p
$$;

-- Full text. `tsvector @@` is not leakproof: under a row-level policy Postgres would not use the index. So this function runs as
-- the owner and applies the tenant, the principal and the level itself; it returns ids, dates and ranks, never content.
--   within       a record, or one of the two pseudo-records of timeline
--   in_source    null, or the copies' source; the caller says whether the viewer may ask for it
--   address      null, or an address key; in Bcc and delivery headers only of copies that `viewer` (null: the tenant) holds
-- The rows of a message contain one another (level 3 has the words of 2 and 1), so each viewer is answered from the one row
-- of their level: words in subject and text meet, and a word excluded is looked for in all that they may see.
-- Only the newest `max_hits` are ranked, and one more comes back where there are more.
CREATE FUNCTION search_messages(
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
END $$;

-- Owner and members of a source, and the tenant itself (`viewer` null), may see its copies: their bytes, placements, Bcc and delivery headers.
CREATE FUNCTION holds_source(source uuid, viewer uuid) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT viewer IS NULL
    OR EXISTS (SELECT FROM source s WHERE s.tenant_id = (SELECT current_tenant()) AND s.id = source AND s.owner_user_id = viewer)
    OR EXISTS (SELECT FROM source_member m WHERE m.tenant_id = (SELECT current_tenant()) AND m.source_id = source AND m.user_id = viewer)
$$;

REVOKE EXECUTE ON FUNCTION search_messages FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_messages TO letterbook_app;

-- migrate:down

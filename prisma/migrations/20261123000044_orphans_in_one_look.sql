-- migrate:up

-- As in 0036, but that one look goes along the index for all rows of the statement, and not one from its root for each: a third of what these looks cost.
-- A row that refers to one of them is compared with it, tenant included. The index is taken also by a connection that knows nothing of its tables.
CREATE OR REPLACE FUNCTION refuse_orphans() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
DECLARE is_left boolean;
BEGIN
  EXECUTE format('SELECT EXISTS (SELECT FROM public.%1$I child WHERE child.%2$I = ANY (ARRAY(SELECT id FROM gone))
    AND EXISTS (SELECT FROM gone WHERE gone.id = child.%2$I AND (child.tenant_id = gone.tenant_id) IS NOT FALSE OFFSET 0))', TG_ARGV[0], TG_ARGV[1])
    INTO is_left;
  IF is_left THEN
    RAISE EXCEPTION 'rows of % still refer to what is deleted from %', TG_ARGV[0], TG_TABLE_NAME USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NULL;
END $$;

-- migrate:down
CREATE OR REPLACE FUNCTION refuse_orphans() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE is_left boolean;
BEGIN
  EXECUTE format('SELECT EXISTS (SELECT FROM gone CROSS JOIN LATERAL (
    SELECT FROM public.%1$I child WHERE child.%2$I = gone.id AND (child.tenant_id = gone.tenant_id) IS NOT FALSE LIMIT 1) AS child)', TG_ARGV[0], TG_ARGV[1])
    INTO is_left;
  IF is_left THEN
    RAISE EXCEPTION 'rows of % still refer to what is deleted from %', TG_ARGV[0], TG_TABLE_NAME USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NULL;
END $$;

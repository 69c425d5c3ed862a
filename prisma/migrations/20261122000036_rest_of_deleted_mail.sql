-- migrate:up

-- Mail that a deletion has taken away for everybody, under the tenant's lock, and whose texts, search rows and structures are still on their way
-- out: they are found by these ids alone, which nobody has any more and which are never given twice. A row is a chunk of a deletion.
CREATE TABLE deletion_rest (
  tenant_id uuid NOT NULL,
  source_id uuid NOT NULL,
  id uuid NOT NULL,
  deletion_id uuid NOT NULL,                   -- where the rows are counted
  message_ids uuid[] NOT NULL,
  copy_ids uuid[] NOT NULL,
  PRIMARY KEY (tenant_id, source_id, id)
);
ALTER TABLE deletion_rest ALTER COLUMN message_ids SET STORAGE EXTERNAL; -- ids cannot be compressed
ALTER TABLE deletion_rest ALTER COLUMN copy_ids SET STORAGE EXTERNAL;

ALTER TABLE deletion_rest ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON deletion_rest TO letterbook_app
  USING (tenant_id = (SELECT current_tenant())) WITH CHECK (tenant_id = (SELECT current_tenant()));
GRANT SELECT, INSERT, UPDATE, DELETE ON deletion_rest TO letterbook_app;

-- As in 0012, but that the tenant only filters: by it, with few records, PostgreSQL 18 skips along the index by record, which asks thrice for each row.
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

-- migrate:down

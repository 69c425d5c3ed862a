-- migrate:up

-- A foreign key asks for each row that is deleted, twice, whether something still refers to it: two thirds of what a deletion cost. Only
-- the one writer that a tenant has at a time writes these tables, so nobody can begin to refer to a row while it goes, and it is enough to ask
-- once for all rows of a statement. Search rows and references of threads go with their parents in each deletion, which looks for what is left.
ALTER TABLE message DROP CONSTRAINT message_tenant_id_thread_id_fkey;
ALTER TABLE copy DROP CONSTRAINT copy_tenant_id_message_id_fkey;
ALTER TABLE placement DROP CONSTRAINT placement_tenant_id_copy_id_fkey;
ALTER TABLE message_search DROP CONSTRAINT message_search_tenant_id_message_id_fkey;
ALTER TABLE thread_ref DROP CONSTRAINT thread_ref_thread_fkey;
ALTER TABLE failure DROP CONSTRAINT failure_gen_id_uid_fkey; -- it belongs to its generation, and to its source

-- A deletion that would leave rows of the table TG_ARGV[0], which refer to its rows by TG_ARGV[1], is refused as by a foreign key.
-- The owner asks: what a policy hides is left as well. The rows drive the look-up, each by its key, also where statistics are missing.
CREATE FUNCTION refuse_orphans() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE is_left boolean;
BEGIN
  EXECUTE format('SELECT EXISTS (SELECT FROM gone CROSS JOIN LATERAL (
    SELECT FROM public.%1$I child WHERE child.%2$I = gone.id AND child.tenant_id = gone.tenant_id LIMIT 1) AS child)', TG_ARGV[0], TG_ARGV[1])
    INTO is_left;
  IF is_left THEN
    RAISE EXCEPTION 'rows of % still refer to what is deleted from %', TG_ARGV[0], TG_TABLE_NAME USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER no_message_without_thread AFTER DELETE ON thread REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_orphans('message', 'thread_id');
CREATE TRIGGER no_reference_without_thread AFTER DELETE ON thread REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_orphans('thread_ref', 'thread_id');
CREATE TRIGGER no_copy_without_message AFTER DELETE ON message REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_orphans('copy', 'message_id');
CREATE TRIGGER no_placement_without_copy AFTER DELETE ON copy REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_orphans('placement', 'copy_id');

-- Bytes are freed outside that lock, so the keys that hold them stay. RESTRICT asks once where NO ACTION asks twice.
ALTER TABLE copy DROP CONSTRAINT copy_tenant_id_blob_id_fkey;
ALTER TABLE copy ADD CONSTRAINT copy_blob_fkey FOREIGN KEY (tenant_id, blob_id) REFERENCES blob (tenant_id, id) ON DELETE RESTRICT;
ALTER TABLE placement DROP CONSTRAINT placement_tenant_id_blob_id_fkey;
ALTER TABLE placement ADD CONSTRAINT placement_blob_fkey FOREIGN KEY (tenant_id, blob_id) REFERENCES blob (tenant_id, id) ON DELETE RESTRICT;

-- migrate:down

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

-- migrate:down

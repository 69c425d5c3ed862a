-- migrate:up

-- The deletion of a user or of a tenant deletes mailboxes, each by a deletion of its own, which says here whose part it is.
ALTER TABLE deletion ADD COLUMN parent_id uuid;
-- What was chosen when it was asked for, and what is still to be told anew: ids only.
ALTER TABLE deletion ADD COLUMN plan jsonb NOT NULL DEFAULT '{}';
CREATE INDEX deletion_parent ON deletion (tenant_id, parent_id) WHERE parent_id IS NOT NULL;

-- Whoever is asked to delete a user or a record looks for these.
CREATE INDEX source_owner ON source (tenant_id, owner_user_id) WHERE owner_user_id IS NOT NULL;
CREATE INDEX source_member_user ON source_member (tenant_id, user_id);
CREATE INDEX record_owner ON record (tenant_id, owner_user_id) WHERE owner_user_id IS NOT NULL;
CREATE INDEX record_company ON record (tenant_id, company_id) WHERE company_id IS NOT NULL;

-- What became of a tenant that was deleted. It outlives the tenant, so it belongs to none: its column is not called tenant_id, because
-- every table with a tenant_id must be empty at the end. Ids and numbers, nothing that says whose it was. The operator reads it.
CREATE TABLE tenant_deletion (
  id uuid PRIMARY KEY,                         -- the deletion
  target_id uuid NOT NULL,                     -- the tenant that is no more
  actor text NOT NULL,                         -- 'operator', or the public id of a user or key
  report jsonb NOT NULL,
  created_at timestamptz NOT NULL,
  started_at timestamptz,
  finished_at timestamptz NOT NULL
);

-- Whoever deletes a tenant writes its report, and may read it again where a worker died after the end. Nobody changes it.
ALTER TABLE tenant_deletion ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON tenant_deletion TO letterbook_app
  USING (target_id = (SELECT current_tenant())) WITH CHECK (target_id = (SELECT current_tenant()));
GRANT SELECT, INSERT ON tenant_deletion TO letterbook_app;

-- migrate:down

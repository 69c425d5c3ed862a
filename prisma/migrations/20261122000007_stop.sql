-- migrate:up

-- What the reconciler found and did, one row a tenant and run. A run in which nothing was to be done has none, except now and then, as a
-- sign of life.
CREATE TABLE reconciliation (
  tenant_id uuid NOT NULL REFERENCES tenant,
  id uuid NOT NULL,
  started_at timestamptz NOT NULL,
  finished_at timestamptz NOT NULL,
  desired integer NOT NULL,                    -- mailboxes that should have a workflow
  running integer NOT NULL,                    -- workflows there were
  started integer NOT NULL,
  reminded integer NOT NULL,                   -- told of a wish they had not taken up
  ended integer NOT NULL,                      -- workflows of mailboxes that are stopped or gone, and stops that nobody carried out
  stuck integer NOT NULL,
  queues_without_workers text[] NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX reconciliation_finished ON reconciliation (finished_at);

-- The mailboxes that stood out in a run, with what was the matter and what was done; not those that were started or reminded, which may be all.
CREATE TABLE reconciliation_finding (
  tenant_id uuid NOT NULL,
  reconciliation_id uuid NOT NULL,
  source_id uuid NOT NULL,
  reason text NOT NULL,
  action text NOT NULL,
  PRIMARY KEY (tenant_id, reconciliation_id, source_id),
  FOREIGN KEY (tenant_id, reconciliation_id) REFERENCES reconciliation ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, source_id) REFERENCES source ON DELETE CASCADE
);
CREATE INDEX reconciliation_finding_source ON reconciliation_finding (tenant_id, source_id);

-- Those who wait, of all tenants, oldest first.
CREATE INDEX operation_open ON operation (created_at) WHERE state IN ('waiting', 'running');

-- The reconciler knows a folder in scope from one that is not, and no name.
CREATE POLICY system_reads ON folder FOR SELECT TO letterbook_system USING (true);
GRANT SELECT (tenant_id, id, in_scope) ON folder TO letterbook_system;

-- Folders whose history is still to be imported, of all tenants.
CREATE INDEX folder_generation_history ON folder_generation (source_id)
  WHERE retired_at IS NULL AND history_done_at IS NULL AND uidnext IS NOT NULL;

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['reconciliation', 'reconciliation_finding']
  LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant ON %I TO letterbook_app USING (tenant_id = (SELECT current_tenant())) WITH CHECK (tenant_id = (SELECT current_tenant()))', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO letterbook_app', t);
    -- The reconciler crosses tenants: one statement writes the rows of all of them.
    EXECUTE format('CREATE POLICY system_writes ON %I TO letterbook_system USING (true) WITH CHECK (true)', t);
    EXECUTE format('GRANT SELECT, INSERT, DELETE ON %I TO letterbook_system', t);
  END LOOP;
END $$;

-- migrate:down

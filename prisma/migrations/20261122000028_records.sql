-- migrate:up

-- `record_id` has become a part of `into_record_id`. What came with it is marked where it is, so that the two can be taken apart again.
CREATE TABLE record_merge (
  tenant_id uuid NOT NULL REFERENCES tenant,
  id uuid NOT NULL,
  record_id uuid NOT NULL,
  into_record_id uuid NOT NULL,
  operation_id uuid NOT NULL,                  -- what merges them, or takes them apart
  state text NOT NULL CHECK (state IN ('merging', 'merged', 'undoing', 'undone', 'final')),
  taken text[] NOT NULL DEFAULT '{}',          -- what the other had not, and was given: number, externalId, companyId, ownerUserId, ...
  principals integer[] NOT NULL DEFAULT '{}',  -- who may see it since then, and might not before
  thread_links uuid[] NOT NULL DEFAULT '{}',   -- links of threads that were moved
  actor text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  undo_until timestamptz NOT NULL,
  undone_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, record_id) REFERENCES record (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, into_record_id) REFERENCES record (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX record_merge_record ON record_merge (tenant_id, record_id);
CREATE INDEX record_merge_into ON record_merge (tenant_id, into_record_id);
CREATE INDEX record_merge_operation ON record_merge (tenant_id, operation_id);

-- Whose company or intermediary it was.
CREATE TABLE record_merge_dependent (
  tenant_id uuid NOT NULL,
  merge_id uuid NOT NULL,
  record_id uuid NOT NULL,
  field text NOT NULL CHECK (field IN ('company', 'intermediary')),
  PRIMARY KEY (tenant_id, merge_id, field, record_id),
  FOREIGN KEY (tenant_id, merge_id) REFERENCES record_merge (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, record_id) REFERENCES record (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX record_merge_dependent_record ON record_merge_dependent (tenant_id, record_id);

CREATE INDEX record_scope_principal ON record_scope (tenant_id, principal);
CREATE INDEX record_merged ON record (tenant_id, merged_into) WHERE merged_into IS NOT NULL;

-- A link of a merged record waits where it is; its reasons stand at the other record too, marked with the merge.
ALTER TABLE link DROP CONSTRAINT link_state_check;
ALTER TABLE link ADD CONSTRAINT link_state_check CHECK (state IN ('active', 'suppressed', 'merged', 'merged-suppressed'));
ALTER TABLE link ADD COLUMN merge_id uuid;        -- the merge that suppressed it
ALTER TABLE link_reason ADD COLUMN merge_id uuid; -- the merge that brought it

-- The other record had this address of a merged one before.
ALTER TABLE record_address ADD COLUMN shared boolean NOT NULL DEFAULT false;

-- An upload of many records, by the key of its request: how far it is, and what was refused.
CREATE TABLE record_upload (
  tenant_id uuid NOT NULL REFERENCES tenant,
  id uuid NOT NULL,
  key text NOT NULL,
  actor text NOT NULL,
  state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'interrupted', 'done')),
  line integer NOT NULL DEFAULT 0,             -- the last one that is done with
  fingerprint bytea,                           -- of all lines until that one
  created integer NOT NULL DEFAULT 0,
  updated integer NOT NULL DEFAULT 0,
  refused integer NOT NULL DEFAULT 0,
  rematch_id uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  seen_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, key)
);

CREATE TABLE record_upload_refusal (
  tenant_id uuid NOT NULL,
  upload_id uuid NOT NULL,
  line integer NOT NULL,
  errors jsonb NOT NULL,                       -- [{field, reason, remedy}]
  PRIMARY KEY (tenant_id, upload_id, line),
  FOREIGN KEY (tenant_id, upload_id) REFERENCES record_upload (tenant_id, id) ON DELETE CASCADE
);

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['record_merge', 'record_merge_dependent', 'record_upload', 'record_upload_refusal']
  LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant ON %I TO letterbook_app USING (tenant_id = (SELECT current_tenant())) WITH CHECK (tenant_id = (SELECT current_tenant()))', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO letterbook_app', t);
  END LOOP;
END $$;

-- migrate:down

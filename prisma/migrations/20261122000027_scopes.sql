-- migrate:up

-- Types of records beside the built-in ones (src/domain/record-type.ts).
CREATE TABLE record_type (
  tenant_id uuid NOT NULL REFERENCES tenant,
  type text NOT NULL,
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, type)
);

-- A team reads as its members do: its number is taken from the same counter as those of users.
CREATE TABLE team (
  tenant_id uuid NOT NULL REFERENCES tenant,
  id uuid NOT NULL,
  principal integer NOT NULL CHECK (principal > 0),
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, principal)
);

CREATE TABLE team_member (
  tenant_id uuid NOT NULL,
  team_id uuid NOT NULL,
  user_id uuid NOT NULL,
  PRIMARY KEY (tenant_id, team_id, user_id),
  FOREIGN KEY (tenant_id, team_id) REFERENCES team ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, user_id) REFERENCES app_user ON DELETE CASCADE
);
CREATE INDEX team_member_user ON team_member (tenant_id, user_id);

ALTER TABLE record
  ADD COLUMN intermediary_id uuid,                      -- the broker who sees this record's mail too
  ADD COLUMN restricted boolean NOT NULL DEFAULT false, -- true: only those in record_scope may see it
  ADD COLUMN merged_into uuid,                          -- the record that it became a part of; deleted_at is set then
  ADD FOREIGN KEY (tenant_id, intermediary_id) REFERENCES record (tenant_id, id),
  ADD FOREIGN KEY (tenant_id, merged_into) REFERENCES record (tenant_id, id);
CREATE INDEX record_intermediary ON record (tenant_id, intermediary_id) WHERE intermediary_id IS NOT NULL;

-- Who may see a restricted record: users and teams, by their numbers.
CREATE TABLE record_scope (
  tenant_id uuid NOT NULL,
  record_id uuid NOT NULL,
  principal integer NOT NULL,
  PRIMARY KEY (record_id, tenant_id, principal),
  FOREIGN KEY (tenant_id, record_id) REFERENCES record (tenant_id, id) ON DELETE CASCADE
);

-- How far others may read a thread, whatever its copies say.
CREATE TABLE thread_visibility (
  tenant_id uuid NOT NULL,
  thread_id uuid NOT NULL,
  level smallint NOT NULL CHECK (level BETWEEN 0 AND 3),
  actor text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (thread_id, tenant_id),
  FOREIGN KEY (thread_id, tenant_id) REFERENCES thread ON DELETE CASCADE
);

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['record_type', 'team', 'team_member', 'record_scope', 'thread_visibility']
  LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant ON %I TO letterbook_app USING (tenant_id = (SELECT current_tenant())) WITH CHECK (tenant_id = (SELECT current_tenant()))', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO letterbook_app', t);
  END LOOP;
END $$;

-- migrate:down

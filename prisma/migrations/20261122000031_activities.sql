-- migrate:up

-- What a tenant's activities may be: its own list, which begins with one type for mail.
CREATE TABLE activity_type (
  tenant_id uuid NOT NULL REFERENCES tenant,
  type text NOT NULL,
  name text NOT NULL,
  statuses text[] NOT NULL CHECK (cardinality(statuses) > 0),
  calendar_sync boolean NOT NULL DEFAULT false, -- false: a CRM keeps it out of calendars
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, type)
);

-- What a message is as an entry of the CRM, one for each message whose source asks for it. No foreign keys: it goes with its message in each
-- deletion, which counts what is left.
CREATE TABLE activity (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  message_id uuid NOT NULL,
  type text NOT NULL,
  status text NOT NULL,
  owner_user_id uuid,
  sort_at timestamptz NOT NULL,                 -- that of the message
  rule jsonb NOT NULL,                          -- how the source that made it matched then (domain/matching.ts)
  touched text[] NOT NULL DEFAULT '{}',         -- fields that a person changed: status, owner, type
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (message_id, tenant_id)
);
CREATE UNIQUE INDEX activity_id ON activity (id, tenant_id);
CREATE INDEX activity_list ON activity (tenant_id, sort_at, message_id);
CREATE INDEX activity_owner ON activity (owner_user_id, sort_at, message_id) WHERE owner_user_id IS NOT NULL;
CREATE INDEX activity_of_type ON activity (tenant_id, type, status);

-- Who takes part, and the records that it belongs to.
CREATE TABLE activity_party (
  tenant_id uuid NOT NULL,
  message_id uuid NOT NULL,
  n smallint NOT NULL,
  kind text NOT NULL CHECK (kind IN ('user', 'contact', 'external', 'company', 'project')),
  header text,                                  -- from, sender, to, cc; null for companies and projects
  address_key text,
  user_id uuid,
  record_id uuid,
  PRIMARY KEY (message_id, n, tenant_id)
);
CREATE INDEX activity_party_record ON activity_party (record_id) WHERE record_id IS NOT NULL;
CREATE INDEX activity_party_user ON activity_party (user_id) WHERE user_id IS NOT NULL;

-- Whether somebody still has to do with a message.
ALTER TABLE message ADD COLUMN status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'replied', 'closed'));

-- What belongs to no mailbox is told in a stream of the tenant's own.
ALTER TABLE tenant ADD COLUMN next_seq bigint NOT NULL DEFAULT 1;

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['activity_type', 'activity', 'activity_party']
  LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant ON %I TO letterbook_app USING (tenant_id = (SELECT current_tenant())) WITH CHECK (tenant_id = (SELECT current_tenant()))', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO letterbook_app', t);
  END LOOP;
END $$;

-- migrate:down

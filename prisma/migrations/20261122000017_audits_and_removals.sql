-- migrate:up

-- When a mailbox was last compared with its server, when it is to be compared next (null: as soon as it is live), and what for.
ALTER TABLE mailbox ADD COLUMN audited_at timestamptz;
ALTER TABLE mailbox ADD COLUMN audit_due_at timestamptz;
ALTER TABLE mailbox ADD COLUMN audit_cause text NOT NULL DEFAULT 'import' CHECK (audit_cause IN ('import', 'outage', 'again', 'daily'));

ALTER TABLE folder_audit ADD COLUMN ended bigint[] NOT NULL DEFAULT '{}';       -- ended in the ledger, alive on the server; the first 1,000
ALTER TABLE folder_audit ADD COLUMN ended_count bigint NOT NULL DEFAULT 0;
ALTER TABLE folder_audit ADD COLUMN undelivered_count bigint NOT NULL DEFAULT 0; -- listed by the server and not delivered: parked without bytes
ALTER TABLE folder_audit ADD COLUMN accepted_count bigint NOT NULL DEFAULT 0;   -- failures that a person has accepted

-- What audits have found, and what became of it. One row a spell: the next audit that does not find it any more ends it.
CREATE TABLE audit_finding (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  source_id uuid NOT NULL,
  folder_id uuid,                              -- null: of the mailbox as a whole
  kind text NOT NULL CHECK (kind IN ('missing', 'extra', 'ended-but-alive', 'undelivered', 'not-linked', 'not-provable')),
  cause text NOT NULL,                         -- what the audit was made for: 'person', or the audit_cause
  reason text,                                 -- a code
  count bigint NOT NULL,
  uids bigint[] NOT NULL DEFAULT '{}',         -- the first 1,000
  found_at timestamptz NOT NULL DEFAULT now(),
  seen_at timestamptz NOT NULL DEFAULT now(),  -- the last audit that found it
  healed_at timestamptz,                       -- the first that did not
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, source_id) REFERENCES source ON DELETE CASCADE
);
CREATE UNIQUE INDEX audit_finding_open
  ON audit_finding (tenant_id, source_id, coalesce(folder_id, '00000000-0000-0000-0000-000000000000'), kind) WHERE healed_at IS NULL;
CREATE INDEX audit_finding_source ON audit_finding (tenant_id, source_id, found_at);

-- Copies that no folder in scope shows any more, under the policy `removals: mirror`.
CREATE TABLE removal (
  tenant_id uuid NOT NULL,
  copy_id uuid NOT NULL,
  source_id uuid NOT NULL,
  state text NOT NULL CHECK (state IN ('waiting', 'asked', 'confirmed', 'kept')),
  noted_at timestamptz NOT NULL DEFAULT now(),
  due_at timestamptz NOT NULL,                 -- the end of the grace, or when it is looked for again
  PRIMARY KEY (copy_id, tenant_id),
  FOREIGN KEY (tenant_id, copy_id) REFERENCES copy (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX removal_source ON removal (source_id, state, due_at);
CREATE INDEX removal_due ON removal (due_at) WHERE state IN ('waiting', 'confirmed');

-- Which wish of a mailbox the removals were last compared under; and what a person was asked about them.
CREATE TABLE mirroring (
  tenant_id uuid NOT NULL,
  source_id uuid NOT NULL,
  generation integer NOT NULL,
  asked_at timestamptz,
  asked_count bigint,
  asked_of bigint,
  PRIMARY KEY (tenant_id, source_id),
  FOREIGN KEY (tenant_id, source_id) REFERENCES source ON DELETE CASCADE
);

-- Links by hand, and links taken away by hand, of messages that were removed: they come back with the message.
CREATE TABLE removed_link (
  tenant_id uuid NOT NULL,
  source_id uuid NOT NULL,
  message_key bytea NOT NULL,
  record_id uuid NOT NULL,
  state text NOT NULL,
  reasons jsonb NOT NULL,                      -- [{kind, key, actor, record_version}]
  removed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (message_key, record_id, source_id, tenant_id)
);
CREATE INDEX removed_link_source ON removed_link (source_id, removed_at);

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['audit_finding', 'removal', 'mirroring', 'removed_link']
  LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant ON %I TO letterbook_app USING (tenant_id = (SELECT current_tenant())) WITH CHECK (tenant_id = (SELECT current_tenant()))', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO letterbook_app', t);
  END LOOP;
END $$;

-- The reconciler reminds mailboxes whose removals are overdue.
CREATE POLICY system_reads ON removal FOR SELECT TO letterbook_system USING (true);
GRANT SELECT ON removal TO letterbook_system;

-- migrate:down

-- migrate:up

-- The moment from which a mailbox has been wished to run: what was not so before is not held against it.
ALTER TABLE source ADD COLUMN running_since timestamptz NOT NULL DEFAULT now();

-- How fast an import has been, over restarts (domain/progress.ts); never shown.
ALTER TABLE operation ADD COLUMN track jsonb;

-- What became of a mailbox, since when and why. One row a change, written in the transaction that makes it.
CREATE TABLE mailbox_event (
  tenant_id uuid NOT NULL,
  source_id uuid NOT NULL,
  at timestamptz NOT NULL,                     -- whole milliseconds, rising within a source
  id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('state', 'flag', 'wish', 'policy', 'access', 'people')),
  from_state text,                             -- of a mailbox for 'state', what was wished for 'wish', the flag that went for 'flag'
  to_state text,                               -- likewise; the flag that came for 'flag'
  reason text,                                 -- a code, never a server's words
  until timestamptz,
  last_error jsonb,                            -- {kind, code, operation}
  actor text NOT NULL,                         -- 'system', or the public id of a user or key
  times integer NOT NULL DEFAULT 1,            -- how many changes the row stands for: older ones of a mailbox that goes to and fro are folded
  first_at timestamptz NOT NULL,               -- the first of them
  PRIMARY KEY (tenant_id, source_id, at, id),
  FOREIGN KEY (tenant_id, source_id) REFERENCES source ON DELETE CASCADE
);

-- What a person is told of a mailbox, once a spell. One row a spell and person.
CREATE TABLE notice (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  user_id uuid,                                -- null: the tenant has nobody who could be told
  source_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('needs-password', 'no-success', 'not-complete')),
  raised_at timestamptz NOT NULL DEFAULT now(),
  cleared_at timestamptz,                      -- it is well again
  read_at timestamptz,                         -- taken back when it is well again: that is news too
  ids jsonb NOT NULL DEFAULT '{}',
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, source_id) REFERENCES source ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, user_id) REFERENCES app_user ON DELETE CASCADE
);
CREATE UNIQUE INDEX notice_open ON notice (tenant_id, source_id, kind, coalesce(user_id, '00000000-0000-0000-0000-000000000000'))
  WHERE cleared_at IS NULL;
CREATE INDEX notice_source ON notice (tenant_id, source_id);
CREATE INDEX notice_user ON notice (tenant_id, user_id, id);

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['mailbox_event', 'notice']
  LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant ON %I TO letterbook_app USING (tenant_id = (SELECT current_tenant())) WITH CHECK (tenant_id = (SELECT current_tenant()))', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO letterbook_app', t);
  END LOOP;
END $$;

-- The check of all mailboxes each minute: for which of them is something to be said, or to be taken back.
CREATE POLICY system_reads ON notice FOR SELECT TO letterbook_system USING (true);
GRANT SELECT ON notice TO letterbook_system;

-- What is known of mailboxes that were connected before.
INSERT INTO mailbox_event (tenant_id, source_id, at, id, kind, to_state, reason, until, actor, first_at)
SELECT tenant_id, source_id, date_trunc('milliseconds', state_since), gen_random_uuid(), 'state', state, state_reason, state_until, 'system',
  date_trunc('milliseconds', state_since)
FROM mailbox;

-- migrate:down

-- migrate:up

-- Which mailboxes are watched, by whom and how. The idle workers write it in bulk; a mailbox that nobody has vouched for lately is looked
-- at by the clock instead.
CREATE TABLE mailbox_watch (
  tenant_id uuid NOT NULL,
  source_id uuid NOT NULL,
  shard smallint NOT NULL,
  mode text NOT NULL CHECK (mode IN ('notify', 'idle', 'sweep', 'lost', 'refused')),
  worker text NOT NULL,
  since timestamptz NOT NULL,                  -- when this mode began
  watched_at timestamptz,                      -- when it was last vouched for; null: never
  lost_reason text,                            -- the code of a failure, never a server's words
  PRIMARY KEY (tenant_id, source_id),
  FOREIGN KEY (tenant_id, source_id) REFERENCES source ON DELETE CASCADE
) WITH (fillfactor = 60);                      -- watched_at changes all the time: room for the new version on the same page
CREATE INDEX mailbox_watch_source ON mailbox_watch (source_id);

-- Who is there to watch; each takes its share of the shards from this list.
CREATE TABLE idle_worker (
  worker text PRIMARY KEY,
  started_at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL,
  shards smallint NOT NULL                     -- how many it holds
);

-- When the next connection to a host may be made, over all workers.
CREATE TABLE host_pace (
  host text PRIMARY KEY,
  next_at timestamptz NOT NULL
);

-- The mailboxes of a shard: the last digit of a version 7 UUID is random (domain/shard.ts).
CREATE INDEX source_shard ON source ((right(id::text, 1)))
  WHERE kind = 'mailbox' AND deleted_at IS NULL AND desired_state = 'running';

ALTER TABLE mailbox_watch ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON mailbox_watch TO letterbook_app
  USING (tenant_id = (SELECT current_tenant())) WITH CHECK (tenant_id = (SELECT current_tenant()));
GRANT SELECT, INSERT, UPDATE, DELETE ON mailbox_watch TO letterbook_app;

-- Shards cross tenants: one statement writes the mailboxes of all of them.
CREATE POLICY system_writes ON mailbox_watch TO letterbook_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON mailbox_watch TO letterbook_system;

-- No tenant's, and nothing for the application.
ALTER TABLE idle_worker ENABLE ROW LEVEL SECURITY;
CREATE POLICY system_writes ON idle_worker TO letterbook_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON idle_worker TO letterbook_system;
ALTER TABLE host_pace ENABLE ROW LEVEL SECURITY;
CREATE POLICY system_writes ON host_pace TO letterbook_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON host_pace TO letterbook_system;

-- migrate:down

-- migrate:up

-- What support does about mail that could not be read, and what becomes of it.
ALTER TABLE failure
  ADD COLUMN accepted_at timestamptz,          -- a person has said that it may stay as it is
  ADD COLUMN accepted_by text,
  ADD COLUMN accepted_reason text,
  ADD COLUMN replayed_at timestamptz,          -- read after all
  ADD COLUMN next_try_at timestamptz,          -- when the server is asked for it again; null: not by itself
  ADD COLUMN provider_id text,                 -- what the server told of it, for when it is read
  ADD COLUMN provider_thread_id text;
CREATE INDEX failure_due ON failure (next_try_at) WHERE next_try_at IS NOT NULL;

-- A job can be held, and called off.
ALTER TABLE operation DROP CONSTRAINT operation_state_check;
ALTER TABLE operation ADD CONSTRAINT operation_state_check
  CHECK (state IN ('waiting', 'running', 'paused', 'done', 'failed', 'superseded', 'cancelled'));

-- What a replay works on, and what became of each: its plan, and its report.
CREATE TABLE replay_item (
  tenant_id uuid NOT NULL,
  operation_id uuid NOT NULL,
  gen_id bigint NOT NULL,
  uid bigint NOT NULL,
  source_id uuid NOT NULL,
  failure_id uuid,                             -- null: a message of which only the header was fetched
  tries smallint NOT NULL DEFAULT 0,           -- counted before each try: what ends its worker is tried alone, and then no more
  outcome text,                                -- domain/replay.ts; null: not looked at yet
  reason text,
  done_at timestamptz,
  PRIMARY KEY (operation_id, gen_id, uid),
  FOREIGN KEY (tenant_id, operation_id) REFERENCES operation ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, source_id) REFERENCES source ON DELETE CASCADE
);
CREATE INDEX replay_item_open ON replay_item (operation_id, source_id, tries, gen_id DESC, uid DESC) WHERE outcome IS NULL;
CREATE INDEX replay_item_source ON replay_item (source_id);
CREATE INDEX replay_item_placement ON replay_item (gen_id, uid);

ALTER TABLE replay_item ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON replay_item TO letterbook_app
  USING (tenant_id = (SELECT current_tenant())) WITH CHECK (tenant_id = (SELECT current_tenant()));
GRANT SELECT, INSERT, UPDATE, DELETE ON replay_item TO letterbook_app;

-- migrate:down

-- migrate:up

-- Left-out messages that resemble one that goes, and were fetched to tell the two apart: what was found, so that nobody fetches them a second
-- time, and the tries of those that were not told yet. Hashes only. A row is of no use any more when its message has a copy.
CREATE TABLE told_apart (
  gen_id bigint NOT NULL,
  uid bigint NOT NULL,
  tenant_id uuid NOT NULL,
  source_id uuid NOT NULL,
  tries smallint NOT NULL DEFAULT 0,           -- counted before each try, so that what ends the connection comes last
  parser_version integer,                      -- null: not told yet
  is_whole boolean,                            -- else only its header was fetched
  raw_sha bytea,
  message_key bytea,                           -- null: it cannot be read, and may be any
  message_id_hash bytea,
  noted_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (gen_id, uid),
  FOREIGN KEY (tenant_id, source_id) REFERENCES source ON DELETE CASCADE
);
CREATE INDEX told_apart_source ON told_apart (source_id);

ALTER TABLE told_apart ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON told_apart TO letterbook_app
  USING (tenant_id = (SELECT current_tenant())) WITH CHECK (tenant_id = (SELECT current_tenant()));
GRANT SELECT, INSERT, UPDATE, DELETE ON told_apart TO letterbook_app;

-- migrate:down

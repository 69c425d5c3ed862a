-- migrate:up

-- Messages that are to be read again, or were, because a newer parser reads them otherwise: the plan of a job, and its report. Ids and names only.
-- Copies that are read as they stand have no row.
CREATE TABLE reprocess_difference (
  tenant_id uuid NOT NULL,
  operation_id uuid NOT NULL,
  copy_id uuid NOT NULL,                       -- no foreign key: the report outlives the mail
  message_id uuid NOT NULL,
  source_id uuid NOT NULL,
  fields text[] NOT NULL,                      -- domain/reprocess.ts: what differs; empty where it cannot be read any more
  tries smallint NOT NULL DEFAULT 0,           -- counted before each try, as with replay_item
  outcome text,                                -- domain/reprocess.ts; null: it differs, and is as it was
  reason text,
  done_at timestamptz,
  PRIMARY KEY (operation_id, copy_id),
  FOREIGN KEY (tenant_id, operation_id) REFERENCES operation ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, source_id) REFERENCES source ON DELETE CASCADE
);
CREATE INDEX reprocess_difference_open ON reprocess_difference (operation_id, source_id, tries, copy_id) WHERE outcome IS NULL;
CREATE INDEX reprocess_difference_source ON reprocess_difference (source_id);
CREATE INDEX reprocess_difference_message ON reprocess_difference (message_id);
CREATE INDEX reprocess_difference_copy ON reprocess_difference (copy_id);

ALTER TABLE reprocess_difference ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON reprocess_difference TO letterbook_app
  USING (tenant_id = (SELECT current_tenant())) WITH CHECK (tenant_id = (SELECT current_tenant()));
GRANT SELECT, INSERT, UPDATE, DELETE ON reprocess_difference TO letterbook_app;

-- migrate:down

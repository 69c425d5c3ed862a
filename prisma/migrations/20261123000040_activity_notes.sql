-- migrate:up

-- What is left of an activity whose message went with its mailbox, or with its removal on the server, where the policy of the mailbox keeps notes
-- (activityOnDelete): that there was something, and nothing of what. A note has no source, no message, no address and no words.
CREATE TABLE activity_note (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,                            -- that of the activity
  type text NOT NULL,
  status text NOT NULL,
  owner_user_id uuid,
  sort_at timestamptz NOT NULL,                -- the date of the message
  direction text NOT NULL CHECK (direction IN ('incoming', 'outgoing', 'internal')),
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id, tenant_id)
);
CREATE INDEX activity_note_owner ON activity_note (owner_user_id) WHERE owner_user_id IS NOT NULL;

-- The records that it belongs to: at least one, for it is read there.
CREATE TABLE activity_note_record (
  tenant_id uuid NOT NULL,
  record_id uuid NOT NULL,
  sort_at timestamptz NOT NULL,
  note_id uuid NOT NULL,
  takes_part boolean NOT NULL,                 -- an address of the record stood in the mail; else it was only filed there
  is_open boolean NOT NULL,                    -- whoever might see the record might know of the mail; else only its owner, and keys of the company
  PRIMARY KEY (record_id, tenant_id, sort_at, note_id),
  FOREIGN KEY (note_id, tenant_id) REFERENCES activity_note ON DELETE CASCADE
);
CREATE INDEX activity_note_record_note ON activity_note_record (note_id);

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['activity_note', 'activity_note_record']
  LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant ON %I TO letterbook_app USING (tenant_id = (SELECT current_tenant())) WITH CHECK (tenant_id = (SELECT current_tenant()))', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO letterbook_app', t);
  END LOOP;
END $$;

-- How many activities a deletion has kept as notes.
ALTER TABLE deletion ADD COLUMN notes bigint NOT NULL DEFAULT 0;

UPDATE source SET policy = policy || '{"activityOnDelete": "remove"}';

-- migrate:down
ALTER TABLE deletion DROP COLUMN notes;
DROP TABLE activity_note_record;
DROP TABLE activity_note;

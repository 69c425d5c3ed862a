-- migrate:up

-- What was erased, for good. A restore brings back an older state of the database, and what was erased since must be erased again: this
-- journal is also written to a file outside the database (src/db/erasures). It holds nothing that says whose data it was.
-- The application may add rows, and neither change nor delete them. `id` is the deletion's that carries it out; nothing refers to what is gone.
CREATE TABLE erasure (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('mailbox', 'record', 'user', 'person', 'tenant')),
  target_id uuid,                              -- null for a person, who has no row
  address_hashes text[] NOT NULL DEFAULT '{}', -- of a person: hexadecimal HMAC-SHA-256 of each normalised address, under a key of the secret box
  actor text NOT NULL,                         -- 'system', or the public id of a user or key
  at timestamptz NOT NULL,                     -- mail that a mail server got before is not taken in again
  replayed_at timestamptz,                     -- null: erased here first; else when a restored database caught up with it
  PRIMARY KEY (tenant_id, id),
  CHECK ((kind = 'person') = (cardinality(address_hashes) > 0))
);
CREATE INDEX erasure_person ON erasure (tenant_id) WHERE kind = 'person';

ALTER TABLE erasure ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON erasure TO letterbook_app
  USING (tenant_id = (SELECT current_tenant())) WITH CHECK (tenant_id = (SELECT current_tenant()));
GRANT SELECT, INSERT ON erasure TO letterbook_app;

-- The journal and its file are compared for all tenants at once.
CREATE POLICY system_reads ON erasure FOR SELECT TO letterbook_system USING (true);
GRANT SELECT ON erasure TO letterbook_system;

-- A deletion is of a mailbox, or of something else; `target_id` is what it deletes. That of a person has itself for a target.
ALTER TABLE deletion ADD COLUMN kind text NOT NULL DEFAULT 'mailbox' CHECK (kind IN ('mailbox', 'record', 'user', 'person', 'tenant'));
ALTER TABLE deletion ADD COLUMN actor text NOT NULL DEFAULT 'system';

-- The addresses of a person, for as long as their erasure is under way.
CREATE TABLE deletion_address (
  tenant_id uuid NOT NULL,
  deletion_id uuid NOT NULL,
  address_key text NOT NULL,
  PRIMARY KEY (tenant_id, deletion_id, address_key),
  FOREIGN KEY (tenant_id, deletion_id) REFERENCES deletion ON DELETE CASCADE
);
ALTER TABLE deletion_address ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON deletion_address TO letterbook_app
  USING (tenant_id = (SELECT current_tenant())) WITH CHECK (tenant_id = (SELECT current_tenant()));
GRANT SELECT, INSERT, UPDATE, DELETE ON deletion_address TO letterbook_app;

-- migrate:down

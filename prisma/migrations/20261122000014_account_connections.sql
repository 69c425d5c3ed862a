-- migrate:up

-- Which connections to an account of a mail server the workers have, all together: a row is one connection, and there are no more slots than
-- may be open at once. It holds for as long as its holder is heard of, so nothing has to be renewed but one row for each worker.
-- No foreign key to the source: each insert would lock the source's row, and so wait for the batch that is being written.
CREATE TABLE account_connection (
  account bytea NOT NULL,                      -- SHA-256 of provider (or host) and user name: two mailboxes can be one account
  slot smallint NOT NULL,
  lease uuid NOT NULL,
  tenant_id uuid NOT NULL,
  source_id uuid NOT NULL,
  purpose text NOT NULL CHECK (purpose IN ('watch', 'sync', 'import', 'audit', 'second-look')),
  holder uuid NOT NULL,
  taken_at timestamptz NOT NULL,
  wanted_at timestamptz,                       -- when somebody else last found no slot free
  PRIMARY KEY (account, slot)
);
CREATE INDEX account_connection_source ON account_connection (source_id);
CREATE INDEX account_connection_holder ON account_connection (holder);

-- Who holds connections, and when it was last heard of; one that is not heard of has lost them.
CREATE TABLE connection_holder (
  holder uuid PRIMARY KEY,
  seen_at timestamptz NOT NULL
);

ALTER TABLE account_connection ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON account_connection TO letterbook_app
  USING (tenant_id = (SELECT current_tenant())) WITH CHECK (tenant_id = (SELECT current_tenant()));
GRANT SELECT, INSERT, UPDATE, DELETE ON account_connection TO letterbook_app;

-- An account can be connected by two tenants, and its server counts both.
CREATE POLICY system_writes ON account_connection TO letterbook_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON account_connection TO letterbook_system;

-- No tenant's, and nothing for the application.
ALTER TABLE connection_holder ENABLE ROW LEVEL SECURITY;
CREATE POLICY system_writes ON connection_holder TO letterbook_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON connection_holder TO letterbook_system;

-- migrate:down

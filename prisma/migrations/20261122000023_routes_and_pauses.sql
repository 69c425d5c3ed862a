-- migrate:up

-- The listing alone does not show all of this folder: its history is looked for in other ways too.
ALTER TABLE folder_generation ADD COLUMN in_parts boolean NOT NULL DEFAULT false;
-- Up to this UID audits have compared who the messages are; 0: they begin anew.
ALTER TABLE folder_generation ADD COLUMN identity_uid bigint NOT NULL DEFAULT 0;

ALTER TABLE folder_audit ADD COLUMN identities_compared bigint NOT NULL DEFAULT 0;
ALTER TABLE folder_audit ADD COLUMN identities_whole_at timestamptz;  -- when the last message of the folder had its turn

-- Servers that have said that they are too busy for everybody: nobody asks them anything until then. A server is host and port, so that
-- nobody can stop the mail of others by a server of his own on another port of their host.
CREATE TABLE host_pause (
  host text NOT NULL,
  port integer NOT NULL,
  by text NOT NULL,  -- the id of a tenant whose organisation has had its share there, or 'everybody'
  until timestamptz NOT NULL,
  PRIMARY KEY (host, port, by)
);

-- No tenant's, and nothing for the application.
ALTER TABLE host_pause ENABLE ROW LEVEL SECURITY;
CREATE POLICY system_writes ON host_pause TO letterbook_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON host_pause TO letterbook_system;

-- migrate:down
DROP TABLE host_pause;
ALTER TABLE folder_audit DROP COLUMN identities_whole_at;
ALTER TABLE folder_audit DROP COLUMN identities_compared;
ALTER TABLE folder_generation DROP COLUMN identity_uid;
ALTER TABLE folder_generation DROP COLUMN in_parts;

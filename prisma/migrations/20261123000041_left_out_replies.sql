-- migrate:up

-- What mail that was left out as unmatched answers: hashes of message ids alone, and only of what was not linked to a record yet. When that comes,
-- or is linked, the mail is fetched again (product promise C7). Only sources with `unmatched: drop` have rows.
CREATE TABLE left_out_reply (
  source_id uuid NOT NULL,
  gen_id bigint NOT NULL,
  uid bigint NOT NULL,
  tenant_id uuid NOT NULL,
  refs bytea[] NOT NULL,                        -- SHA-256 of message ids
  PRIMARY KEY (source_id, gen_id, uid),
  FOREIGN KEY (tenant_id, source_id) REFERENCES source ON DELETE CASCADE
);

-- How far a source has looked through its rows, where they are more than it looks at in a round.
CREATE TABLE left_out_look (
  source_id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  gen_id bigint NOT NULL,
  uid bigint NOT NULL,
  FOREIGN KEY (tenant_id, source_id) REFERENCES source ON DELETE CASCADE
);

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['left_out_reply', 'left_out_look']
  LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant ON %I TO letterbook_app USING (tenant_id = (SELECT current_tenant())) WITH CHECK (tenant_id = (SELECT current_tenant()))', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO letterbook_app', t);
  END LOOP;
END $$;

-- migrate:down

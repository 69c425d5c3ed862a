-- migrate:up

-- A CRM that Letterbook reads records from and tells of links: how it is reached, and how far the two are with each other.
CREATE TABLE connector (
  tenant_id uuid NOT NULL REFERENCES tenant,
  id uuid NOT NULL,
  kind text NOT NULL,                          -- a folder of src/crm
  name text NOT NULL,
  settings jsonb NOT NULL,                     -- as the kind reads them: addresses, mapping, times; no secret
  secret bytea NOT NULL,                       -- AES-256-GCM of what it signs and logs in with
  secret_key_id text NOT NULL,
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused')),
  pushes boolean NOT NULL,                     -- whether it is told of links and activities
  version integer NOT NULL DEFAULT 1,          -- of what a person can change
  pull_cursor text,                            -- the CRM's own
  pulled_at timestamptz,                       -- when the last page came that had nothing after it
  pull_due_at timestamptz NOT NULL DEFAULT now(),
  pushed_at timestamptz,
  failed_tries integer NOT NULL DEFAULT 0,
  retry_at timestamptz,                        -- not to be asked before
  last_error jsonb,                            -- {kind, code, status, operation, at}; never a server's words
  refused bigint NOT NULL DEFAULT 0,           -- records of the CRM that could not be taken over, since the first page
  last_refused jsonb NOT NULL DEFAULT '[]',    -- the newest of them: {externalId, reasons}
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id)
);

-- What a CRM is still to be told, once for each link and activity: what is told is how it is then, and `seq` says in which order.
-- The ids stand in one column, because a row here belongs to its connector and outlives what it speaks of.
CREATE SEQUENCE connector_change_seq;
GRANT USAGE ON SEQUENCE connector_change_seq TO letterbook_app;
CREATE TABLE connector_change (
  tenant_id uuid NOT NULL,
  connector_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('link', 'activity')),
  about uuid NOT NULL,
  seq bigint NOT NULL DEFAULT nextval('connector_change_seq'),
  ids jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, connector_id, kind, about),
  FOREIGN KEY (tenant_id, connector_id) REFERENCES connector ON DELETE CASCADE
);
CREATE INDEX connector_change_next ON connector_change (connector_id, seq);

-- Links are made and taken away in many places, and by people, rules and deletions. Here none of them can forget to tell; one look at an
-- empty table is all that it costs a tenant without a connector.
CREATE FUNCTION note_links_for_connectors() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM public.connector c WHERE c.tenant_id = (SELECT public.current_tenant()) AND c.pushes) THEN RETURN NULL; END IF;
  INSERT INTO public.connector_change AS known (tenant_id, connector_id, kind, about, ids)
  SELECT w.tenant_id, c.id, 'link', w.id,
    jsonb_build_object('messageId', w.message_id, 'recordId', w.record_id, 'type', r.type, 'externalId', r.external_id)
  FROM changed w
  JOIN public.record r ON r.tenant_id = w.tenant_id AND r.id = w.record_id AND r.connector <> 'built-in'
  JOIN public.connector c ON c.tenant_id = w.tenant_id AND c.id::text = r.connector AND c.pushes
  ORDER BY w.id
  ON CONFLICT (tenant_id, connector_id, kind, about) DO UPDATE SET seq = excluded.seq, ids = excluded.ids;
  RETURN NULL;
END $$;
CREATE TRIGGER link_made AFTER INSERT ON link REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION note_links_for_connectors();
CREATE TRIGGER link_changed AFTER UPDATE ON link REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION note_links_for_connectors();
CREATE TRIGGER link_ended AFTER DELETE ON link REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION note_links_for_connectors();

-- The same for activities: one for each message, so it is known by its message. They are told by their parties, among which are the records.
CREATE FUNCTION note_activities_for_connectors() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM public.connector c WHERE c.tenant_id = (SELECT public.current_tenant()) AND c.pushes) THEN RETURN NULL; END IF;
  INSERT INTO public.connector_change AS known (tenant_id, connector_id, kind, about, ids)
  SELECT DISTINCT p.tenant_id, c.id, 'activity', p.message_id, '{}'::jsonb
  FROM (
    SELECT w.tenant_id, w.message_id, (to_jsonb(w) ->> 'record_id')::uuid AS record_id FROM changed w WHERE TG_TABLE_NAME = 'activity_party'
    UNION ALL
    SELECT q.tenant_id, q.message_id, q.record_id FROM changed w
    JOIN public.activity_party q ON q.tenant_id = w.tenant_id AND q.message_id = w.message_id WHERE TG_TABLE_NAME = 'activity'
  ) p
  JOIN public.record r ON r.tenant_id = p.tenant_id AND r.id = p.record_id AND r.connector <> 'built-in'
  JOIN public.connector c ON c.tenant_id = p.tenant_id AND c.id::text = r.connector AND c.pushes
  ORDER BY p.message_id
  ON CONFLICT (tenant_id, connector_id, kind, about) DO UPDATE SET seq = excluded.seq;
  RETURN NULL;
END $$;
CREATE TRIGGER party_made AFTER INSERT ON activity_party REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION note_activities_for_connectors();
CREATE TRIGGER party_changed AFTER UPDATE ON activity_party REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION note_activities_for_connectors();
CREATE TRIGGER party_ended AFTER DELETE ON activity_party REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION note_activities_for_connectors();
CREATE TRIGGER activity_changed AFTER UPDATE ON activity REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION note_activities_for_connectors();

-- Whose address is of the same domain, and who has that name: columns, because under a policy Postgres uses no index on an expression.
ALTER TABLE record_address ADD COLUMN domain text GENERATED ALWAYS AS (substring(address_key FROM '[^@]*$')) STORED;
CREATE INDEX record_address_domain ON record_address (domain, tenant_id);
ALTER TABLE record ADD COLUMN name_key text GENERATED ALWAYS AS (lower(name)) STORED;
CREATE INDEX record_name ON record (tenant_id, name_key) WHERE deleted_at IS NULL;

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['connector', 'connector_change']
  LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant ON %I TO letterbook_app USING (tenant_id = (SELECT current_tenant())) WITH CHECK (tenant_id = (SELECT current_tenant()))', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO letterbook_app', t);
    -- The reconciler wakes connectors that have something to do.
    EXECUTE format('CREATE POLICY system_reads ON %I FOR SELECT TO letterbook_system USING (true)', t);
  END LOOP;
END $$;
GRANT SELECT (tenant_id, id, state, pull_due_at, retry_at) ON connector TO letterbook_system;
GRANT SELECT (tenant_id, connector_id) ON connector_change TO letterbook_system;

-- migrate:down

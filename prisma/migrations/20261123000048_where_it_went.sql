-- migrate:up

-- Messages that were known by their header alone and were found to be another: whoever asks for one is shown to the message that stays, with which
-- the row goes.
CREATE TABLE message_join (
  tenant_id uuid NOT NULL,
  joined_id uuid NOT NULL,                     -- the message that is no more
  message_id uuid NOT NULL,                    -- the one that it is a part of; never one that was joined itself
  PRIMARY KEY (joined_id, tenant_id)
);
CREATE INDEX message_join_message ON message_join (message_id);

-- Under which id a CRM knows what became a note: a note says nothing of its message, and the CRM has one row for each id that it was told.
CREATE TABLE connector_note (
  tenant_id uuid NOT NULL,
  connector_id uuid NOT NULL,
  about uuid NOT NULL,                         -- as in connector_change
  note_id uuid NOT NULL,
  PRIMARY KEY (connector_id, about, tenant_id),
  FOREIGN KEY (tenant_id, connector_id) REFERENCES connector ON DELETE CASCADE
);
CREATE INDEX connector_note_note ON connector_note (note_id);

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['message_join', 'connector_note']
  LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant ON %I TO letterbook_app USING (tenant_id = (SELECT current_tenant())) WITH CHECK (tenant_id = (SELECT current_tenant()))', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO letterbook_app', t);
  END LOOP;
END $$;

-- A note that goes, gets another owner, or leaves a record is told again, as activities are (0033).
CREATE FUNCTION note_notes_for_connectors() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM public.connector c WHERE c.tenant_id = (SELECT public.current_tenant())) THEN RETURN NULL; END IF;
  INSERT INTO public.connector_change AS known (tenant_id, connector_id, kind, about, ids)
  SELECT DISTINCT k.tenant_id, k.connector_id, 'activity', k.about, '{}'::jsonb
  FROM changed w
  JOIN public.connector_note k ON k.note_id = coalesce(to_jsonb(w) ->> 'note_id', to_jsonb(w) ->> 'id')::uuid AND k.tenant_id = w.tenant_id
  JOIN public.connector c ON c.tenant_id = k.tenant_id AND c.id = k.connector_id AND c.pushes
  ORDER BY k.about
  ON CONFLICT (tenant_id, connector_id, kind, about) DO UPDATE SET seq = excluded.seq;
  IF TG_TABLE_NAME = 'activity_note' AND TG_OP = 'DELETE' THEN
    DELETE FROM public.connector_note k USING changed w WHERE k.note_id = (to_jsonb(w) ->> 'id')::uuid AND k.tenant_id = w.tenant_id;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER note_changed AFTER UPDATE ON activity_note REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION note_notes_for_connectors();
CREATE TRIGGER note_ended AFTER DELETE ON activity_note REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION note_notes_for_connectors();
CREATE TRIGGER note_left_record AFTER DELETE ON activity_note_record REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION note_notes_for_connectors();

-- migrate:down
DROP TRIGGER note_left_record ON activity_note_record;
DROP TRIGGER note_ended ON activity_note;
DROP TRIGGER note_changed ON activity_note;
DROP FUNCTION note_notes_for_connectors;
DROP TABLE connector_note;
DROP TABLE message_join;

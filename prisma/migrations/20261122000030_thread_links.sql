-- migrate:up

-- What a message refers to, as the first six bytes of the SHA-256 of each message id: the nearest ones, and the one that began the thread. It
-- says which messages of a thread answer which, so it need only tell messages of one thread apart.
ALTER TABLE message ADD COLUMN refs bigint[] NOT NULL DEFAULT '{}';

CREATE FUNCTION ref_number(hash bytea) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT ('x' || encode(substr(hash, 1, 6), 'hex'))::bit(48)::bigint $$;

-- Whether a message that refers to another was written by somebody who belongs to it: a user, or its sender or a recipient that it shows. Everybody
-- can write a reference; who was in it can answer it.
CREATE FUNCTION answers(reply uuid, original uuid) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT coalesce(bool_and(
    EXISTS (SELECT FROM user_address u WHERE u.tenant_id = (SELECT current_tenant()) AND u.address_key = w.address_key)
    OR EXISTS (
      SELECT FROM copy c CROSS JOIN LATERAL (
        SELECT FROM copy_address a WHERE a.tenant_id = c.tenant_id AND a.copy_id = c.id AND a.address_key = w.address_key
          AND a.role IN ('from', 'sender', 'reply-to', 'to', 'cc') OFFSET 0) a
      WHERE c.tenant_id = (SELECT current_tenant()) AND c.message_id = original)), false)
  FROM (
    SELECT DISTINCT a.address_key FROM copy c CROSS JOIN LATERAL (
      SELECT address_key FROM copy_address WHERE tenant_id = c.tenant_id AND copy_id = c.id AND role = 'from' OFFSET 0) a
    WHERE c.tenant_id = (SELECT current_tenant()) AND c.message_id = reply) w
$$;

-- A thread that a person has linked to a record, or taken away from it. Its thread may have become a part of another since: thread.merged_into
-- says so. It goes with its thread, and with its record.
CREATE TABLE thread_link (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  thread_id uuid NOT NULL,
  record_id uuid NOT NULL,
  mode text NOT NULL CHECK (mode IN ('snapshot', 'follow')),
  state text NOT NULL CHECK (state IN ('active', 'unlinked')),
  actor text NOT NULL,
  note text,                                    -- why, in that person's words
  created_at timestamptz NOT NULL DEFAULT now(),
  changed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id, tenant_id),
  FOREIGN KEY (tenant_id, record_id) REFERENCES record ON DELETE CASCADE
);
CREATE INDEX thread_link_thread ON thread_link (tenant_id, thread_id);
CREATE INDEX thread_link_record ON thread_link (record_id);

-- What an operation on links has to do and has done, message by message, and what was there before: it goes on from it, and is undone by it.
CREATE TABLE link_change (
  tenant_id uuid NOT NULL,
  operation_id uuid NOT NULL,
  message_id uuid NOT NULL,
  record_id uuid NOT NULL,
  done_at timestamptz,                          -- null: still to be done
  before jsonb,                                 -- {state, reasons} of the link; null where there was none
  PRIMARY KEY (operation_id, message_id, record_id, tenant_id)
);
CREATE INDEX link_change_message ON link_change (message_id, record_id);
CREATE INDEX link_change_record ON link_change (record_id);

-- Which replies have their links from a message.
CREATE INDEX link_reason_origin ON link_reason (key) WHERE kind = 'thread';

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['thread_link', 'link_change']
  LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant ON %I TO letterbook_app USING (tenant_id = (SELECT current_tenant())) WITH CHECK (tenant_id = (SELECT current_tenant()))', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO letterbook_app', t);
  END LOOP;
END $$;

-- migrate:down

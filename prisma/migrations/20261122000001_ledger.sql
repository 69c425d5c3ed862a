-- migrate:up

-- The application logs in as a member of this role: it owns nothing and passes every row-level policy.
-- The system role reads across tenants, through policies on just the tables that need it.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'letterbook_app') THEN CREATE ROLE letterbook_app NOLOGIN; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'letterbook_system') THEN CREATE ROLE letterbook_system NOLOGIN; END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; -- roles belong to the cluster: another database made them at the same moment
END $$;

CREATE FUNCTION current_tenant() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT nullif(current_setting('letterbook.tenant', true), '')::uuid $$;

-- Tenants, users, keys -------------------------------------------------------------------------------------

CREATE TABLE tenant (
  tenant_id uuid PRIMARY KEY,
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE app_user (
  tenant_id uuid NOT NULL REFERENCES tenant,
  id uuid NOT NULL,
  principal integer NOT NULL CHECK (principal > 0), -- the user's number in timeline.principal
  role text NOT NULL CHECK (role IN ('admin', 'manager', 'member')),
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, principal)
);

CREATE TABLE user_address (
  tenant_id uuid NOT NULL,
  address_key text NOT NULL,
  user_id uuid NOT NULL,
  PRIMARY KEY (tenant_id, address_key),
  FOREIGN KEY (tenant_id, user_id) REFERENCES app_user ON DELETE CASCADE
);

CREATE TABLE api_key (
  key_hash bytea PRIMARY KEY, -- SHA-256 of the key; the key itself is nowhere
  tenant_id uuid NOT NULL REFERENCES tenant,
  id uuid NOT NULL,
  user_id uuid, -- null: the key stands for the tenant
  label text NOT NULL,
  scopes text[] NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  UNIQUE (tenant_id, id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES app_user ON DELETE CASCADE
);

-- Sources and mailboxes ------------------------------------------------------------------------------------

CREATE TABLE source (
  tenant_id uuid NOT NULL REFERENCES tenant,
  id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('mailbox', 'drop', 'file')),
  address text NOT NULL,
  address_key text NOT NULL,
  owner_user_id uuid,
  policy jsonb NOT NULL,
  desired_state text NOT NULL CHECK (desired_state IN ('running', 'paused', 'stopped')),
  epoch integer NOT NULL DEFAULT 1,            -- changes when the numbering of the outbox starts again
  generation integer NOT NULL DEFAULT 1,       -- changes with every wish; a write with an older one is refused
  applied_generation integer NOT NULL DEFAULT 0, -- the newest wish that the workflow has carried out
  next_seq bigint NOT NULL DEFAULT 1,          -- next number in the outbox
  started_at timestamptz NOT NULL DEFAULT now(), -- the moment that `start: now` means
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, owner_user_id) REFERENCES app_user
);
CREATE UNIQUE INDEX source_address ON source (tenant_id, kind, address_key) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX source_id ON source (id);

CREATE TABLE source_member (
  tenant_id uuid NOT NULL,
  source_id uuid NOT NULL,
  user_id uuid NOT NULL,
  PRIMARY KEY (tenant_id, source_id, user_id),
  FOREIGN KEY (tenant_id, source_id) REFERENCES source ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, user_id) REFERENCES app_user ON DELETE CASCADE
);

CREATE TABLE mailbox (
  tenant_id uuid NOT NULL,
  source_id uuid NOT NULL,
  display_name text,
  provider text NOT NULL DEFAULT 'other',
  imap jsonb NOT NULL,                         -- {host, port, security, allowInvalidCertificate?, ca?}
  smtp jsonb,
  auth_type text NOT NULL CHECK (auth_type IN ('password')),
  username text NOT NULL,
  secret bytea NOT NULL,                       -- AES-256-GCM: nonce, ciphertext, tag
  secret_key_id text NOT NULL,
  state text NOT NULL,
  state_reason text,                           -- a code of domain/mailbox-state.ts, never a server's words
  state_since timestamptz NOT NULL DEFAULT now(),
  state_until timestamptz,
  flags text[] NOT NULL DEFAULT '{}',
  last_error jsonb,                            -- {kind, code, operation, at}
  failed_rounds integer NOT NULL DEFAULT 0,
  last_message_at timestamptz,
  last_success_at timestamptz,
  last_proven_at timestamptz,
  PRIMARY KEY (tenant_id, source_id),
  FOREIGN KEY (tenant_id, source_id) REFERENCES source ON DELETE CASCADE
);

CREATE TABLE folder (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  source_id uuid NOT NULL,
  path text NOT NULL,
  role text,
  in_scope boolean NOT NULL,
  mailbox_object_id text,                      -- RFC 8474 MAILBOXID
  first_seen_at timestamptz NOT NULL DEFAULT now(),
  gone_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, source_id) REFERENCES source ON DELETE CASCADE
);
CREATE UNIQUE INDEX folder_path ON folder (tenant_id, source_id, path) WHERE gone_at IS NULL;

CREATE TABLE folder_generation (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id uuid NOT NULL,
  source_id uuid NOT NULL,
  folder_id uuid NOT NULL,
  uidvalidity numeric NOT NULL,                -- servers send more than 32 bits
  uidnext numeric,                             -- the cursor: what a round has proven to be in the ledger, or left to the import
  modseq numeric,
  exists_count bigint,
  history_below bigint NOT NULL DEFAULT 0,     -- UIDs below this one are the import's, until history_done_at
  history_total bigint NOT NULL DEFAULT 0,     -- how many the import has to fetch, known at the first listing
  history_done_at timestamptz,
  first_seen_at timestamptz NOT NULL DEFAULT now(),
  listed_at timestamptz,                       -- the last set difference of all UIDs
  flags_checked_at timestamptz,                -- the last reading of all flags, for servers without CONDSTORE
  audited_at timestamptz,
  proven_at timestamptz,
  retired_at timestamptz,
  UNIQUE (tenant_id, id),                      -- for foreign keys: they are not held by policies, so they must hold the tenant themselves
  FOREIGN KEY (tenant_id, folder_id) REFERENCES folder ON DELETE CASCADE
);
CREATE UNIQUE INDEX folder_generation_current ON folder_generation (tenant_id, folder_id) WHERE retired_at IS NULL;
CREATE INDEX folder_generation_source ON folder_generation (source_id);

-- Bytes ----------------------------------------------------------------------------------------------------

CREATE TABLE blob (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  sha256 bytea NOT NULL,                       -- of the bytes before compression
  size bigint NOT NULL,
  stored_size bigint NOT NULL,
  encoding smallint NOT NULL,                  -- 0 as they are, 1 brotli
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id, tenant_id)
);
CREATE INDEX blob_created ON blob (tenant_id, created_at);

-- COPY, the fastest way in, refuses tables with row-level security. So the application may only write here,
-- for its own tenant (the trigger), and reads and deletes through blob_bytes and delete_blobs, which apply the tenant.
CREATE TABLE blob_chunk (
  tenant_id uuid NOT NULL,
  blob_id uuid NOT NULL,
  n integer NOT NULL,
  bytes bytea NOT NULL,
  PRIMARY KEY (tenant_id, blob_id, n)
);
-- A row is a page at most, and lies in the table itself: out of line its bytes would be cut into rows of 2 kB with an index of their own.
-- They are compressed before they come here.
ALTER TABLE blob_chunk ALTER COLUMN bytes SET STORAGE PLAIN;

CREATE FUNCTION refuse_other_tenant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.tenant_id IS DISTINCT FROM current_tenant() THEN
    RAISE EXCEPTION 'row of another tenant' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER blob_chunk_tenant BEFORE INSERT ON blob_chunk FOR EACH ROW EXECUTE FUNCTION refuse_other_tenant();

CREATE VIEW blob_bytes WITH (security_barrier) AS
  SELECT tenant_id, blob_id, n, bytes FROM blob_chunk WHERE tenant_id = (SELECT current_tenant());

CREATE FUNCTION delete_blobs(blob_ids uuid[]) RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  WITH chunks AS (DELETE FROM public.blob_chunk WHERE tenant_id = public.current_tenant() AND blob_id = ANY (blob_ids)),
       blobs AS (DELETE FROM public.blob WHERE tenant_id = public.current_tenant() AND id = ANY (blob_ids) RETURNING 1)
  SELECT count(*) FROM blobs
$$;

-- Two things that an import of a young mailbox taught:
-- * Keys of the big tables begin with what is unique by itself (an id, a hash, an address), and the tenant comes after it: in tables
--   without statistics a planner takes an index that begins with the tenant for as good as any, and every look-up reads the whole tenant.
-- * Tables that are only ever written with their message or copy (subject, body, addresses, structure, pending, timeline) have no foreign key
--   to it: eighteen checks a message cost a fifth of the import. Who deletes a message or a copy deletes these with it, under the tenant's
--   lock, and the deletion counts what is left.

-- Threads, messages, copies --------------------------------------------------------------------------------

CREATE TABLE thread (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  merged_into uuid,
  PRIMARY KEY (id, tenant_id)
);

CREATE TABLE thread_ref (
  tenant_id uuid NOT NULL,
  ref_hash bytea NOT NULL,                     -- SHA-256 of a Message-ID; for a provider's thread id, of source and id
  thread_id uuid NOT NULL,
  PRIMARY KEY (ref_hash, tenant_id)
);
CREATE INDEX thread_ref_thread ON thread_ref (thread_id);

CREATE TABLE message (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  message_key bytea NOT NULL,                  -- domain/identity.ts
  message_id_hash bytea,                       -- SHA-256 of the Message-ID header
  message_id_header text,
  thread_id uuid NOT NULL,
  sort_at timestamptz NOT NULL,
  sent_at timestamptz,                         -- the Date header, where it can be read
  participants jsonb NOT NULL,                 -- {from, sender, replyTo, to, cc}: [{name, address}]; never Bcc
  marks text[] NOT NULL DEFAULT '{}',          -- auto-reply, bounce, mailing-list, invitation, ...
  has_attachments boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id, tenant_id),
  UNIQUE (message_key, tenant_id),
  FOREIGN KEY (tenant_id, thread_id) REFERENCES thread (tenant_id, id)
);
CREATE INDEX message_thread ON message (thread_id);
CREATE INDEX message_by_header ON message (message_id_hash);

CREATE TABLE message_subject (
  tenant_id uuid NOT NULL,
  message_id uuid NOT NULL,
  subject text NOT NULL,
  PRIMARY KEY (message_id, tenant_id)
);

CREATE TABLE message_body (
  tenant_id uuid NOT NULL,
  message_id uuid NOT NULL,
  preview text NOT NULL,                       -- first 200 characters, for lists
  text text NOT NULL,                          -- up to maxStoredTextCharacters; the raw bytes have the rest
  text_truncated boolean NOT NULL,
  PRIMARY KEY (message_id, tenant_id)
);


CREATE TABLE message_search (
  tenant_id uuid NOT NULL,
  message_id uuid NOT NULL,
  level smallint NOT NULL,                     -- what a reader must be allowed to see: 1 metadata, 2 subject, 3 full
  sort_at timestamptz NOT NULL,
  v tsvector NOT NULL,
  PRIMARY KEY (message_id, level, tenant_id),
  FOREIGN KEY (tenant_id, message_id) REFERENCES message (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX message_search_v ON message_search USING gin (v);

CREATE TABLE search_pending (                  -- messages whose search rows are still to be written, behind the import
  tenant_id uuid NOT NULL,
  message_id uuid NOT NULL,
  added_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, message_id)
);

CREATE TABLE copy (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  source_id uuid NOT NULL,
  message_id uuid NOT NULL,
  blob_id uuid,
  raw_sha bytea NOT NULL,                      -- of the bytes as fetched, also where reduced bytes are kept
  raw_size bigint NOT NULL,
  raw_state text NOT NULL CHECK (raw_state IN ('full', 'reduced', 'none')),
  provider_id text,                            -- EMAILID or X-GM-MSGID, with the kind of server before it
  visibility smallint NOT NULL,                -- 0 private, 1 metadata, 2 subject, 3 full: as the policy said when it was recorded
  direction text NOT NULL CHECK (direction IN ('incoming', 'outgoing', 'internal')),
  bcc jsonb NOT NULL DEFAULT '[]',             -- [{name, address}]
  delivered_to text[] NOT NULL DEFAULT '{}',   -- delivery headers; like bcc they belong to the copy
  parser_version integer NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id, tenant_id),
  UNIQUE (source_id, raw_sha, tenant_id),
  FOREIGN KEY (tenant_id, source_id) REFERENCES source ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, message_id) REFERENCES message (tenant_id, id),
  FOREIGN KEY (tenant_id, blob_id) REFERENCES blob (tenant_id, id)
);
CREATE UNIQUE INDEX copy_provider_id ON copy (source_id, provider_id) WHERE provider_id IS NOT NULL;
CREATE INDEX copy_message ON copy (message_id);
CREATE INDEX copy_blob ON copy (blob_id);

CREATE TABLE copy_structure (                  -- what the walk over the MIME parts saw: offsets into the kept bytes
  tenant_id uuid NOT NULL,
  copy_id uuid NOT NULL,
  parts jsonb NOT NULL,                        -- PartDescriptor[] of domain/message.ts
  PRIMARY KEY (copy_id, tenant_id)
);

-- What is long is compressed fast rather than small. A server that was built without lz4 keeps texts as they are: its other way, pglz, costs more than
-- all the rest of writing them.
DO $$
BEGIN
  ALTER TABLE message_body ALTER COLUMN text SET COMPRESSION lz4;
  ALTER TABLE message ALTER COLUMN participants SET COMPRESSION lz4;
  ALTER TABLE copy_structure ALTER COLUMN parts SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
  ALTER TABLE message_body ALTER COLUMN text SET STORAGE EXTERNAL;
END $$;

CREATE TABLE copy_address (
  tenant_id uuid NOT NULL,
  address_key text NOT NULL,
  copy_id uuid NOT NULL,
  role text NOT NULL,                          -- from sender reply-to to cc bcc delivered-to
  PRIMARY KEY (address_key, tenant_id, copy_id, role)
);
CREATE INDEX copy_address_copy ON copy_address (copy_id);

-- The ledger -----------------------------------------------------------------------------------------------

CREATE TABLE placement (
  gen_id bigint NOT NULL,
  uid bigint NOT NULL,
  tenant_id uuid NOT NULL,
  source_id uuid NOT NULL,
  copy_id uuid,
  blob_id uuid,                                -- bytes of a stored or parked placement, which has no copy yet
  outcome smallint NOT NULL,                   -- domain/ledger.ts: 1 stored 2 recorded 3 filtered 4 headers-only 5 parked
  reason text,
  presence smallint NOT NULL DEFAULT 1,        -- 1 live 2 ended 3 tombstoned
  presence_at timestamptz,
  raw_sha bytea,
  message_id_hash bytea,                       -- SHA-256 of the Message-ID header of mail that has no copy: all that is kept of it, for "where is my mail?"
  size bigint,
  internal_date timestamptz,
  flags smallint NOT NULL DEFAULT 0,           -- domain/flags.ts: 1 seen 2 answered 4 flagged 8 draft 16 deleted
  modseq numeric,
  seen_due boolean NOT NULL DEFAULT false,     -- the policy wants \Seen set on the server, and it is not yet
  recorded_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (gen_id, uid),
  FOREIGN KEY (tenant_id, gen_id) REFERENCES folder_generation (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, copy_id) REFERENCES copy (tenant_id, id),
  FOREIGN KEY (tenant_id, blob_id) REFERENCES blob (tenant_id, id)
);
CREATE INDEX placement_copy ON placement (copy_id) WHERE copy_id IS NOT NULL;
CREATE INDEX placement_blob ON placement (blob_id) WHERE blob_id IS NOT NULL;
CREATE INDEX placement_by_header ON placement (tenant_id, message_id_hash) WHERE message_id_hash IS NOT NULL AND copy_id IS NULL;
CREATE INDEX placement_live ON placement (gen_id, uid) WHERE presence = 1;
CREATE INDEX placement_undecided ON placement (source_id, outcome, recorded_at) WHERE outcome IN (1, 5);
CREATE INDEX placement_seen_due ON placement (gen_id, uid) WHERE seen_due;

CREATE TABLE failure (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  source_id uuid NOT NULL,
  gen_id bigint NOT NULL,
  uid bigint NOT NULL,
  kind text NOT NULL,                          -- a FailureKind
  code text NOT NULL,                          -- what broke: too-many-parts, parse-timeout, fetch-refused, ...
  detail jsonb NOT NULL DEFAULT '{}',          -- numbers and names of limits; never content
  attempts integer NOT NULL DEFAULT 1,
  versions jsonb NOT NULL,                     -- {parser, code}
  message_id_hash bytea,                       -- where the header could be read
  state text NOT NULL DEFAULT 'parked' CHECK (state IN ('parked', 'replayed', 'accepted')),
  first_failed_at timestamptz NOT NULL DEFAULT now(),
  last_failed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (gen_id, uid),
  FOREIGN KEY (tenant_id, gen_id) REFERENCES folder_generation (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (gen_id, uid) REFERENCES placement ON DELETE CASCADE
);
CREATE INDEX failure_source ON failure (tenant_id, source_id, state);

CREATE TABLE folder_audit (                    -- the last comparison of a folder with its server
  tenant_id uuid NOT NULL,
  source_id uuid NOT NULL,
  folder_id uuid NOT NULL,
  verdict text NOT NULL CHECK (verdict IN ('complete', 'missing', 'not-provable')),
  reason text,
  server_count bigint,
  server_bytes bigint,
  ledger_counts jsonb NOT NULL,                -- by outcome, of live placements
  ledger_bytes bigint,
  missing bigint[] NOT NULL DEFAULT '{}',      -- the first 1,000
  missing_count bigint NOT NULL DEFAULT 0,
  extra bigint[] NOT NULL DEFAULT '{}',
  extra_count bigint NOT NULL DEFAULT 0,
  checked_at timestamptz NOT NULL,
  proven_at timestamptz,
  PRIMARY KEY (tenant_id, folder_id),
  FOREIGN KEY (tenant_id, folder_id) REFERENCES folder ON DELETE CASCADE
);

-- Records and links ----------------------------------------------------------------------------------------

CREATE TABLE record (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  type text NOT NULL,
  name text NOT NULL,
  number text,
  external_id text,
  connector text NOT NULL DEFAULT 'built-in',
  company_id uuid,
  owner_user_id uuid,
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id) REFERENCES tenant,
  FOREIGN KEY (tenant_id, company_id) REFERENCES record (tenant_id, id),
  FOREIGN KEY (tenant_id, owner_user_id) REFERENCES app_user
);
CREATE UNIQUE INDEX record_number ON record (tenant_id, type, number) WHERE number IS NOT NULL AND deleted_at IS NULL;
CREATE UNIQUE INDEX record_external_id ON record (tenant_id, connector, type, external_id) WHERE external_id IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX record_list ON record (tenant_id, type, id) WHERE deleted_at IS NULL;

CREATE TABLE record_address (
  tenant_id uuid NOT NULL,
  address_key text NOT NULL,
  record_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('business', 'private', 'other')),
  address text NOT NULL,                       -- as it was given
  PRIMARY KEY (address_key, tenant_id, record_id),
  FOREIGN KEY (tenant_id, record_id) REFERENCES record ON DELETE CASCADE
);
CREATE INDEX record_address_record ON record_address (record_id);

CREATE TABLE link (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  message_id uuid NOT NULL,
  record_id uuid NOT NULL,
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suppressed')),
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id, tenant_id),
  UNIQUE (message_id, record_id, tenant_id),
  FOREIGN KEY (tenant_id, message_id) REFERENCES message (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, record_id) REFERENCES record ON DELETE CASCADE
);
CREATE INDEX link_record ON link (record_id);

CREATE TABLE link_reason (
  tenant_id uuid NOT NULL,
  link_id uuid NOT NULL,
  kind text NOT NULL,                          -- address, thread, rule, person
  key text NOT NULL,                           -- for an address: the header's role and the address key
  actor text NOT NULL,
  record_version integer NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (link_id, kind, key, tenant_id),
  FOREIGN KEY (tenant_id, link_id) REFERENCES link (tenant_id, id) ON DELETE CASCADE
);

-- Who may read what where: the only place that a reader of content asks.
--   record_id   a record; 00000000-... = all mail the principal may see; 00000000-...-1 = its unassigned mail
--   principal   -1 the tenant itself (a key without a user), 0 everybody in the tenant, else app_user.principal
CREATE TABLE timeline (
  tenant_id uuid NOT NULL,
  record_id uuid NOT NULL,
  principal integer NOT NULL,
  sort_at timestamptz NOT NULL,
  message_id uuid NOT NULL,
  level smallint NOT NULL,                     -- 1 metadata, 2 subject, 3 full
  PRIMARY KEY (record_id, tenant_id, principal, sort_at, message_id)
);
CREATE INDEX timeline_message ON timeline (message_id, principal);

-- What happened --------------------------------------------------------------------------------------------

CREATE TABLE outbox (
  tenant_id uuid NOT NULL,
  stream uuid NOT NULL,                        -- the source
  epoch integer NOT NULL,
  seq bigint NOT NULL,
  event_id uuid NOT NULL,
  xact xid8 NOT NULL DEFAULT pg_current_xact_id(), -- readers stop at the oldest running transaction
  type text NOT NULL,
  ids jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (stream, epoch, seq)
);
CREATE INDEX outbox_xact ON outbox (xact);

CREATE TABLE operation (
  tenant_id uuid NOT NULL REFERENCES tenant,
  id uuid NOT NULL,
  kind text NOT NULL,                          -- start, pause, resume, sync, import, rematch, ...
  source_id uuid,
  generation integer,                          -- the wish that it stands for
  state text NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed', 'superseded')),
  done bigint NOT NULL DEFAULT 0,
  total bigint,
  task jsonb,                                  -- what it works on, and how far it is; never shown
  result jsonb,
  error jsonb,
  created_at timestamptz NOT NULL DEFAULT now(),
  started_at timestamptz,
  finished_at timestamptz,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX operation_source ON operation (tenant_id, source_id, kind, state);

CREATE TABLE idempotency_key (
  tenant_id uuid NOT NULL REFERENCES tenant,
  key text NOT NULL,
  request_hash bytea NOT NULL,
  status integer,                              -- null: still running
  response jsonb,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, key)
);

CREATE TABLE audit (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  actor text NOT NULL,
  action text NOT NULL,
  ids jsonb NOT NULL,
  PRIMARY KEY (tenant_id, id)
);

-- Who may touch what ---------------------------------------------------------------------------------------

DO $$
DECLARE t text;
BEGIN
  FOR t IN SELECT c.table_name FROM information_schema.columns c JOIN information_schema.tables USING (table_schema, table_name)
           WHERE c.table_schema = 'public' AND c.column_name = 'tenant_id' AND table_type = 'BASE TABLE' AND c.table_name <> 'blob_chunk'
  LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant ON %I TO letterbook_app USING (tenant_id = (SELECT current_tenant())) WITH CHECK (tenant_id = (SELECT current_tenant()))', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO letterbook_app', t);
  END LOOP;
END $$;

-- A key is looked up before its tenant is known: by its hash and no other way.
CREATE POLICY key_lookup ON api_key FOR SELECT TO letterbook_app
  USING (key_hash = (SELECT decode(nullif(current_setting('letterbook.key_hash', true), ''), 'hex')));

GRANT INSERT ON blob_chunk TO letterbook_app;
GRANT SELECT ON blob_bytes TO letterbook_app;
REVOKE EXECUTE ON FUNCTION delete_blobs FROM PUBLIC;
GRANT EXECUTE ON FUNCTION delete_blobs TO letterbook_app;
GRANT USAGE ON SCHEMA public TO letterbook_app, letterbook_system;

-- Reading across tenants: the reconciler (which mailboxes should run) and housekeeping (where there is work).
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['tenant', 'source', 'mailbox', 'outbox', 'search_pending', 'operation', 'placement', 'folder_generation', 'failure', 'folder_audit', 'blob']
  LOOP
    EXECUTE format('CREATE POLICY system_reads ON %I FOR SELECT TO letterbook_system USING (true)', t);
    EXECUTE format('GRANT SELECT ON %I TO letterbook_system', t);
  END LOOP;
END $$;

-- migrate:down

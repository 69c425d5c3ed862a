-- migrate:up

-- Domains whose mail belongs to a company (policy companyDomains), and those that are the tenant's own.
CREATE TABLE record_domain (
  tenant_id uuid NOT NULL,
  domain text NOT NULL,
  record_id uuid NOT NULL,
  shared boolean NOT NULL DEFAULT false, -- as record_address.shared
  PRIMARY KEY (domain, tenant_id, record_id),
  FOREIGN KEY (tenant_id, record_id) REFERENCES record ON DELETE CASCADE
);
CREATE INDEX record_domain_record ON record_domain (record_id);

ALTER TABLE tenant ADD COLUMN own_domains text[] NOT NULL DEFAULT '{}';

-- The account that an address of Gmail leads to, whatever dots and tags it is written with (src/domain/address.ts, gmailAccount).
ALTER TABLE record_address ADD COLUMN gmail_key text GENERATED ALWAYS AS (
  CASE WHEN right(address_key, 8) <> 'mail.com' THEN NULL
       WHEN address_key ~ '^[^"@+]*[^"@+.][^"@+]*([+][^"@]*)?@(gmail|googlemail)[.]com$'
       THEN replace(split_part(split_part(address_key, '@', 1), '+', 1), '.', '') || '@gmail.com' END) STORED;
CREATE INDEX record_address_gmail ON record_address (gmail_key) WHERE gmail_key IS NOT NULL;
ALTER TABLE copy_address ADD COLUMN gmail_key text GENERATED ALWAYS AS (
  CASE WHEN right(address_key, 8) <> 'mail.com' THEN NULL
       WHEN address_key ~ '^[^"@+]*[^"@+.][^"@+]*([+][^"@]*)?@(gmail|googlemail)[.]com$'
       THEN replace(split_part(split_part(address_key, '@', 1), '+', 1), '.', '') || '@gmail.com' END) STORED;
CREATE INDEX copy_address_gmail ON copy_address (gmail_key) WHERE gmail_key IS NOT NULL;

-- What a job that links stored mail again still has to look at: addresses, or whole domains with an @ before them.
CREATE TABLE rematch_key (
  tenant_id uuid NOT NULL,
  operation_id uuid NOT NULL,
  address_key text NOT NULL,
  PRIMARY KEY (operation_id, address_key, tenant_id),
  FOREIGN KEY (tenant_id, operation_id) REFERENCES operation ON DELETE CASCADE
);

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['record_domain', 'rematch_key']
  LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant ON %I TO letterbook_app USING (tenant_id = (SELECT current_tenant())) WITH CHECK (tenant_id = (SELECT current_tenant()))', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO letterbook_app', t);
  END LOOP;
END $$;

-- migrate:down
DROP TABLE rematch_key;
ALTER TABLE copy_address DROP COLUMN gmail_key;
ALTER TABLE record_address DROP COLUMN gmail_key;
ALTER TABLE tenant DROP COLUMN own_domains;
DROP TABLE record_domain;

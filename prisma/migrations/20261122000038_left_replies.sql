-- migrate:up

-- A job that links stored mail again also takes up replies that a long conversation has left it. What kind a key is stands in a column, so that
-- none is looked for among a hundred thousand others: 0 what is to be given back (`back:` and a message), 1 addresses, 2 domains, 3 what may get
-- something (`again:` and a message).
ALTER TABLE rematch_key ADD COLUMN kind smallint NOT NULL GENERATED ALWAYS AS (
  CASE WHEN starts_with(address_key, 'back:') THEN 0 WHEN strpos(address_key, '@') > 1 THEN 1 WHEN starts_with(address_key, '@') THEN 2 ELSE 3 END
) STORED;
CREATE INDEX rematch_key_kind ON rematch_key (operation_id, kind, address_key);

-- migrate:down
ALTER TABLE rematch_key DROP COLUMN kind;

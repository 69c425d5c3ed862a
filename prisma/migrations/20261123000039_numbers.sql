-- migrate:up

-- The number that stands before an address of ours (product promise D1), of projects and opportunities alone: addresses are in lower case. A column,
-- because row-level security lets no index answer for an expression. The number of a record that was merged leads to what it is a part of. Where
-- nobody gives numbers, the index is empty.
ALTER TABLE record ADD COLUMN number_key text GENERATED ALWAYS AS (
  CASE WHEN type IN ('project', 'opportunity') THEN lower(number) END) STORED;
CREATE INDEX record_by_number ON record (tenant_id, number_key)
  WHERE number_key IS NOT NULL AND (deleted_at IS NULL OR merged_into IS NOT NULL);

-- migrate:down
ALTER TABLE record DROP COLUMN number_key;

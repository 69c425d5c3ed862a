-- migrate:up

-- Projects and opportunities by the number that stands before an address of ours (product promise D1): addresses are in lower case. The number of
-- a record that was merged leads to what it is a part of. Where nobody gives numbers, nothing is written here.
CREATE INDEX record_by_number ON record (tenant_id, lower(number))
  WHERE number IS NOT NULL AND type IN ('project', 'opportunity') AND (deleted_at IS NULL OR merged_into IS NOT NULL);

-- migrate:down
DROP INDEX record_by_number;

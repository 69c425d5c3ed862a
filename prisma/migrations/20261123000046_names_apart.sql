-- migrate:up
-- Without statistics, in a table that is just being filled, any index whose condition a look-up by id implies costs the planner the same as the
-- primary key: this one was taken, and each look-up of a record read all records of the tenant. Its condition is now its own.
DROP INDEX record_name;
CREATE INDEX record_name ON record (name_key, tenant_id) WHERE deleted_at IS NULL AND name_key IS NOT NULL;

-- migrate:down
DROP INDEX record_name;
CREATE INDEX record_name ON record (tenant_id, name_key) WHERE deleted_at IS NULL;

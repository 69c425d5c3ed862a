-- migrate:up

-- Which source the bytes came from: a deletion finds those that never got into the ledger, because the mailbox was stopped between the two.
-- No foreign key: each insert would lock the source's row, and so wait for the batch that is being written.
ALTER TABLE blob ADD COLUMN source_id uuid;
CREATE INDEX blob_source ON blob (source_id);
DROP INDEX blob_created; -- the sweep goes by id: all that it did was to lead to a tenant

-- migrate:down

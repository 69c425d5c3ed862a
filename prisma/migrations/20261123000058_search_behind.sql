-- migrate:up
-- History waits for its search rows behind the import; new mail, and what was told anew, has them at once however much history waits.
ALTER TABLE search_pending ADD COLUMN behind boolean NOT NULL DEFAULT false;
CREATE INDEX search_pending_soon ON search_pending (tenant_id, message_id) WHERE NOT behind;

-- migrate:down
DROP INDEX search_pending_soon;
ALTER TABLE search_pending DROP COLUMN behind;

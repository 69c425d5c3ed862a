-- migrate:up
-- Jobs that stood out in a run and are of no single mailbox: [{operationId | deletionId | connectorId, reason, action}]. Those of mailboxes
-- stand in reconciliation_finding, and go with them.
ALTER TABLE reconciliation ADD COLUMN jobs jsonb NOT NULL DEFAULT '[]';

-- migrate:down
ALTER TABLE reconciliation DROP COLUMN jobs;

-- migrate:up

-- Since when no round of a mailbox has ended well, from its first failure on; null: the last one has.
ALTER TABLE mailbox ADD COLUMN down_since timestamptz;
UPDATE mailbox SET down_since = state_since WHERE failed_rounds > 0;
-- When an audit of a mailbox was last begun by the clock, or could not compare.
ALTER TABLE mailbox ADD COLUMN audit_tried_at timestamptz;

-- migrate:down
ALTER TABLE mailbox DROP COLUMN audit_tried_at;
ALTER TABLE mailbox DROP COLUMN down_since;

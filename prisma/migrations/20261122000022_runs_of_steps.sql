-- migrate:up

-- The Temporal run that did a step; null where a person did it, or where it was before. `run_id` of a ledger row belongs to `recorded_at`.
ALTER TABLE placement ADD COLUMN run_id uuid, ADD COLUMN presence_run_id uuid;
ALTER TABLE failure ADD COLUMN replay_run_id uuid;
ALTER TABLE outbox ADD COLUMN run_id uuid;

-- The message that an event tells of, as `ids` has it: no index on `ids` serves under row-level security. Not called `message_id`: what is called
-- so goes with its message (src/db/deletion/catalogue.ts), and events stay.
ALTER TABLE outbox ADD COLUMN about_message uuid;
UPDATE outbox SET about_message = (ids ->> 'messageId')::uuid WHERE ids ? 'messageId';
CREATE INDEX outbox_about_message ON outbox (about_message) WHERE about_message IS NOT NULL;

-- migrate:down
DROP INDEX outbox_about_message;
ALTER TABLE outbox DROP COLUMN about_message, DROP COLUMN run_id;
ALTER TABLE failure DROP COLUMN replay_run_id;
ALTER TABLE placement DROP COLUMN presence_run_id, DROP COLUMN run_id;

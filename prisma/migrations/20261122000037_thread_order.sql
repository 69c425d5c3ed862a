-- migrate:up

-- The messages of a thread in their order: of a long one only the newest are counted, and whether a message is the newest of its thread is known
-- from the next one, however many came before it.
DROP INDEX message_thread;
CREATE INDEX message_thread ON message (thread_id, sort_at);

-- migrate:down

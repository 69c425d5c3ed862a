-- migrate:up

-- A thread that becomes a part of another takes its aliases along; they are few among all threads.
CREATE INDEX thread_merged ON thread (tenant_id, merged_into) WHERE merged_into IS NOT NULL;

-- migrate:down

-- migrate:up

-- Removals that wait for a person: that person is told.
ALTER TABLE notice DROP CONSTRAINT notice_kind_check;
ALTER TABLE notice ADD CONSTRAINT notice_kind_check CHECK (kind IN ('needs-password', 'no-success', 'not-complete', 'confirm-removal'));

-- migrate:down
DELETE FROM notice WHERE kind = 'confirm-removal';
ALTER TABLE notice DROP CONSTRAINT notice_kind_check;
ALTER TABLE notice ADD CONSTRAINT notice_kind_check CHECK (kind IN ('needs-password', 'no-success', 'not-complete'));

-- migrate:up

-- X-GM-LABELS of Gmail, where each label is a folder too: they are shown at the message, and the folder of all mail is the one that is synced.
-- Empty where the server has no labels.
ALTER TABLE placement ADD COLUMN labels text[] NOT NULL DEFAULT '{}';

-- migrate:down
ALTER TABLE placement DROP COLUMN labels;

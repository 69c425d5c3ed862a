-- migrate:up

-- A cursor is exact where the live rows below its UIDNEXT were all that the server had, and as many as it counted (docs/decisions/0015).
ALTER TABLE folder_generation ADD COLUMN is_exact boolean NOT NULL DEFAULT false;

-- migrate:down
ALTER TABLE folder_generation DROP COLUMN is_exact;

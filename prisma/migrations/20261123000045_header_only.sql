-- migrate:up

-- Mail that is known by its header alone is looked for, so that it can be joined with what another mailbox has whole. There is little of it: no
-- other message stands in here, and none pays more than the look at its marks.
CREATE INDEX message_header_only ON message (tenant_id, id) WHERE 'headers-only' = ANY (marks);

-- A server that counts back, or shows a UID that was gone, may have dealt its UIDs anew.
ALTER TABLE mailbox DROP CONSTRAINT mailbox_audit_cause_check;
ALTER TABLE mailbox ADD CONSTRAINT mailbox_audit_cause_check CHECK (audit_cause IN ('import', 'outage', 'rewound', 'again', 'daily'));

-- migrate:down
UPDATE mailbox SET audit_cause = 'again' WHERE audit_cause = 'rewound';
ALTER TABLE mailbox DROP CONSTRAINT mailbox_audit_cause_check;
ALTER TABLE mailbox ADD CONSTRAINT mailbox_audit_cause_check CHECK (audit_cause IN ('import', 'outage', 'again', 'daily'));
DROP INDEX message_header_only;

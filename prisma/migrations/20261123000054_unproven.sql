-- migrate:up

-- A folder whose listing is not proven in two rounds running is compared before the day is over.
ALTER TABLE mailbox DROP CONSTRAINT mailbox_audit_cause_check;
ALTER TABLE mailbox ADD CONSTRAINT mailbox_audit_cause_check CHECK (audit_cause IN ('import', 'outage', 'rewound', 'unproven', 'again', 'daily'));

-- migrate:down
UPDATE mailbox SET audit_cause = 'again' WHERE audit_cause = 'unproven';
ALTER TABLE mailbox DROP CONSTRAINT mailbox_audit_cause_check;
ALTER TABLE mailbox ADD CONSTRAINT mailbox_audit_cause_check CHECK (audit_cause IN ('import', 'outage', 'rewound', 'again', 'daily'));

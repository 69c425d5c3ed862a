/**
 * Condition on a mailbox `m`: its server could be asked for mail the last time. Where the round failed because of some folder, the others
 * were looked at.
 */
export const canBeAsked = `(m.state = 'live' OR (m.state IN ('backing-off', 'needs-attention') AND m.last_error ->> 'reach' = 'folder'))`;

/**
 * One row per mailbox and kind of notice that is to be raised (`now` is `raised`), or has come to its end (`well`, `stopped`). `$1` is after how many hours
 * without success somebody is told; null leaves that kind alone. `where` chooses among the mailboxes.
 *
 * Who stops a mailbox is not told that it is well: that it was stopped is all that is known then.
 * A mailbox that waits for a password says so, and not also that it had no success. Pausing neither raises nor clears: what was wrong may
 * still be. While history is imported a mailbox is not complete, and need not be.
 * One that is live and watched has no rounds for as long as nothing happens, and that is well.
 */
export function noticeChanges(where: string): string {
  return `
WITH told AS (SELECT tenant_id, source_id, kind, min(raised_at) AS raised_at FROM notice WHERE cleared_at IS NULL GROUP BY 1, 2, 3)
SELECT s.tenant_id, s.id AS source_id, k.kind,
  CASE WHEN told.kind IS NULL THEN 'raised' WHEN s.desired_state = 'stopped' THEN 'stopped' ELSE 'well' END AS now
FROM source s JOIN mailbox m ON m.tenant_id = s.tenant_id AND m.source_id = s.id
CROSS JOIN (VALUES ('needs-password'), ('no-success'), ('not-complete'), ('confirm-removal')) AS k (kind)
LEFT JOIN mailbox_watch w ON w.tenant_id = s.tenant_id AND w.source_id = s.id AND m.state = 'live'
LEFT JOIN told ON told.tenant_id = s.tenant_id AND told.source_id = s.id AND told.kind = k.kind
WHERE s.kind = 'mailbox' AND s.deleted_at IS NULL AND ${where} AND CASE WHEN told.kind IS NULL THEN
  s.desired_state <> 'stopped' AND CASE k.kind
    WHEN 'needs-password' THEN m.state = 'auth-required'
    WHEN 'no-success' THEN s.desired_state = 'running' AND m.state <> 'auth-required'
      AND greatest(m.last_success_at, w.watched_at, s.running_since) < now() - $1::double precision * interval '1 hour'
    WHEN 'confirm-removal' THEN 'confirm-removal' = ANY (m.flags)
    ELSE 'incomplete' = ANY (m.flags) AND NOT EXISTS (SELECT FROM operation o WHERE o.tenant_id = s.tenant_id AND o.source_id = s.id
      AND o.kind = 'import' AND o.state = 'running')
  END
ELSE
  s.desired_state = 'stopped' OR CASE k.kind
    WHEN 'needs-password' THEN m.state = 'live'
    WHEN 'no-success' THEN greatest(m.last_success_at, w.watched_at) > told.raised_at
    WHEN 'confirm-removal' THEN NOT 'confirm-removal' = ANY (m.flags)
    ELSE NOT 'incomplete' = ANY (m.flags)
  END
END`;
}

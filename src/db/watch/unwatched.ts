import type { Database } from '../database';

/** A mailbox that nobody watches and that was not looked at for its refresh time. */
export interface UnwatchedMailbox {
  tenantId: string;
  mailboxId: string;
}

/**
 * The first workers since a while attach all their mailboxes, and compare each with the ledger as they do. They have this long for it; then
 * what is still not watched is looked at by the clock. A worker that keeps dying leaves its rows, and gains no time by that.
 */
const attachingForSeconds = 90;
const firstSinceSeconds = 900;
const aliveForSeconds = 10;

const unwatched = `
  SELECT s.tenant_id AS "tenantId", s.id AS "mailboxId"
  FROM source s JOIN mailbox m ON m.tenant_id = s.tenant_id AND m.source_id = s.id
  LEFT JOIN mailbox_watch w ON w.tenant_id = s.tenant_id AND w.source_id = s.id
  WHERE s.kind = 'mailbox' AND s.deleted_at IS NULL AND s.desired_state = 'running' AND m.state = 'live'
    AND m.last_success_at < now() - (s.policy->>'refreshSeconds')::integer * interval '1 second'
    AND coalesce(w.watched_at, '-infinity') < now() - $1::double precision * interval '1 millisecond'
    AND NOT (
      EXISTS (SELECT FROM idle_worker i WHERE abs(extract(epoch FROM now() - i.started_at)) < ${String(attachingForSeconds)}
                AND i.seen_at > now() - interval '${String(aliveForSeconds)} seconds')
      AND NOT EXISTS (SELECT FROM idle_worker i
                WHERE extract(epoch FROM now() - i.started_at) BETWEEN ${String(attachingForSeconds)} AND ${String(firstSinceSeconds)}))`;

/**
 * The mailboxes of all tenants, longest waiting first, that are live, that no worker has vouched for since `staleAfterMs`, and whose last
 * round is older than their refresh time. None while the first workers since a while attach theirs.
 */
export function unwatchedMailboxes(db: Database, staleAfterMs: number): Promise<UnwatchedMailbox[]> {
  return db.acrossTenants((sql) =>
    sql.query<UnwatchedMailbox>(`${unwatched} ORDER BY m.last_success_at`, [staleAfterMs]),
  );
}

/** Whether one of them is still one: there are a few a second of them, and the last of many waits for minutes. */
export async function isStillUnwatched(
  db: Database,
  { mailboxId }: UnwatchedMailbox,
  staleAfterMs: number,
): Promise<boolean> {
  const rows = await db.acrossTenants((sql) =>
    sql.query<UnwatchedMailbox>(`${unwatched} AND s.id = $2`, [staleAfterMs, mailboxId]),
  );
  return rows.length > 0;
}

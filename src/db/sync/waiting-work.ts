import type { Database } from '../database';
import { canBeAsked } from './can-be-asked';

/** Why work on a mailbox waits longer than it should. */
export type WaitingReason =
  /** A wish has not been taken up by its workflow. */
  | 'wish-waits'
  /** A stop has not come to its end. */
  | 'stop-waits'
  /** The time of the next round is over. */
  | 'round-overdue'
  /** Somebody asked for a round. */
  | 'sync-waits';

export interface WaitingMailbox {
  tenantId: string;
  mailboxId: string;
  reason: WaitingReason;
}

const most = 1_000;

/**
 * Mailboxes of all tenants for which work has waited for `waitedMs`, each once, at most 1,000. A live mailbox has a round at the latest
 * after `safetyMs`, and where nobody watches it after its refresh time.
 */
export function waitingMailboxes(
  db: Database,
  { waitedMs, safetyMs }: { waitedMs: number; safetyMs: number },
): Promise<WaitingMailbox[]> {
  return db.acrossTenants((sql) =>
    sql.query<WaitingMailbox>(
      `WITH waited AS (SELECT now() - $1::float8 * interval '1 millisecond' AS since),
       asked AS (SELECT o.tenant_id, o.source_id FROM operation o, waited
         WHERE o.state IN ('waiting', 'running') AND o.created_at < waited.since AND o.kind = 'sync')
       SELECT tenant_id AS "tenantId", id AS "mailboxId", reason FROM (
         SELECT s.tenant_id, s.id, CASE
           WHEN s.applied_generation < s.generation AND s.updated_at < waited.since
             THEN CASE WHEN s.desired_state = 'stopped' THEN 'stop-waits' ELSE 'wish-waits' END
           WHEN s.desired_state <> 'running' THEN NULL
           WHEN m.state IN ('backing-off', 'needs-attention') AND m.state_until < waited.since THEN 'round-overdue'
           WHEN m.state = 'connecting' AND m.state_since < waited.since THEN 'round-overdue'
           WHEN m.state = 'live' AND m.last_success_at < waited.since - $2::float8 * interval '1 millisecond' THEN 'round-overdue'
           WHEN m.state = 'live' AND coalesce(w.watched_at, '-infinity') < waited.since
             AND m.last_success_at < waited.since - (s.policy->>'refreshSeconds')::integer * interval '1 second' THEN 'round-overdue'
           WHEN (s.tenant_id, s.id) IN (SELECT tenant_id, source_id FROM asked) THEN 'sync-waits'
         END AS reason
         FROM waited, source s JOIN mailbox m ON m.tenant_id = s.tenant_id AND m.source_id = s.id
         LEFT JOIN mailbox_watch w ON w.tenant_id = s.tenant_id AND w.source_id = s.id
         WHERE s.kind = 'mailbox' AND s.deleted_at IS NULL AND s.deletion_id IS NULL
       ) told WHERE reason IS NOT NULL ORDER BY id LIMIT ${String(most)}`,
      [waitedMs, safetyMs],
    ),
  );
}

/**
 * Mailboxes of all tenants that can be asked, with history to import, whose last round that ended well was more than `settledMs` ago, or never
 * was: their import should run.
 */
export async function mailboxesToImport(db: Database, settledMs: number): Promise<string[]> {
  const rows = await db.acrossTenants((sql) =>
    sql.query<{ id: string }>(
      `SELECT DISTINCT s.id FROM folder_generation g
       JOIN folder f ON f.tenant_id = g.tenant_id AND f.id = g.folder_id
       JOIN source s ON s.tenant_id = g.tenant_id AND s.id = g.source_id
       JOIN mailbox m ON m.tenant_id = s.tenant_id AND m.source_id = s.id
       WHERE g.retired_at IS NULL AND g.history_done_at IS NULL AND g.uidnext IS NOT NULL AND f.in_scope
         AND s.desired_state = 'running' AND s.deleted_at IS NULL AND ${canBeAsked}
         AND coalesce(m.last_success_at, '-infinity') < now() - $1::float8 * interval '1 millisecond' LIMIT ${String(most)}`,
      [settledMs],
    ),
  );
  return rows.map(({ id }) => id);
}

/** An import or audit that has not ended. */
export interface WorkAtRest {
  tenantId: string;
  mailboxId: string;
  operationId: string;
  kind: 'import' | 'audit';
}

/**
 * Imports that have recorded nothing for so long, and audits that were asked for so long ago, of mailboxes of all tenants that are not to be
 * stopped; of more than 200 any, so that those which only wait for a slow server stand in nobody's way for long.
 */
export function workAtRest(db: Database, restedMs: number): Promise<WorkAtRest[]> {
  return db.acrossTenants((sql) =>
    sql.query<WorkAtRest>(
      `SELECT o.tenant_id AS "tenantId", o.source_id AS "mailboxId", o.id AS "operationId", o.kind FROM operation o
       JOIN source s ON s.tenant_id = o.tenant_id AND s.id = o.source_id
       WHERE o.kind IN ('import', 'audit') AND o.state IN ('waiting', 'running') AND o.created_at < now() - $1::float8 * interval '1 millisecond'
         AND coalesce((o.track ->> 'lastAt')::float8, 0) < extract(epoch FROM now()) * 1000 - $1::float8
         AND s.desired_state <> 'stopped' AND s.deleted_at IS NULL AND s.deletion_id IS NULL
       ORDER BY random() LIMIT 200`,
      [restedMs],
    ),
  );
}

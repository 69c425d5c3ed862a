import type { Database } from '../database';
import { auditOperation } from '../completeness';
import type { AuditCause } from '../ingest/audit-findings';
import { canBeAsked } from './can-be-asked';

interface MailboxRef {
  tenantId: string;
  mailboxId: string;
}

/**
 * Mailboxes of all tenants that are to be compared with their servers now, those first that have waited longest: live ones, and those of
 * which a folder alone cannot be opened. While history is imported there is nothing to compare: they become due when it has ended, or has
 * lasted for a day, for a folder that does not open keeps an import from its end.
 */
export function dueAudits(db: Database, most: number): Promise<MailboxRef[]> {
  return db.acrossTenants((sql) =>
    sql.query<MailboxRef>(
      `SELECT s.tenant_id AS "tenantId", s.id AS "mailboxId"
       FROM source s JOIN mailbox m ON m.tenant_id = s.tenant_id AND m.source_id = s.id
       WHERE s.kind = 'mailbox' AND s.deleted_at IS NULL AND s.desired_state = 'running' AND ${canBeAsked}
         AND coalesce(m.audit_due_at, '-infinity') <= now()
         AND NOT EXISTS (SELECT FROM operation o WHERE o.tenant_id = s.tenant_id AND o.source_id = s.id
           AND o.kind = 'import' AND o.state = 'running' AND o.created_at > now() - interval '1 day')
       ORDER BY m.audit_due_at NULLS FIRST, s.id LIMIT $1`,
      [most],
    ),
  );
}

/** The operation of an audit that nobody waits for: one that has not ended, or a new one that says what it is made for. */
export async function beginDueAudit(
  db: Database,
  { tenantId, mailboxId }: MailboxRef,
): Promise<{ operationId: string }> {
  return db.inTenant(tenantId, async (sql) => {
    const { id } = await auditOperation(sql, tenantId, mailboxId);
    await sql.execute(
      `UPDATE operation o SET task = jsonb_build_object('cause', m.audit_cause) FROM mailbox m
       WHERE o.tenant_id = $1 AND o.id = $2 AND o.task IS NULL AND m.tenant_id = $1 AND m.source_id = $3`,
      [tenantId, id, mailboxId],
    );
    return { operationId: id };
  });
}

/**
 * To be called when the audit has been started, and not before: one that could not be started stays due. Until it ends the mailbox is due
 * again only after `retryMs`, so that one that cannot be compared is not asked about every minute. Second run, and where the audit has
 * ended already: no change.
 */
export async function noteAuditTried(
  db: Database,
  { tenantId, mailboxId }: MailboxRef,
  retryMs: number,
): Promise<void> {
  await db.inTenant(tenantId, (sql) =>
    sql.execute(
      `UPDATE mailbox SET audit_tried_at = now(), audit_due_at = now() + $3::float8 * interval '1 millisecond'
       WHERE tenant_id = $1 AND source_id = $2 AND coalesce(audit_due_at, '-infinity') <= now()`,
      [tenantId, mailboxId, retryMs],
    ),
  );
}

/**
 * Its operation says from now on that it runs, and since when. What it was asked for comes back: by the clock where its operation says so,
 * else by a person. What the mailbox was to be compared for is this audit's from now on: what is asked for while it runs can be told from
 * it (`recordAuditDone`), for it may have passed the folder. Second run: an audit begins anew.
 */
export async function beginAudit(
  db: Database,
  { tenantId, mailboxId, operationId }: MailboxRef & { operationId: string },
): Promise<AuditCause> {
  const [row] = await db.inTenant(tenantId, async (sql) => {
    await sql.execute(
      `UPDATE operation SET state = 'running', started_at = now() WHERE tenant_id = $1 AND id = $2 AND state = 'waiting'`,
      [tenantId, operationId],
    );
    await sql.execute(`UPDATE mailbox SET audit_cause = 'daily' WHERE tenant_id = $1 AND source_id = $2`, [
      tenantId,
      mailboxId,
    ]);
    return sql.query<{ cause: AuditCause | null }>(
      `SELECT task ->> 'cause' AS cause FROM operation WHERE tenant_id = $1 AND id = $2`,
      [tenantId, operationId],
    );
  });
  return row?.cause ?? 'person';
}

/** Why, and at least so long after an audit that compared, and after one that was only tried. */
interface AuditWish {
  cause: 'outage' | 'import' | 'rewound' | 'unproven';
  apartMs: number;
  retryMs: number;
}

/**
 * A mailbox is to be compared with its server now, or as soon as the spacing allows: its server has been away, counts back, does not show a
 * whole folder, or shows one that was never compared. Second run: no change.
 */
export async function askForAudit(
  db: Database,
  { tenantId, mailboxId }: MailboxRef,
  { cause, apartMs, retryMs }: AuditWish,
): Promise<void> {
  await db.inTenant(tenantId, (sql) =>
    sql.execute(
      `WITH soonest AS (
         SELECT greatest(now(), audited_at + $3::float8 * interval '1 millisecond', audit_tried_at + $4::float8 * interval '1 millisecond') AS at
         FROM mailbox WHERE tenant_id = $1 AND source_id = $2)
       UPDATE mailbox SET audit_cause = $5, audit_due_at = soonest.at FROM soonest
       WHERE tenant_id = $1 AND source_id = $2 AND audited_at IS NOT NULL AND audit_due_at >= soonest.at
         AND (audit_due_at, audit_cause) IS DISTINCT FROM (soonest.at, $5)`,
      [tenantId, mailboxId, apartMs, retryMs, cause],
    ),
  );
}

/**
 * An incomplete mailbox is compared now, and not when the pauses between its audits, which grow, are over, where the ledger says that all which
 * they have found is put right. Only what was written since a finding was last seen counts, so that a server which goes on showing but a part
 * of itself is not compared after each round. Second run: no change.
 */
export async function askWhereHealed(db: Database, { tenantId, mailboxId }: MailboxRef): Promise<void> {
  await db.inTenant(tenantId, (sql) => sql.execute(dueWhereHealed, [tenantId, mailboxId]));
}

/** A listing that was believed, since the finding `x` was last seen, of the generation `g`, and nothing that it showed is left to the import. */
const listedSince = 'g.listed_at > x.seen_at AND g.history_done_at IS NOT NULL';

/** Whether a UID of the finding `x`, with its row `p` if it has one, is no difference any more. */
const isPutRight = `CASE x.kind
    WHEN 'missing' THEN p.recorded_at > x.seen_at OR (p.uid IS NULL AND ${listedSince})
    WHEN 'extra' THEN p.uid IS NULL OR (p.presence <> 1 AND p.presence_at > x.seen_at)
    WHEN 'ended-but-alive' THEN p.uid IS NULL OR (p.presence = 1 AND coalesce(p.presence_at, p.recorded_at) > x.seen_at)
    ELSE p.uid IS NULL OR p.outcome <> 5 OR p.presence <> 1 OR p.blob_id IS NOT NULL OR EXISTS (
      SELECT FROM failure f WHERE f.gen_id = p.gen_id AND f.uid = p.uid AND f.state = 'accepted') END`;

// That a listing is not proven may be so for ever: an audit that has found it twice has its pauses.
const dueWhereHealed = `
UPDATE mailbox m SET audit_due_at = now(), audit_cause = 'again'
WHERE m.tenant_id = $1 AND m.source_id = $2 AND m.audited_at IS NOT NULL AND m.audit_due_at > now() AND 'incomplete' = ANY (m.flags)
  AND EXISTS (SELECT FROM audit_finding x WHERE x.tenant_id = $1 AND x.source_id = $2 AND x.healed_at IS NULL)
  AND NOT EXISTS (
    SELECT FROM audit_finding x
    JOIN folder_generation g ON g.tenant_id = $1 AND g.folder_id = x.folder_id AND g.retired_at IS NULL
    WHERE x.tenant_id = $1 AND x.source_id = $2 AND x.healed_at IS NULL AND CASE x.kind
      WHEN 'not-provable' THEN (x.seen_at = x.found_at AND ${listedSince}) IS NOT TRUE
      ELSE EXISTS (
        SELECT FROM unnest(x.uids) AS found(uid) LEFT JOIN placement p ON p.gen_id = g.id AND p.uid = found.uid
        WHERE (${isPutRight}) IS NOT TRUE) END)`;

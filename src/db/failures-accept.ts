import { publicId } from '../domain/ids';
import { pauseBeforeTryMs } from '../domain/replay';
import type { Sql } from './database';
import { insertAudit } from './mailbox-write';
import { planAudit } from './sync/plan-audit';

/** Somebody says of a failure that it may stay as it is, or that it may not after all. */
export interface Acceptance {
  failureId: string;
  mailboxId: string;
  /** Public id of a user or key. */
  actor: string;
}

/**
 * Accepts a parked failure: it counts as accounted for, and its server is not asked again by itself. Where it has no bytes, an audit is due,
 * which says whether anything else is missing. The audit log keeps who and which, the failure the reason. False where it has been read
 * meanwhile. Second run: the newer reason.
 */
export async function acceptFailure(
  sql: Sql,
  tenantId: string,
  { failureId, mailboxId, actor, reason }: Acceptance & { reason: string },
): Promise<boolean> {
  const accepted = await sql.query<{ hasBytes: boolean }>(
    `UPDATE failure x SET state = 'accepted', accepted_at = now(), accepted_by = $3, accepted_reason = $4, next_try_at = NULL
     FROM placement p WHERE x.tenant_id = $1 AND x.id = $2 AND x.state IN ('parked', 'accepted') AND p.gen_id = x.gen_id AND p.uid = x.uid
     RETURNING p.blob_id IS NOT NULL AS "hasBytes"`,
    [tenantId, failureId, actor, reason],
  );
  const [failure] = accepted;
  if (failure === undefined) return false;
  if (!failure.hasBytes) await planAudit(sql, { tenantId, sourceId: mailboxId }, 'at-once');
  await insertAudit(sql, tenantId, { actor, action: 'failure accepted', ids: idsOf({ failureId, mailboxId }) });
  return true;
}

/**
 * Takes an acceptance back; where there are no bytes the server is asked again in an hour, unless it was asked often enough. False where it
 * has been read meanwhile. Second run: no change.
 */
export async function reopenFailure(
  sql: Sql,
  tenantId: string,
  { failureId, mailboxId, actor }: Acceptance,
): Promise<boolean> {
  const [failure] = await sql.query<{ state: string; attempts: number; hasBytes: boolean }>(
    `SELECT x.state, x.attempts, p.blob_id IS NOT NULL AS "hasBytes" FROM failure x
     JOIN placement p ON p.gen_id = x.gen_id AND p.uid = x.uid WHERE x.tenant_id = $1 AND x.id = $2 FOR UPDATE OF x`,
    [tenantId, failureId],
  );
  if (failure?.state !== 'accepted') return failure?.state === 'parked';
  const isAskedAgain = !failure.hasBytes && pauseBeforeTryMs(failure.attempts) !== null;
  await sql.execute(
    `UPDATE failure SET state = 'parked', accepted_at = NULL, accepted_by = NULL, accepted_reason = NULL,
       next_try_at = CASE WHEN $3 THEN now() + interval '1 hour' END
     WHERE tenant_id = $1 AND id = $2`,
    [tenantId, failureId, isAskedAgain],
  );
  if (!failure.hasBytes) await planAudit(sql, { tenantId, sourceId: mailboxId }, 'at-once');
  await insertAudit(sql, tenantId, { actor, action: 'failure reopened', ids: idsOf({ failureId, mailboxId }) });
  return true;
}

function idsOf({ failureId, mailboxId }: Omit<Acceptance, 'actor'>): Record<string, string> {
  return { failureId: publicId('failure', failureId), mailboxId: publicId('mailbox', mailboxId) };
}

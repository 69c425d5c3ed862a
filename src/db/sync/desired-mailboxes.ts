import type { DesiredState } from '../../domain/mailbox-state';
import type { Database } from '../database';

/** A mailbox whose workflow should exist: it should run, or its newest wish has not been carried out. */
export interface DesiredMailbox {
  tenantId: string;
  mailboxId: string;
  epoch: number;
  generation: number;
  desired: DesiredState;
  provider: string;
  /** False while the newest wish has not been carried out. */
  applied: boolean;
  /** Its newest mail or wish. */
  activeAt: Date;
}

const selectDesired = `
SELECT s.tenant_id AS "tenantId", s.id AS "mailboxId", s.epoch, s.generation, s.desired_state AS desired, m.provider,
  s.applied_generation >= s.generation AS applied, greatest(m.last_message_at, s.updated_at) AS "activeAt"
FROM source s JOIN mailbox m ON m.tenant_id = s.tenant_id AND m.source_id = s.id
WHERE s.kind = 'mailbox' AND s.deleted_at IS NULL AND s.deletion_id IS NULL`;

/** The next mailboxes of all tenants that should have a workflow, by id, after `afterId`. What is being deleted is not among them. */
export function desiredMailboxes(
  db: Database,
  page: { afterId: string | null; limit: number },
): Promise<DesiredMailbox[]> {
  return db.acrossTenants((sql) =>
    sql.query<DesiredMailbox>(
      `${selectDesired} AND (s.desired_state <> 'stopped' OR s.applied_generation < s.generation)
         AND ($1::uuid IS NULL OR s.id > $1) ORDER BY s.id LIMIT $2`,
      [page.afterId, page.limit],
    ),
  );
}

/** One mailbox where it is to run or to wait, paused; null where it is to be stopped or is no more. */
export async function desiredMailbox(
  db: Database,
  ref: { tenantId: string; mailboxId: string },
): Promise<DesiredMailbox | null> {
  const [row] = await db.inTenant(ref.tenantId, (sql) =>
    sql.query<DesiredMailbox>(`${selectDesired} AND s.tenant_id = $1 AND s.id = $2 AND s.desired_state <> 'stopped'`, [
      ref.tenantId,
      ref.mailboxId,
    ]),
  );
  return row ?? null;
}

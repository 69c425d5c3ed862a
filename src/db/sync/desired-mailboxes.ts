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
  /** False while the workflow has not taken up the newest wish. */
  applied: boolean;
}

interface Row {
  tenant_id: string;
  id: string;
  epoch: number;
  generation: number;
  applied_generation: number;
  desired_state: DesiredState;
  provider: string;
}

const selectDesired = `
SELECT s.tenant_id, s.id, s.epoch, s.generation, s.applied_generation, s.desired_state, m.provider
FROM source s JOIN mailbox m ON m.tenant_id = s.tenant_id AND m.source_id = s.id
WHERE s.kind = 'mailbox' AND s.deleted_at IS NULL`;

/** All mailboxes of all tenants that should have a workflow, most recently active first. */
export async function desiredMailboxes(db: Database): Promise<DesiredMailbox[]> {
  const rows = await db.acrossTenants((sql) =>
    sql.query<Row>(
      `${selectDesired} AND (s.desired_state <> 'stopped' OR s.applied_generation < s.generation)
       ORDER BY greatest(m.last_message_at, s.updated_at) DESC NULLS LAST`,
    ),
  );
  return rows.map(mailboxOf);
}

/** One mailbox where it is to run or to wait, paused; null where it is to be stopped or is no more. */
export async function desiredMailbox(
  db: Database,
  ref: { tenantId: string; mailboxId: string },
): Promise<DesiredMailbox | null> {
  const [row] = await db.inTenant(ref.tenantId, (sql) =>
    sql.query<Row>(`${selectDesired} AND s.tenant_id = $1 AND s.id = $2 AND s.desired_state <> 'stopped'`, [
      ref.tenantId,
      ref.mailboxId,
    ]),
  );
  return row === undefined ? null : mailboxOf(row);
}

function mailboxOf(row: Row): DesiredMailbox {
  return {
    tenantId: row.tenant_id,
    mailboxId: row.id,
    epoch: row.epoch,
    generation: row.generation,
    desired: row.desired_state,
    provider: row.provider,
    applied: row.applied_generation >= row.generation,
  };
}

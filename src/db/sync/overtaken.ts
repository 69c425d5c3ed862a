import type { Fence } from '../../domain/mailbox-state';
import type { Database } from '../database';

/**
 * Of these mailboxes, whatever their tenants, the ids of those that do not run, have a newer wish than the fence says, or are no more; and of
 * those whose account somebody waits for a connection to.
 */
export async function overtakenMailboxes(
  db: Database,
  mailboxes: { mailboxId: string; fence: Fence }[],
): Promise<Set<string>> {
  const rows = await db.acrossTenants((sql) =>
    sql.query<{ id: string }>(
      `SELECT one.id FROM unnest($1::uuid[], $2::int[], $3::int[]) AS one(id, epoch, generation)
       WHERE NOT EXISTS (SELECT FROM source s WHERE s.id = one.id AND s.epoch = one.epoch
         AND s.generation = one.generation AND s.desired_state = 'running' AND s.deleted_at IS NULL)
         OR EXISTS (SELECT FROM account_connection a WHERE a.source_id = one.id AND a.purpose <> 'watch'
              AND a.wanted_at > clock_timestamp() - interval '10 seconds')`,
      [
        mailboxes.map(({ mailboxId }) => mailboxId),
        mailboxes.map(({ fence }) => fence.epoch),
        mailboxes.map(({ fence }) => fence.generation),
      ],
    ),
  );
  return new Set(rows.map(({ id }) => id));
}

import type { Fence } from '../../domain/mailbox-state';
import type { Database } from '../database';

/** A mailbox that a connection belongs to, as it was when the connection was last used. */
export interface ConnectedMailbox {
  mailboxId: string;
  fence: Fence;
}

/**
 * What a mailbox's connections are worth. `overtaken`: it has a newer wish than the fence says, or is no more, and nothing that is read for it
 * can be written. `unwanted`: it does not run, or somebody waits for a connection to its account; what is in use may go on.
 */
export type Standing = 'current' | 'unwanted' | 'overtaken';

/** The standings of these mailboxes, whatever their tenants, in their order. */
export async function standingsOf(db: Database, mailboxes: ConnectedMailbox[]): Promise<Standing[]> {
  const rows = await db.acrossTenants((sql) =>
    sql.query<{ standing: Standing }>(
      `SELECT CASE WHEN s.id IS NULL THEN 'overtaken'
         WHEN s.desired_state <> 'running' THEN 'unwanted'
         WHEN EXISTS (SELECT FROM account_connection a WHERE a.source_id = one.id AND a.purpose <> 'watch'
           AND a.wanted_at > clock_timestamp() - interval '10 seconds') THEN 'unwanted'
         ELSE 'current' END AS standing
       FROM unnest($1::uuid[], $2::int[], $3::int[]) WITH ORDINALITY AS one(id, epoch, generation, number)
       LEFT JOIN source s ON s.id = one.id AND s.epoch = one.epoch AND s.generation = one.generation AND s.deleted_at IS NULL
       ORDER BY one.number`,
      [
        mailboxes.map(({ mailboxId }) => mailboxId),
        mailboxes.map(({ fence }) => fence.epoch),
        mailboxes.map(({ fence }) => fence.generation),
      ],
    ),
  );
  return rows.map(({ standing }) => standing);
}

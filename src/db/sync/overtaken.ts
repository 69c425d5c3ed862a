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

/** The standings of these mailboxes, whatever their tenants, in their order. Of thousands, nearly all are current: the rest is told. */
export async function standingsOf(db: Database, mailboxes: ConnectedMailbox[]): Promise<Standing[]> {
  const rows = await db.acrossTenants((sql) =>
    sql.query<{ number: number; standing: Standing }>(
      `SELECT number, standing FROM (
         SELECT one.number, CASE WHEN s.id IS NULL THEN 'overtaken'
           WHEN s.desired_state <> 'running' THEN 'unwanted'
           WHEN one.id IN (SELECT a.source_id FROM account_connection a WHERE a.purpose <> 'watch'
             AND a.wanted_at > clock_timestamp() - interval '10 seconds') THEN 'unwanted'
           ELSE 'current' END AS standing
         FROM unnest($1::uuid[], $2::int[], $3::int[]) WITH ORDINALITY AS one(id, epoch, generation, number)
         LEFT JOIN source s ON s.id = one.id AND s.epoch = one.epoch AND s.generation = one.generation AND s.deleted_at IS NULL
       ) AS told WHERE standing <> 'current'`,
      [
        mailboxes.map(({ mailboxId }) => mailboxId),
        mailboxes.map(({ fence }) => fence.epoch),
        mailboxes.map(({ fence }) => fence.generation),
      ],
    ),
  );
  const told = new Map(rows.map(({ number, standing }) => [number, standing]));
  return mailboxes.map((_, index) => told.get(index + 1) ?? 'current');
}

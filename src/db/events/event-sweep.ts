import type { Database } from '../database';

/** How much of a mailbox's history is kept. */
export interface EventRetention {
  mailboxEventsKept: number;
  mailboxEventsKeptMs: number;
}

/**
 * Forgets the events of a tenant's mailboxes that are too old or too many; the newest of a mailbox is kept whatever its age, because it
 * says since when the present holds. Second run: finds nothing left to forget.
 */
export async function sweepEvents(db: Database, tenantId: string, kept: EventRetention): Promise<number> {
  return db.inTenant(tenantId, (sql) =>
    sql.execute(
      `WITH numbered AS (
         SELECT source_id, at, id, row_number() OVER (PARTITION BY source_id ORDER BY at DESC, id DESC) AS place
         FROM mailbox_event WHERE tenant_id = $1)
       DELETE FROM mailbox_event e USING numbered n
       WHERE e.tenant_id = $1 AND e.source_id = n.source_id AND e.at = n.at AND e.id = n.id AND n.place > 1
         AND (n.place > $2 OR n.at < now() - $3::double precision * interval '1 millisecond')`,
      [tenantId, kept.mailboxEventsKept, kept.mailboxEventsKeptMs],
    ),
  );
}

/** Forgets notices of what was well again before that long ago. Second run: finds nothing left to forget. */
export async function sweepNotices(db: Database, tenantId: string, keptMs: number): Promise<number> {
  return db.inTenant(tenantId, (sql) =>
    sql.execute(
      `DELETE FROM notice WHERE tenant_id = $1 AND cleared_at < now() - $2::double precision * interval '1 millisecond'`,
      [tenantId, keptMs],
    ),
  );
}

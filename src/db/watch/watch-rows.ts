import type { Database } from '../database';

/** How a mailbox is watched: by push of all folders, by push of one and sweeps, by sweeps alone, or not. */
export type WatchRowMode = 'notify' | 'idle' | 'sweep' | 'lost' | 'refused';

export interface WatchRow {
  tenantId: string;
  mailboxId: string;
  shard: number;
  mode: WatchRowMode;
  /** The code of the failure, where it is `lost` or `refused`. */
  lostReason: string | null;
}

/**
 * Writes what a worker knows of the mailboxes it holds, in one statement over all tenants. `watched_at` moves where the mailbox is
 * watched, `since` where the mode changes. A mailbox that is no more is left out. Second run: only the times move.
 */
export async function writeWatches(db: Database, worker: string, rows: readonly WatchRow[]): Promise<void> {
  if (rows.length === 0) return;
  await db.asWatcher((sql) =>
    sql.execute(
      `INSERT INTO mailbox_watch AS w (tenant_id, source_id, shard, mode, worker, since, watched_at, lost_reason)
       SELECT s.tenant_id, s.id, r.shard, r.mode, $6, now(), CASE WHEN r.mode IN ('notify', 'idle', 'sweep') THEN now() END, r.lost_reason
       FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::text[], $5::text[]) AS r (tenant_id, source_id, shard, mode, lost_reason)
       JOIN source s ON s.tenant_id = r.tenant_id AND s.id = r.source_id AND s.deleted_at IS NULL
       ORDER BY s.id
       ON CONFLICT (tenant_id, source_id) DO UPDATE SET shard = excluded.shard, worker = excluded.worker, mode = excluded.mode,
         since = CASE WHEN w.mode = excluded.mode THEN w.since ELSE excluded.since END,
         watched_at = coalesce(excluded.watched_at, w.watched_at), lost_reason = excluded.lost_reason`,
      [
        rows.map((row) => row.tenantId),
        rows.map((row) => row.mailboxId),
        rows.map((row) => row.shard),
        rows.map((row) => row.mode),
        rows.map((row) => row.lostReason),
        worker,
      ],
    ),
  );
}

/** Mailboxes that a worker no longer watches because nobody wishes it. A row that another worker has taken over stays. */
export async function removeWatches(db: Database, worker: string, mailboxIds: readonly string[]): Promise<void> {
  if (mailboxIds.length === 0) return;
  await db.asWatcher((sql) =>
    sql.execute('DELETE FROM mailbox_watch WHERE source_id = ANY ($1::uuid[]) AND worker = $2', [mailboxIds, worker]),
  );
}

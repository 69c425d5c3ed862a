import type { Database } from '../database';

/** A worker that is not heard of for so long is taken for dead; sooner than its shards are free, so that the others have room for them. */
const aliveForMs = 8_000;

/** A row of a worker that died is kept for people who look, for a while. */
const keptFor = '1 hour';

/**
 * Says that a worker is there, and who else is: the ids of all that were heard of lately, oldest first, as all of them see it.
 * `startedAt` is by the worker's clock and only has to differ.
 */
export async function attend(db: Database, me: { worker: string; startedAt: Date; shards: number }): Promise<string[]> {
  const rows = await db.asWatcher((sql) =>
    sql.query<{ worker: string }>(
      `WITH me AS (
         INSERT INTO idle_worker (worker, started_at, seen_at, shards) VALUES ($1, $2, clock_timestamp(), $3)
         ON CONFLICT (worker) DO UPDATE SET seen_at = excluded.seen_at, shards = excluded.shards
         RETURNING worker, started_at, set_config('synchronous_commit', 'off', true))
       SELECT worker, started_at FROM me UNION ALL
       SELECT worker, started_at FROM idle_worker
       WHERE worker <> $1 AND seen_at > clock_timestamp() - $4::double precision * interval '1 millisecond'
       ORDER BY started_at, worker`,
      [me.worker, me.startedAt, me.shards, aliveForMs],
    ),
  );
  return rows.map(({ worker }) => worker);
}

/** A worker that leaves: the others may take its share at once. Also forgets those that died long ago. Second run: no change. */
export async function leave(db: Database, worker: string): Promise<void> {
  await db.asWatcher((sql) =>
    sql.execute(`DELETE FROM idle_worker WHERE worker = $1 OR seen_at < now() - $2::interval`, [worker, keptFor]),
  );
}

import type { Database } from '../database';

/**
 * Reserves the next `count` connections to a host, over all workers: milliseconds until the first of them may be made, 0 or less for at
 * once; each further one comes `1000 / perSecond` ms later. A host that was left alone lets a quarter of a second's worth through at once.
 */
export async function reserveConnections(
  db: Database,
  wanted: { host: string; count: number; perSecond: number },
): Promise<number> {
  const everyMs = 1_000 / wanted.perSecond;
  const savedMs = Math.max(0, 250 - everyMs);
  const rows = await db.asWatcher((sql) =>
    sql.query<{ delay_ms: number }>(
      `INSERT INTO host_pace AS p (host, next_at)
       VALUES ($1, clock_timestamp() + ($2::double precision - $3::double precision) * interval '1 millisecond')
       ON CONFLICT (host) DO UPDATE SET
         next_at = greatest(p.next_at, clock_timestamp() - $3::double precision * interval '1 millisecond')
                   + $2::double precision * interval '1 millisecond'
       RETURNING (extract(epoch FROM next_at - clock_timestamp()) * 1000)::double precision - $2::double precision AS delay_ms`,
      [wanted.host, wanted.count * everyMs, savedMs],
    ),
  );
  return rows[0]?.delay_ms ?? 0;
}

import type { Database } from '../database';

const longestMs = 60_000;

/**
 * Reserves the next `count` connections to a host, over all workers: milliseconds until the first of them may be made, 0 or less for at
 * once; each further one comes `1000 / perSecond` ms later. A host that was left alone lets a quarter of a second's worth through at once.
 * Nobody is made to wait longer than a minute for the first: a clock that went back would block the host for as long. A crash of Postgres
 * may lose the last reservations, which costs pace and nothing else.
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
         next_at = least(greatest(p.next_at, clock_timestamp() - $3::double precision * interval '1 millisecond'),
                         clock_timestamp() + $4::double precision * interval '1 millisecond')
                   + $2::double precision * interval '1 millisecond'
       RETURNING (extract(epoch FROM next_at - clock_timestamp()) * 1000)::double precision - $2::double precision AS delay_ms,
                 set_config('synchronous_commit', 'off', true)`,
      [wanted.host, wanted.count * everyMs, savedMs, longestMs],
    ),
  );
  return rows[0]?.delay_ms ?? 0;
}

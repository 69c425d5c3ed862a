import type { Database } from '../database';

/** A server that is left alone, and for how much longer. */
export interface PausedServer {
  host: string;
  port: number;
  /** By whom: the id of a tenant, or everybody. */
  by: string;
  leftMs: number;
}

/** A server is left alone by all workers for so long, or for longer where it was already. Forgets pauses that are over. */
export async function pauseServer(db: Database, { host, port, by, leftMs }: PausedServer): Promise<void> {
  await db.asWatcher(async (sql) => {
    await sql.execute(`DELETE FROM host_pause WHERE until < clock_timestamp() - interval '1 hour'`);
    await sql.execute(
      `INSERT INTO host_pause (host, port, by, until) VALUES ($1, $2, $4, clock_timestamp() + $3::float8 * interval '1 millisecond')
       ON CONFLICT (host, port, by) DO UPDATE SET until = greatest(host_pause.until, excluded.until)`,
      [host, port, leftMs, by],
    );
  });
}

/** The servers that are left alone now. */
export function pausedServers(db: Database): Promise<PausedServer[]> {
  return db.asWatcher((sql) =>
    sql.query<PausedServer>(
      `SELECT host, port, by, (extract(epoch FROM until - clock_timestamp()) * 1000)::float8 AS "leftMs" FROM host_pause
       WHERE until > clock_timestamp()`,
    ),
  );
}

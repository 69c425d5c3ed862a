import { pauseBeforeTryMs } from '../../domain/replay';
import type { Sql } from '../database';

/** When the server is asked again for what it does not deliver, each time later; in the end no more. */
export async function planNextTries(
  sql: Sql,
  genId: number,
  tried: { uid: number; attempts: number }[],
): Promise<void> {
  const planned = tried.flatMap(({ uid, attempts }) => {
    const pauseMs = pauseBeforeTryMs(attempts);
    return pauseMs === null ? [] : [{ uid, pauseMs }];
  });
  if (planned.length === 0) return;
  await sql.execute(
    `UPDATE failure x SET next_try_at = now() + r.pause * interval '1 millisecond'
     FROM unnest($2::bigint[], $3::float8[]) AS r(uid, pause) WHERE x.gen_id = $1 AND x.uid = r.uid AND x.state = 'parked'`,
    [genId, planned.map(({ uid }) => uid), planned.map(({ pauseMs }) => pauseMs)],
  );
}

/** Counts a try that came to nothing, and plans the next where there are no bytes. Second run: counts once more. */
export async function countTryInVain(
  sql: Sql,
  tenantId: string,
  items: { genId: number; uid: number }[],
): Promise<void> {
  const tried = await sql.query<{ genId: number; uid: number; attempts: number; hasBytes: boolean }>(
    `UPDATE failure x SET attempts = x.attempts + 1, last_failed_at = now(), next_try_at = NULL
     FROM unnest($2::bigint[], $3::bigint[]) AS r(gen_id, uid) JOIN placement p ON p.gen_id = r.gen_id AND p.uid = r.uid
     WHERE x.tenant_id = $1 AND x.gen_id = r.gen_id AND x.uid = r.uid AND x.state = 'parked'
     RETURNING x.gen_id AS "genId", x.uid, x.attempts, p.blob_id IS NOT NULL AS "hasBytes"`,
    [tenantId, items.map(({ genId }) => genId), items.map(({ uid }) => uid)],
  );
  for (const genId of new Set(tried.map((row) => row.genId))) {
    await planNextTries(
      sql,
      genId,
      tried.filter((row) => row.genId === genId && !row.hasBytes),
    );
  }
}

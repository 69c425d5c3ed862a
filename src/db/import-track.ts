import { z } from 'zod';

import { newTrack, totalGrew, workBegan, workWentOn, type Track } from '../domain/progress';
import type { Database, Sql } from './database';
import { newUuid } from './new-id';

/** Which mailbox imports. */
interface Importing {
  tenantId: string;
  sourceId: string;
}

/** The column `operation.track`. */
export const storedTrack: z.ZodType<Track> = z.object({
  activeMs: z.number(),
  lastAt: z.number(),
  floor: z.number(),
  floorDone: z.number(),
  samples: z.array(z.tuple([z.number(), z.number()])),
  genId: z.number().nullable(),
});

/** A track as it was stored; that of an operation without one. */
export function trackOf(stored: unknown): Track {
  return stored === null || stored === undefined ? newTrack : storedTrack.parse(stored);
}

interface TrackRow {
  id: string;
  done: number;
  total: number | null;
  track: unknown;
  at: string;
}

const running = `tenant_id = $1 AND source_id = $2 AND kind = 'import' AND state = 'running'`;
const returned = `id, done, total, track, extract(epoch FROM clock_timestamp()) * 1000 AS at`;

/** A worker takes up the import of a mailbox; time in which none did is not held against its speed. Second run: no change. */
export async function recordImportTakenUp(db: Database, source: Importing): Promise<void> {
  await db.inTenant(source.tenantId, async (sql) => {
    const rows = await sql.query<TrackRow>(`SELECT ${returned} FROM operation WHERE ${running} FOR UPDATE`, [
      source.tenantId,
      source.sourceId,
    ]);
    for (const row of rows) await note(sql, source, { row, change: workBegan });
  });
}

/** So many placements of a folder's history have got their rows. */
export async function countImported(
  sql: Sql,
  source: Importing,
  { genId, done }: { genId: number; done: number },
): Promise<void> {
  if (done === 0) return;
  const rows = await sql.query<TrackRow>(
    `UPDATE operation SET done = done + $3 WHERE ${running} RETURNING ${returned}`,
    [source.tenantId, source.sourceId, done],
  );
  const change = (track: Track, point: { at: number; done: number }) => workWentOn(track, { ...point, genId });
  for (const row of rows) await note(sql, source, { row, change });
}

/** There is so much more history to import; the operation begins with the first. */
export async function countTowardsImport(sql: Sql, source: Importing, more: number): Promise<void> {
  const values = [source.tenantId, source.sourceId, more];
  const rows = await sql.query<TrackRow>(
    `UPDATE operation SET total = total + $3 WHERE ${running} RETURNING ${returned}`,
    values,
  );
  for (const row of rows) {
    const before = (row.total ?? 0) - more;
    await note(sql, source, { row, change: (track, { done }) => totalGrew(track, { done, total: before }) });
  }
  if (rows.length > 0) return;
  await sql.execute(
    `INSERT INTO operation (tenant_id, source_id, id, kind, state, total, started_at) VALUES ($1, $2, $4, 'import', 'running', $3, now())`,
    [...values, newUuid()],
  );
}

async function note(
  sql: Sql,
  { tenantId }: Importing,
  { row, change }: { row: TrackRow; change: (track: Track, point: { at: number; done: number }) => Track },
): Promise<void> {
  const before = trackOf(row.track);
  const after = change(before, { at: Math.round(Number(row.at)), done: row.done });
  if (after === before) return;
  await sql.execute('UPDATE operation SET track = $3 WHERE tenant_id = $1 AND id = $2', [
    tenantId,
    row.id,
    JSON.stringify(after),
  ]);
}

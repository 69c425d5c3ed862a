import { z } from 'zod';

import {
  doneOf,
  leftBehind,
  newTrack,
  takenUp,
  totalChanged,
  workBegan,
  workWentOn,
  type Track,
} from '../domain/progress';
import type { Database, Sql } from './database';
import { newUuid } from './new-id';

/** Which mailbox imports. */
interface Importing {
  tenantId: string;
  sourceId: string;
}

/** The column `operation.track`; a row of an earlier version does not say how much is done of which folder. */
export const storedTrack: z.ZodType<Track> = z.object({
  activeMs: z.number(),
  lastAt: z.number(),
  floor: z.number(),
  floorDone: z.number(),
  samples: z.array(z.tuple([z.number(), z.number()])),
  genId: z.number().nullable(),
  genFrom: z.number().nullable().default(null),
  begun: z.array(z.tuple([z.number(), z.number()])).default([]),
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
  const change = (track: Track, point: { at: number; done: number }) =>
    workWentOn(takenUp(track, { genId, done: point.done - done }), { ...point, genId });
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
    await note(sql, source, { row, change: (track, { done }) => totalChanged(track, { done, total: before }) });
  }
  if (rows.length > 0) return;
  await sql.execute(
    `INSERT INTO operation (tenant_id, source_id, id, kind, state, total, started_at) VALUES ($1, $2, $4, 'import', 'running', $3, now())`,
    [...values, newUuid()],
  );
}

/** What a folder's history has in the import: how much of it was counted towards it since it was last left or finished. */
export interface CountedHistory {
  genId: number;
  total: number;
}

/**
 * Of these histories nothing more will be done: they are at their end, or nobody's task any more. What was counted of them and not done is
 * taken out of the operation, and what was done beyond that is put in.
 */
export async function countOutOfImport(sql: Sql, source: Importing, histories: CountedHistory[]): Promise<void> {
  if (histories.length === 0) return;
  const rows = await sql.query<TrackRow>(`SELECT ${returned} FROM operation WHERE ${running} FOR UPDATE`, [
    source.tenantId,
    source.sourceId,
  ]);
  for (const { id, done, total, track } of rows) {
    const known = total ?? 0;
    const before = trackOf(track);
    const owed = histories.reduce((sum, { genId, total }) => sum + total - doneOf(before, { genId, done }), 0);
    const rest = Math.max(done, known - owed);
    const divided = rest === known ? before : totalChanged(before, { done, total: known });
    const genIds = histories.map(({ genId }) => genId);
    const after = leftBehind(divided, genIds);
    if (after === before) continue;
    await sql.execute('UPDATE operation SET total = $3, track = $4 WHERE tenant_id = $1 AND id = $2', [
      source.tenantId,
      id,
      rest,
      JSON.stringify(after),
    ]);
  }
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

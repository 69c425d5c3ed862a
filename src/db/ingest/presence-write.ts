import type { Database } from '../database';
import { lockSource, lockSourceAlone, type FencedSource } from './source-lock';
import { placementEvents, writeOutbox } from './outbox-write';
import { tombstone, undelete } from '../removals/tombstone';

/**
 * Notes placements that a proven listing no longer shows. The messages stay, or wait to be removed where the policy is `mirror`. What was recorded, or came back, after
 * `listedAfter` (the database's clock, before the listing was asked for) is left alone: a run that was taken for dead and goes on with an
 * old listing must not end what its successor has recorded. How many have ended now; second run: none.
 */
export async function endPlacements(
  db: Database,
  source: FencedSource,
  gone: { genId: number; uids: number[]; listedAfter: Date },
): Promise<number> {
  if (gone.uids.length === 0) return 0;
  return db.inTenant(source.tenantId, async (sql) => {
    const { nextSeq } = await lockSource(sql, source);
    const ended = await sql.query<{ gen_id: number; uid: number }>(
      `UPDATE placement SET presence = 2, presence_at = now(), presence_run_id = $4, seen_due = false
       WHERE gen_id = $1 AND uid = ANY ($2::bigint[]) AND presence = 1
         AND recorded_at < $3 AND coalesce(presence_at, recorded_at) < $3 RETURNING gen_id, uid`,
      [gone.genId, gone.uids, gone.listedAfter, source.runId ?? null],
    );
    await tombstone(sql, source, ended);
    await writeOutbox(sql, source, { nextSeq, events: placementEvents('placement.ended', ended) });
    return ended.length;
  });
}

/**
 * Placements that a listing shows again after they had ended. What has ended after `listedAfter`, as above, stays so: its end was seen in a
 * newer listing. How many live again now; second run: none.
 */
export async function revivePlacements(
  db: Database,
  source: FencedSource,
  shown: { ranges: { genId: number; from: number; to: number }[]; listedAfter: Date },
): Promise<number> {
  const { ranges, listedAfter } = shown;
  if (ranges.length === 0) return 0;
  return db.inTenant(source.tenantId, async (sql) => {
    const { nextSeq } = await lockSource(sql, source);
    const revived = await sql.query<{ gen_id: number; uid: number; copy_id: string | null }>(reviveRanges, [
      ranges.map((range) => range.genId),
      ranges.map((range) => range.from),
      ranges.map((range) => range.to),
      listedAfter,
      source.runId ?? null,
    ]);
    const copyIds = revived.flatMap(({ copy_id }) => copy_id ?? []);
    await undelete(sql, source.tenantId, [...new Set(copyIds)]);
    await writeOutbox(sql, source, { nextSeq, events: placementEvents('placement.revived', revived) });
    return revived.length;
  });
}

// OFFSET 0 keeps each range a walk along the key: joined freely, a big folder is read whole and compared with every range.
const reviveRanges = `
UPDATE placement p SET presence = 1, presence_at = now(), presence_run_id = $5
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS shown(gen_id, first, last)
CROSS JOIN LATERAL (
  SELECT e.gen_id, e.uid FROM placement e
  WHERE e.gen_id = shown.gen_id AND e.uid BETWEEN shown.first AND shown.last AND e.presence IN (2, 3)
    AND e.presence_at < $4 OFFSET 0) ended
WHERE p.gen_id = ended.gen_id AND p.uid = ended.uid RETURNING p.gen_id, p.uid, p.copy_id`;

/** What a server says of a message that may change. */
export interface FlagState {
  uid: number;
  flags: number;
  modseq: string | null;
  labels?: string[];
}

/** Makes the flags and labels of recorded placements follow the server's; unchanged ones are not written. Second run: no change. */
export async function followFlags(
  db: Database,
  source: FencedSource,
  folder: { genId: number; flags: FlagState[]; allRead: boolean },
): Promise<number> {
  return db.inTenant(source.tenantId, async (sql) => {
    const { nextSeq } = await lockSourceAlone(sql, source);
    // Parked mail keeps up as well, for when it is read; nobody is told of it before.
    const followed = await sql.query<{ gen_id: number; uid: number; told: boolean }>(
      `UPDATE placement p SET flags = f.flags, modseq = coalesce(f.modseq, p.modseq), labels = coalesce(f.labels, p.labels)
       FROM (SELECT uid, flags, modseq, CASE WHEN labels <> '' THEN ARRAY(SELECT jsonb_array_elements_text(labels::jsonb)) END AS labels
             FROM unnest($2::bigint[], $3::smallint[], $4::numeric[], $5::text[]) AS shown(uid, flags, modseq, labels)) AS f
       WHERE p.gen_id = $1 AND p.uid = f.uid AND (p.copy_id IS NOT NULL OR p.outcome = 5)
         AND (p.flags IS DISTINCT FROM f.flags OR coalesce(f.labels, p.labels) IS DISTINCT FROM p.labels)
       RETURNING p.gen_id, p.uid, p.copy_id IS NOT NULL AS told`,
      [
        folder.genId,
        folder.flags.map((row) => row.uid),
        folder.flags.map((row) => row.flags),
        folder.flags.map((row) => row.modseq),
        folder.flags.map((row) => (row.labels === undefined ? '' : JSON.stringify(row.labels))),
      ],
    );
    if (folder.allRead) {
      await sql.execute('UPDATE folder_generation SET flags_checked_at = now() WHERE id = $1', [folder.genId]);
    }
    const changed = followed.filter(({ told }) => told);
    await writeOutbox(sql, source, { nextSeq, events: placementEvents('placement.flags', changed) });
    return changed.length;
  });
}

/** UIDs on which \Seen is still to be set, at most 1,000, ascending. */
export async function seenDue(db: Database, tenantId: string, genId: number): Promise<number[]> {
  const rows = await db.inTenant(tenantId, (sql) =>
    sql.query<{ uid: number }>(
      'SELECT uid FROM placement WHERE gen_id = $1 AND seen_due AND presence = 1 ORDER BY uid LIMIT 1000',
      [genId],
    ),
  );
  return rows.map((row) => row.uid);
}

/** \Seen has been set on the server. Second run: no change. */
export async function seenDone(
  db: Database,
  source: FencedSource,
  done: { genId: number; uids: number[] },
): Promise<void> {
  await db.inTenant(source.tenantId, async (sql) => {
    await lockSourceAlone(sql, source);
    await sql.execute(
      'UPDATE placement SET seen_due = false, flags = flags | 1 WHERE gen_id = $1 AND uid = ANY ($2::bigint[])',
      [done.genId, done.uids],
    );
  });
}

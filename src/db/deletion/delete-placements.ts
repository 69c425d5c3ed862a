import { uuidArray } from '../binary-array';
import type { Sql } from '../database';
import type { ContentChunk } from './content-chunk';
import type { DeletionRef } from './deletions';
import type { RowCounts } from './steps';

/**
 * Deletes these ledger rows with their failures, but those of copies that are held back, and adds to the counts. Returns the ids of the
 * bytes of parked mail, which hang on the row itself.
 */
export async function deletePlacements(
  { sql, ref, counts }: { sql: Sql; ref: DeletionRef; counts: RowCounts },
  placements: ContentChunk['placements'],
  heldBackIds: string[],
): Promise<string[]> {
  const { genIds, firstUids, lastUids } = rangesOf(placements);
  const values = [ref.tenantId, ref.sourceId, genIds, firstUids, lastUids];
  const gone = 'unnest($3::bigint[], $4::bigint[], $5::bigint[]) AS gone(gen_id, first_uid, last_uid)';
  const [failures, rows] = await Promise.all([
    sql.execute(
      `DELETE FROM failure f USING ${gone} WHERE f.tenant_id = $1 AND f.source_id = $2
         AND f.gen_id = gone.gen_id AND f.uid BETWEEN gone.first_uid AND gone.last_uid`,
      values,
    ),
    sql.query<{ count: number; blobs: string | null }>(
      `WITH gone AS (
         DELETE FROM placement p USING ${gone} WHERE p.tenant_id = $1 AND p.source_id = $2
           AND p.gen_id = gone.gen_id AND p.uid BETWEEN gone.first_uid AND gone.last_uid
           AND (p.copy_id IS NULL OR p.copy_id <> ALL ($6::uuid[])) RETURNING p.blob_id
       ) SELECT count(*) AS count, string_agg(blob_id::text, ',') AS blobs FROM gone`,
      [...values, uuidArray(heldBackIds)],
    ),
  ]);
  counts['failure'] = failures;
  counts['placement'] = rows[0]?.count ?? 0;
  return rows[0]?.blobs?.split(',') ?? [];
}

/** From the first to the last UID of each generation: in a ledger that nobody writes there is nothing else between them. */
function rangesOf({ genIds, uids }: ContentChunk['placements']) {
  const spans = new Map<number, { first: number; last: number }>();
  genIds.forEach((genId, n) => {
    const uid = uids[n] ?? 0;
    const { first, last } = spans.get(genId) ?? { first: uid, last: uid };
    spans.set(genId, { first: Math.min(first, uid), last: Math.max(last, uid) });
  });
  const ranges = [...spans.values()];
  return {
    genIds: [...spans.keys()],
    firstUids: ranges.map(({ first }) => first),
    lastUids: ranges.map(({ last }) => last),
  };
}

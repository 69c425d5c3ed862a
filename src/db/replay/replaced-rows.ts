import { outcomes } from '../../domain/ledger';
import type { Policy } from '../../domain/policy';
import { StaleFence } from '../../domain/stale-fence';
import type { Sql } from '../database';
import type { BatchItem, ParkedItem } from '../ingest/batch';
import { noteReplies } from '../ingest/left-out-replies';
import { hashOrNull, placementValues, type PlacedItem } from '../ingest/placement-write';
import { hexOf } from '../insert-rows';
import { planNextTries } from './next-tries';
import { noteItems } from './replay-items';

interface Place {
  tenantId: string;
  sourceId: string;
  genId: number;
  policy: Policy;
  parserVersion: number;
  codeVersion: string;
  runId?: string | null;
}

/**
 * The UIDs of a batch that a replay may not write, because their rows are parked no more or gone. What is being deleted is not written to.
 * @throws StaleFence where the source is being deleted: its fence alone does not tell while it was stopped before
 */
export async function uidsNotParked(
  sql: Sql,
  place: { tenantId: string; sourceId: string; genId: number },
  items: BatchItem[],
): Promise<Set<number>> {
  const [deleting, parked] = await Promise.all([
    sql.query('SELECT FROM source WHERE tenant_id = $1 AND id = $2 AND deletion_id IS NOT NULL', [
      place.tenantId,
      place.sourceId,
    ]),
    sql.query<{ uid: number }>(
      'SELECT uid FROM placement WHERE gen_id = $1 AND uid = ANY ($2::bigint[]) AND outcome = $3',
      [place.genId, items.map(({ uid }) => uid), outcomes.parked],
    ),
  ]);
  if (deleting.length > 0) throw new StaleFence();
  const left = new Set(parked.map(({ uid }) => uid));
  return new Set(items.map(({ uid }) => uid).filter((uid) => !left.has(uid)));
}

/**
 * Gives parked ledger rows their new outcome, settles their failures, and notes both in the replay, all in the transaction of the batch.
 * Where and whether the server shows a message stays as it is.
 */
export async function replaceParkedRows(
  sql: Sql,
  place: Place,
  replayed: { items: PlacedItem[]; operationId: string | null },
): Promise<void> {
  const { items, operationId } = replayed;
  const parked = items.flatMap(({ item }) => (item.kind === 'parked' ? [item] : []));
  const read = items.filter(({ item }) => item.kind !== 'parked');
  await Promise.all([
    replacePlacements(sql, place, read),
    settleFailures(
      sql,
      place,
      read.map(({ item }) => item.uid),
    ),
    parkAgain(sql, place, parked),
    noteReplies(
      sql,
      place,
      read.map(({ item }) => item),
    ),
    noteItems(sql, place.tenantId, {
      operationId,
      items: items.map(({ item }) => ({
        genId: place.genId,
        uid: item.uid,
        outcome: item.kind === 'known' ? 'recorded' : item.kind,
        reason: reasonOf(item),
      })),
    }),
  ]);
}

function reasonOf(item: BatchItem): string | null {
  switch (item.kind) {
    case 'parked':
      return item.failure.code;
    case 'filtered':
      return item.reason;
    case 'known':
      return 'same-bytes';
    case 'recorded':
    case 'headers-only':
      return null;
  }
}

async function replacePlacements(sql: Sql, place: Place, items: PlacedItem[]): Promise<void> {
  if (items.length === 0) return;
  await sql.execute(
    `UPDATE placement p SET copy_id = r.copy_id, blob_id = NULL, outcome = r.outcome, reason = r.reason, raw_sha = r.raw_sha,
       message_id_hash = r.message_id_hash, size = r.size, internal_date = coalesce(r.internal_date, p.internal_date),
       modseq = coalesce(r.modseq, p.modseq), seen_due = r.seen_due AND p.presence = 1
     FROM json_to_recordset($2::json) AS r(uid bigint, copy_id uuid, outcome smallint, reason text, raw_sha bytea, message_id_hash bytea,
       size bigint, internal_date timestamptz, modseq numeric, seen_due boolean)
     WHERE p.gen_id = $1 AND p.uid = r.uid AND p.outcome = $3`,
    [place.genId, JSON.stringify(items.map((placed) => placementValues(place, placed))), outcomes.parked],
  );
}

async function settleFailures(sql: Sql, place: Place, uids: number[]): Promise<void> {
  if (uids.length === 0) return;
  const { genId, parserVersion, codeVersion, runId = null } = place;
  await sql.execute(
    `UPDATE failure SET state = 'replayed', replayed_at = now(), replay_run_id = $5, next_try_at = NULL, attempts = attempts + 1,
       versions = versions || jsonb_build_object('parser', $3::integer, 'code', $4::text)
     WHERE gen_id = $1 AND uid = ANY ($2::bigint[]) AND state <> 'replayed'`,
    [genId, uids, parserVersion, codeVersion, runId],
  );
}

/** Tried once more in vain. Bytes that were fetched this time are kept, so that nobody has to fetch them again. */
async function parkAgain(sql: Sql, { genId, parserVersion, codeVersion }: Place, items: ParkedItem[]): Promise<void> {
  if (items.length === 0) return;
  const rows = items.map(({ uid, size, internalDate, rawSha, blobId, failure }) => ({
    uid,
    size,
    internal_date: internalDate,
    raw_sha: rawSha === null ? null : hexOf(rawSha),
    blob_id: blobId,
    kind: failure.kind,
    code: failure.code,
    detail: failure.detail,
    message_id_hash: hashOrNull(failure.messageIdHeader),
  }));
  const values = [genId, JSON.stringify(rows)];
  await sql.execute(
    `UPDATE placement p SET reason = r.code, raw_sha = coalesce(r.raw_sha, p.raw_sha), blob_id = coalesce(r.blob_id, p.blob_id),
       size = CASE WHEN r.blob_id IS NULL THEN p.size ELSE r.size END, internal_date = coalesce(r.internal_date, p.internal_date),
       message_id_hash = coalesce(r.message_id_hash, p.message_id_hash)
     FROM json_to_recordset($2::json) AS r(uid bigint, size bigint, internal_date timestamptz, raw_sha bytea, blob_id uuid, code text, message_id_hash bytea)
     WHERE p.gen_id = $1 AND p.uid = r.uid`,
    values,
  );
  const tried = await sql.query<{ uid: number; attempts: number }>(
    `UPDATE failure x SET attempts = x.attempts + 1, last_failed_at = now(), kind = r.kind, code = r.code, detail = r.detail, next_try_at = NULL,
       versions = x.versions || jsonb_build_object('parser', $3::integer, 'code', $4::text), message_id_hash = coalesce(r.message_id_hash, x.message_id_hash)
     FROM json_to_recordset($2::json) AS r(uid bigint, kind text, code text, detail jsonb, message_id_hash bytea)
     WHERE x.gen_id = $1 AND x.uid = r.uid AND x.state <> 'replayed' RETURNING x.uid, x.attempts`,
    [...values, parserVersion, codeVersion],
  );
  const withoutBytes = new Set(items.flatMap(({ uid, blobId }) => (blobId === null ? [uid] : [])));
  await planNextTries(
    sql,
    genId,
    tried.filter(({ uid }) => withoutBytes.has(uid)),
  );
}

import type { Sql } from '../database';
import type { OpenLinkOperation } from '../thread-links/begin';
import { joinLinks, partLinks } from './move-links';
import type { MergeState } from './merges';

/** A merge on the way from a record to the one that it is a part of now. */
interface MergeOnTheWay {
  mergeId: string;
  recordId: string;
  intoRecordId: string;
  state: MergeState;
  operationId: string;
  actor: string;
  since: Date;
}

/** Where records are now: for each the merges on the way, the innermost first; none for a record that is still itself. */
type WaysOfRecords = ReadonlyMap<string, MergeOnTheWay[]>;

/** The ways of records to those that they are a part of by now. */
export async function waysOfRecords(sql: Sql, tenantId: string, recordIds: string[]): Promise<WaysOfRecords> {
  const rows = await sql.query<MergeOnTheWay & { first: string }>(
    `WITH RECURSIVE way AS (
       SELECT id AS first, id, merged_into, 1 AS n FROM record WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) AND merged_into IS NOT NULL
       UNION ALL SELECT way.first, r.id, r.merged_into, way.n + 1 FROM way JOIN record r ON r.tenant_id = $1 AND r.id = way.merged_into
       WHERE r.merged_into IS NOT NULL)
     SELECT way.first, m.id AS "mergeId", m.record_id AS "recordId", m.into_record_id AS "intoRecordId", m.state, m.operation_id AS "operationId",
       m.actor, m.created_at AS since
     FROM way JOIN record_merge m ON m.tenant_id = $1 AND m.record_id = way.id AND m.into_record_id = way.merged_into AND m.state <> 'undone'
     ORDER BY way.first, way.n`,
    [tenantId, [...new Set(recordIds)]],
  );
  const ways = new Map(recordIds.map((id): [string, MergeOnTheWay[]] => [id, []]));
  for (const { first, ...merge } of rows) ways.get(first)?.push(merge);
  return ways;
}

/** The record that a record is now. */
export function livingRecord(ways: WaysOfRecords, recordId: string): string {
  return ways.get(recordId)?.at(-1)?.intoRecordId ?? recordId;
}

/** A merge on one of the ways whose links are just moving. */
export function openMerge(ways: WaysOfRecords): OpenLinkOperation | null {
  const open = [...ways.values()].flat().find(({ state }) => state === 'merging' || state === 'undoing');
  if (open === undefined) return null;
  const { operationId, actor, since, state } = open;
  return { operationId, kind: state === 'merging' ? 'merge' : 'merge-undo', actor, since };
}

/** Whether the links of one of the records do not wait any more for their merge to be undone. */
export function isFinal(ways: WaysOfRecords): boolean {
  return [...ways.values()].flat().some(({ state }) => state === 'final');
}

/**
 * Changes links of records that have become a part of others, as if it were done before they did: what the merges gave for these messages is taken back,
 * and given anew after `change`. To be called under the tenant's lock.
 */
export async function beforeMerges(
  sql: Sql,
  tenantId: string,
  {
    ways,
    pairs,
    change,
  }: { ways: WaysOfRecords; pairs: { messageId: string; recordId: string }[]; change: () => Promise<void> },
): Promise<void> {
  const merges = new Map<string, { merge: MergeOnTheWay; messageIds: Set<string>; depth: number }>();
  for (const { messageId, recordId } of pairs) {
    ways.get(recordId)?.forEach((merge, depth) => {
      const known = merges.get(merge.mergeId) ?? { merge, messageIds: new Set<string>(), depth };
      merges.set(merge.mergeId, {
        ...known,
        messageIds: known.messageIds.add(messageId),
        depth: Math.max(known.depth, depth),
      });
    });
  }
  const inwards = [...merges.values()].sort((one, other) => one.depth - other.depth);
  for (const { merge, messageIds } of inwards.toReversed()) {
    await partLinks(sql, { tenantId, ...merge }, [...messageIds]);
  }
  await change();
  for (const { merge, messageIds } of inwards) await joinLinks(sql, { tenantId, ...merge }, [...messageIds]);
}

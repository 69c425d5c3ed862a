import type { Sql } from '../database';
import { checkRecords, type RecordRefusal } from '../records-check';
import { readMergedRecord } from '../records';
import { insertOperation } from './begin-merge';
import { isBeingMerged, linksAreChanging, type Merge } from './merges';

/** The undoing of a merge that has begun; `retoldIds`: records that stand elsewhere now, or before other eyes. */
export interface UndoBegun {
  kind: 'begun';
  operationId: string;
  retoldIds: string[];
}

/** What stands against the undoing of a merge. */
export type UndoRefused =
  | { kind: 'not-merged'; state: Merge['state'] }
  | { kind: 'too-late' }
  | { kind: 'busy' }
  /** The record that it is a part of was deleted, or merged itself. */
  | { kind: 'other-gone' }
  | { kind: 'refused'; refusals: RecordRefusal[] };

/**
 * From this commit on the two are two again: each has what it had, but for what was changed since. Links follow by the operation. To be called
 * under the tenant's lock; where it refuses, the transaction is to be rolled back.
 */
export async function beginUndo(sql: Sql, tenantId: string, merge: Merge): Promise<UndoBegun | UndoRefused> {
  const { recordId, intoRecordId } = merge;
  if (await isBeingMerged(sql, tenantId, [recordId, intoRecordId])) return { kind: 'busy' };
  if (await linksAreChanging(sql, tenantId, [recordId, intoRecordId])) return { kind: 'busy' };
  if (merge.state !== 'merged')
    return { kind: merge.state === 'final' ? 'too-late' : 'not-merged', state: merge.state };
  const [there] = await sql.query<{ present: boolean; late: boolean }>(
    `SELECT b.deleted_at IS NULL AS present, m.undo_until < now() AS late FROM record_merge m
     JOIN record b ON b.tenant_id = $1 AND b.id = m.into_record_id WHERE m.tenant_id = $1 AND m.id = $2 FOR UPDATE OF m, b`,
    [tenantId, merge.id],
  );
  if (there?.late === true) return { kind: 'too-late' };
  if (there?.present !== true) return { kind: 'other-gone' };
  const values = [tenantId, merge.id];
  const given = [...backTo('record_address', 'address_key'), ...backTo('record_domain', 'domain')];
  for (const statement of [ownValues, ...given, threadLinks, record]) {
    await sql.execute(statement, values);
  }
  const refusals = await refusalsOf(sql, tenantId, recordId);
  if (refusals.length > 0) return { kind: 'refused', refusals };
  const operationId = await insertOperation(sql, tenantId, { kind: 'merge-undo', recordId });
  await sql.execute(`UPDATE record_merge SET state = 'undoing', operation_id = $3 WHERE tenant_id = $1 AND id = $2`, [
    ...values,
    operationId,
  ]);
  return { kind: 'begun', operationId, retoldIds: [intoRecordId] };
}

async function refusalsOf(sql: Sql, tenantId: string, recordId: string): Promise<RecordRefusal[]> {
  const values = await readMergedRecord(sql, tenantId, recordId);
  if (values === null) throw new Error('a record that was brought back is not there');
  return (await checkRecords(sql, tenantId, { candidates: [{ id: recordId, values }] })).get(recordId) ?? [];
}

const ofMerge = 'FROM record_merge m JOIN record a ON a.tenant_id = $1 AND a.id = m.record_id';
const isMerge = 'm.tenant_id = $1 AND m.id = $2';

/** Gives back what the other had not, where it still is what it was given. */
const ownValues = `UPDATE record b SET updated_at = now(), version = b.version + 1,
    number = CASE WHEN 'number' = ANY (m.taken) AND b.number = a.number THEN NULL ELSE b.number END,
    external_id = CASE WHEN 'externalId' = ANY (m.taken) AND b.external_id = a.external_id THEN NULL ELSE b.external_id END,
    company_id = CASE WHEN 'companyId' = ANY (m.taken) AND b.company_id = a.company_id THEN NULL
      WHEN 'ownCompany' = ANY (m.taken) AND b.company_id IS NULL THEN a.id ELSE b.company_id END,
    intermediary_id = CASE WHEN 'intermediaryId' = ANY (m.taken) AND b.intermediary_id = a.intermediary_id THEN NULL
      WHEN 'ownIntermediary' = ANY (m.taken) AND b.intermediary_id IS NULL THEN a.id ELSE b.intermediary_id END,
    owner_user_id = CASE WHEN 'ownerUserId' = ANY (m.taken) AND b.owner_user_id = a.owner_user_id THEN NULL ELSE b.owner_user_id END
  ${ofMerge} WHERE ${isMerge} AND b.tenant_id = $1 AND b.id = m.into_record_id`;

const ownScope = `UPDATE record b SET updated_at = now(), version = b.version + 1,
    restricted = b.restricted AND NOT ('scope' = ANY (m.taken) AND NOT EXISTS (
      SELECT FROM record_scope s WHERE s.tenant_id = $1 AND s.record_id = b.id AND s.principal <> ALL (m.principals)))
  FROM record_merge m WHERE ${isMerge} AND b.tenant_id = $1 AND b.id = m.into_record_id
    AND ('scope' = ANY (m.taken) OR cardinality(m.principals) > 0)`;

const scope = `DELETE FROM record_scope s USING record_merge m
  WHERE ${isMerge} AND s.tenant_id = $1 AND s.record_id = m.into_record_id AND s.principal = ANY (m.principals)`;

/**
 * Shows the other record to those again whom it was shown to, as the last step of an undoing: while mail of the one still stood there, that mail
 * would have been opened with it. Returns whether there was anything to change. Second run: to be called once, with the end of the operation.
 */
export async function partScopes(sql: Sql, tenantId: string, mergeId: string): Promise<boolean> {
  const values = [tenantId, mergeId];
  const changed = await sql.execute(ownScope, values);
  if (changed > 0) await sql.execute(scope, values);
  return changed > 0;
}

/** Tells what was given apart again: addresses, and domains. What another record brought too stays with the other, and goes when that one does. */
function backTo(table: 'record_address' | 'record_domain', key: 'address_key' | 'domain'): string[] {
  const isOther = 'o.tenant_id = $1 AND o.merged_into = m.into_record_id AND o.id <> m.record_id';
  return [
    `UPDATE ${table} x SET shared = false
     FROM record_merge m JOIN ${table} mine ON mine.tenant_id = $1 AND mine.record_id = m.record_id AND NOT mine.shared
     JOIN record o ON ${isOther}
     WHERE ${isMerge} AND x.tenant_id = $1 AND x.record_id = o.id AND x.${key} = mine.${key}`,
    `DELETE FROM ${table} b USING record_merge m, ${table} mine
     WHERE ${isMerge} AND b.tenant_id = $1 AND b.record_id = m.into_record_id
       AND mine.tenant_id = $1 AND mine.record_id = m.record_id AND NOT mine.shared AND mine.${key} = b.${key}
       AND NOT EXISTS (
         SELECT FROM record o JOIN ${table} x ON x.tenant_id = $1 AND x.record_id = o.id AND x.${key} = b.${key} WHERE ${isOther})`,
    `UPDATE ${table} a SET shared = false FROM record_merge m
     WHERE ${isMerge} AND a.tenant_id = $1 AND a.record_id = m.record_id AND a.shared`,
  ];
}

const threadLinks = `UPDATE thread_link t SET record_id = m.record_id FROM record_merge m
  WHERE ${isMerge} AND t.tenant_id = $1 AND t.id = ANY (m.thread_links) AND t.record_id = m.into_record_id`;

const record = `UPDATE record a SET deleted_at = NULL, merged_into = NULL, updated_at = now(), version = a.version + 1 FROM record_merge m
  WHERE ${isMerge} AND a.tenant_id = $1 AND a.id = m.record_id`;

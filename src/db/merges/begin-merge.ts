import type { Sql } from '../database';
import { newUuid } from '../new-id';
import { linksAreChanging } from './merges';

/** A merge that is asked for. Ids are UUIDs. */
export interface MergeWish {
  recordId: string;
  intoRecordId: string;
  actor: string;
  /** For so long it can be undone. */
  undoMs: number;
}

/** A merge that has begun; `retoldIds`: records that stand elsewhere now, or before other eyes. */
export interface MergeBegun {
  kind: 'begun';
  mergeId: string;
  operationId: string;
  retoldIds: string[];
}

/** What stands against a merge. */
export type MergeRefused = { kind: 'same-record' } | { kind: 'types-differ' } | { kind: 'busy' };

interface RecordRow {
  id: string;
  type: string;
  connector: string;
  number: string | null;
  external_id: string | null;
  company_id: string | null;
  intermediary_id: string | null;
  owner_user_id: string | null;
  restricted: boolean;
}

/**
 * From this commit on the one record is a part of the other: it is found there, and its addresses match there. Links, and whoever it was the
 * company or intermediary of, follow by the operation. Both records are there, and were not deleted. To be called under the tenant's lock.
 */
export async function beginMerge(sql: Sql, tenantId: string, wish: MergeWish): Promise<MergeBegun | MergeRefused> {
  const { recordId, intoRecordId } = wish;
  if (recordId === intoRecordId) return { kind: 'same-record' };
  const [from, into] = [await rowOf(sql, tenantId, recordId), await rowOf(sql, tenantId, intoRecordId)];
  if (from.type !== into.type) return { kind: 'types-differ' };
  if (await isBusy(sql, tenantId, wish)) return { kind: 'busy' };
  await sql.execute(
    `UPDATE record SET deleted_at = now(), merged_into = $3, updated_at = now(), version = version + 1 WHERE tenant_id = $1 AND id = $2`,
    [tenantId, recordId, intoRecordId],
  );
  await giveAddresses(sql, tenantId, wish);
  await giveDomains(sql, tenantId, wish);
  const taken = takenOf(from, into);
  const scope = await giveScope(sql, tenantId, { from, into });
  if (scope.isNarrower) taken.push('scope');
  await giveValues(sql, tenantId, { from, into, taken });
  const threadLinks = await giveThreadLinks(sql, tenantId, wish);
  const operationId = await insertOperation(sql, tenantId, { kind: 'merge', recordId });
  const mergeId = newUuid();
  await sql.execute(
    `INSERT INTO record_merge (tenant_id, id, record_id, into_record_id, operation_id, state, taken, principals, thread_links, actor, undo_until)
     VALUES ($1, $2, $3, $4, $5, 'merging', $6, $7, $8, $9, now() + $10::float8 * interval '1 millisecond')`,
    [
      tenantId,
      mergeId,
      recordId,
      intoRecordId,
      operationId,
      taken,
      scope.principals,
      threadLinks,
      wish.actor,
      wish.undoMs,
    ],
  );
  const moves = ['companyId', 'intermediaryId', 'scope', 'ownCompany', 'ownIntermediary'];
  const isRetold = taken.some((what) => moves.includes(what)) || scope.principals.length > 0;
  // What everybody could read by the one is closed with this commit, and not when its links have moved.
  const closed = into.restricted && !from.restricted ? [recordId] : [];
  return { kind: 'begun', mergeId, operationId, retoldIds: [...closed, ...(isRetold ? [intoRecordId] : [])] };
}

/**
 * Whether one of the two is just being merged elsewhere, or taken apart, or a person's links of them are still being carried out: those would come
 * to a record that is no more. Several records may become a part of the same one at a time.
 */
async function isBusy(sql: Sql, tenantId: string, { recordId, intoRecordId }: MergeWish): Promise<boolean> {
  const merging = await sql.query(
    `SELECT FROM record_merge WHERE tenant_id = $1 AND (
       state IN ('merging', 'undoing') AND (record_id IN ($2, $3) OR into_record_id = $2) OR state = 'undoing' AND into_record_id = $3) LIMIT 1`,
    [tenantId, recordId, intoRecordId],
  );
  return merging.length > 0 || linksAreChanging(sql, tenantId, [recordId, intoRecordId]);
}

async function rowOf(sql: Sql, tenantId: string, recordId: string): Promise<RecordRow> {
  const [row] = await sql.query<RecordRow>(
    `SELECT id, type, connector, number, external_id, company_id, intermediary_id, owner_user_id, restricted
     FROM record WHERE tenant_id = $1 AND id = $2 AND deleted_at IS NULL FOR UPDATE`,
    [tenantId, recordId],
  );
  if (row === undefined) throw new Error('a record that is to be merged is not there');
  return row;
}

/** Addresses stay where they were too, where they match nothing: by them the records are told apart again. */
async function giveAddresses(sql: Sql, tenantId: string, { recordId, intoRecordId }: MergeWish): Promise<void> {
  await sql.execute(
    `UPDATE record_address a SET shared = EXISTS (
       SELECT FROM record_address b WHERE b.tenant_id = $1 AND b.record_id = $3 AND b.address_key = a.address_key)
     WHERE a.tenant_id = $1 AND a.record_id = $2`,
    [tenantId, recordId, intoRecordId],
  );
  await sql.execute(
    `INSERT INTO record_address (tenant_id, address_key, record_id, kind, address)
     SELECT $1, address_key, $3, kind, address FROM record_address WHERE tenant_id = $1 AND record_id = $2 AND NOT shared`,
    [tenantId, recordId, intoRecordId],
  );
}

/** The same with the domains of a company. */
async function giveDomains(sql: Sql, tenantId: string, { recordId, intoRecordId }: MergeWish): Promise<void> {
  const values = [tenantId, recordId, intoRecordId];
  await sql.execute(
    `UPDATE record_domain a SET shared = EXISTS (
       SELECT FROM record_domain b WHERE b.tenant_id = $1 AND b.record_id = $3 AND b.domain = a.domain)
     WHERE a.tenant_id = $1 AND a.record_id = $2`,
    values,
  );
  await sql.execute(
    `INSERT INTO record_domain (tenant_id, domain, record_id)
     SELECT $1, domain, $3 FROM record_domain WHERE tenant_id = $1 AND record_id = $2 AND NOT shared`,
    values,
  );
}

/** What the other record has not, and this one has. */
function takenOf(from: RecordRow, into: RecordRow): string[] {
  const lacks = (name: 'number' | 'company_id' | 'intermediary_id' | 'owner_user_id') =>
    into[name] === null && from[name] !== null && from[name] !== into.id;
  return [
    ...(lacks('number') ? ['number'] : []),
    ...(into.external_id === null && from.external_id !== null && into.connector === from.connector
      ? ['externalId']
      : []),
    ...(lacks('company_id') ? ['companyId'] : []),
    ...(lacks('intermediary_id') ? ['intermediaryId'] : []),
    ...(lacks('owner_user_id') ? ['ownerUserId'] : []),
    // A record cannot be its own company.
    ...(into.company_id === from.id ? ['ownCompany'] : []),
    ...(into.intermediary_id === from.id ? ['ownIntermediary'] : []),
  ];
}

async function giveValues(
  sql: Sql,
  tenantId: string,
  { from, into, taken }: { from: RecordRow; into: RecordRow; taken: string[] },
): Promise<void> {
  await sql.execute(
    `UPDATE record b SET updated_at = now(), version = b.version + 1,
       number = CASE WHEN 'number' = ANY ($4) THEN a.number ELSE b.number END,
       external_id = CASE WHEN 'externalId' = ANY ($4) THEN a.external_id ELSE b.external_id END,
       company_id = CASE WHEN 'companyId' = ANY ($4) THEN a.company_id WHEN b.company_id = a.id THEN NULL ELSE b.company_id END,
       intermediary_id = CASE WHEN 'intermediaryId' = ANY ($4) THEN a.intermediary_id WHEN b.intermediary_id = a.id THEN NULL
         ELSE b.intermediary_id END,
       owner_user_id = CASE WHEN 'ownerUserId' = ANY ($4) THEN a.owner_user_id ELSE b.owner_user_id END,
       restricted = b.restricted OR a.restricted
     FROM record a WHERE b.tenant_id = $1 AND a.tenant_id = $1 AND a.id = $2 AND b.id = $3`,
    [tenantId, from.id, into.id, taken],
  );
}

/**
 * Where one of the two is not for everybody, the two together are not: what was shown to few is never opened by a merge. Where both are for
 * some, they are for all of these. Returns who may see it now and might not before.
 */
async function giveScope(
  sql: Sql,
  tenantId: string,
  { from, into }: { from: RecordRow; into: RecordRow },
): Promise<{ isNarrower: boolean; principals: number[] }> {
  if (!from.restricted) return { isNarrower: false, principals: [] };
  const added = await sql.query<{ principal: number }>(
    `INSERT INTO record_scope (tenant_id, record_id, principal)
     SELECT $1, $3, principal FROM record_scope WHERE tenant_id = $1 AND record_id = $2 ON CONFLICT DO NOTHING RETURNING principal`,
    [tenantId, from.id, into.id],
  );
  return { isNarrower: !into.restricted, principals: added.map(({ principal }) => principal) };
}

async function giveThreadLinks(sql: Sql, tenantId: string, { recordId, intoRecordId }: MergeWish): Promise<string[]> {
  const rows = await sql.query<{ id: string }>(
    'UPDATE thread_link SET record_id = $3 WHERE tenant_id = $1 AND record_id = $2 RETURNING id',
    [tenantId, recordId, intoRecordId],
  );
  return rows.map(({ id }) => id);
}

/** The operation that does the rest, with how much there is to do. */
export async function insertOperation(
  sql: Sql,
  tenantId: string,
  of: { kind: 'merge' | 'merge-undo'; recordId: string },
): Promise<string> {
  const operationId = newUuid();
  await sql.execute(
    `INSERT INTO operation (tenant_id, id, kind, state, total, task) SELECT $1, $2, $3, 'waiting',
       (SELECT count(*) FROM link WHERE tenant_id = $1 AND record_id = $4), '{"part": "links", "after": null}'`,
    [tenantId, operationId, of.kind, of.recordId],
  );
  return operationId;
}

import type { AddressKind } from '../domain/policy';
import type { RecordScope } from '../domain/record-scope';
import type { Sql } from './database';

/** One address of a record: `key` is its normal form, `address` what was given. */
export interface RecordAddress {
  key: string;
  address: string;
  kind: AddressKind;
}

/** What is written of a record. */
export interface RecordValues {
  type: string;
  name: string;
  number: string | null;
  externalId: string | null;
  companyId: string | null;
  /** The broker who sees its mail too. */
  intermediaryId: string | null;
  ownerUserId: string | null;
  scope: RecordScope;
  /** Each key once. */
  addresses: RecordAddress[];
  /** Of a company: where the addresses of its people are, in their normal form, in order, each once. */
  domains: string[];
}

export interface StoredRecord extends RecordValues {
  id: string;
  version: number;
  createdAt: Date;
  updatedAt: Date;
}

export interface RecordFilter {
  type: string | null;
  /** Part of the name, compared without case and accents. */
  name: string | null;
  addressKey: string | null;
  externalId: string | null;
  number: string | null;
  companyId: string | null;
  intermediaryId: string | null;
  ownerUserId: string | null;
  /** Only those that were deleted and can be restored; else those that were not. */
  state: 'present' | 'deleted';
}

// The company or intermediary of a record may have been deleted, or become something else, and come back: the record has none for as long.
const selectRecord = `
  SELECT r.id, r.type, r.name, r.number, r.external_id AS "externalId", c.id AS "companyId", i.id AS "intermediaryId",
    r.owner_user_id AS "ownerUserId", r.version, r.created_at AS "createdAt", r.updated_at AS "updatedAt",
    coalesce((SELECT jsonb_agg(jsonb_build_object('key', a.address_key, 'address', a.address, 'kind', a.kind) ORDER BY a.address_key)
      FROM record_address a WHERE a.tenant_id = r.tenant_id AND a.record_id = r.id), '[]') AS addresses,
    ARRAY(SELECT d.domain FROM record_domain d WHERE d.tenant_id = r.tenant_id AND d.record_id = r.id ORDER BY d.domain COLLATE "C") AS domains,
    CASE WHEN r.restricted THEN (
      SELECT jsonb_build_object('mode', 'restricted',
        'teamIds', coalesce(jsonb_agg(t.id ORDER BY t.id) FILTER (WHERE t.id IS NOT NULL), '[]'),
        'userIds', coalesce(jsonb_agg(u.id ORDER BY u.id) FILTER (WHERE u.id IS NOT NULL), '[]'))
      FROM record_scope s LEFT JOIN team t ON t.tenant_id = $1 AND t.principal = s.principal
      LEFT JOIN app_user u ON u.tenant_id = $1 AND u.principal = s.principal
      WHERE s.tenant_id = $1 AND s.record_id = r.id) ELSE '{"mode": "all"}' END AS scope
  FROM record r LEFT JOIN record c ON c.tenant_id = r.tenant_id AND c.id = r.company_id AND c.type = 'company' AND c.deleted_at IS NULL
  LEFT JOIN record i ON i.tenant_id = r.tenant_id AND i.id = r.intermediary_id AND i.type = 'intermediary' AND i.deleted_at IS NULL
  WHERE r.tenant_id = $1`;

/** Whose eyes a record is looked at with: a user's, or null for whoever may administer all of them. */
export interface RecordReader {
  memberId: string | null;
}

/** Everybody's records. */
export const allRecords: RecordReader = { memberId: null };

/** The condition that the user in this parameter may see the record `r`; null there: all of them. */
export const seenBy = (user: string): string => `(${user}::uuid IS NULL OR NOT r.restricted OR EXISTS (
  SELECT FROM record_scope s WHERE s.tenant_id = $1 AND s.record_id = r.id AND s.principal IN (
    SELECT u.principal FROM app_user u WHERE u.tenant_id = $1 AND u.id = ${user}
    UNION ALL SELECT t.principal FROM team_member m JOIN team t ON t.tenant_id = $1 AND t.id = m.team_id
    WHERE m.tenant_id = $1 AND m.user_id = ${user})))`;

/** The record with this id, or null where there is none that the reader may see, or it was deleted. */
export async function readRecord(
  sql: Sql,
  tenantId: string,
  wanted: RecordReader & { recordId: string },
): Promise<StoredRecord | null> {
  const rows = await sql.query<StoredRecord>(
    `${selectRecord} AND r.deleted_at IS NULL AND r.id = $2 AND ${seenBy('$3')}`,
    [tenantId, wanted.recordId, wanted.memberId],
  );
  return rows[0] ?? null;
}

/** A record that was deleted and can be restored, or null. */
export async function readDeletedRecord(
  sql: Sql,
  tenantId: string,
  wanted: RecordReader & { recordId: string },
): Promise<StoredRecord | null> {
  const rows = await sql.query<StoredRecord>(
    `${selectRecord} AND r.deleted_at IS NOT NULL AND r.merged_into IS NULL AND r.id = $2 AND ${seenBy('$3')}
       AND NOT EXISTS (SELECT FROM deletion d WHERE d.tenant_id = $1 AND d.target_id = r.id AND d.state NOT IN ('done', 'cancelled'))`,
    [tenantId, wanted.recordId, wanted.memberId],
  );
  return rows[0] ?? null;
}

/** What is written of a record that has just been taken out of another, or is still a part of it; null where there is no such record. */
export async function readMergedRecord(sql: Sql, tenantId: string, recordId: string): Promise<StoredRecord | null> {
  const rows = await sql.query<StoredRecord>(`${selectRecord} AND r.id = $2`, [tenantId, recordId]);
  return rows[0] ?? null;
}

/** The record that this one has become a part of, also over several merges; null where it is none, or the reader may not see it. */
export async function mergedInto(
  sql: Sql,
  tenantId: string,
  wanted: RecordReader & { recordId: string },
): Promise<string | null> {
  const rows = await sql.query<{ id: string }>(
    `WITH RECURSIVE way AS (
       SELECT merged_into AS id FROM record WHERE tenant_id = $1 AND id = $2 AND merged_into IS NOT NULL
       UNION SELECT next.merged_into FROM way JOIN record next ON next.tenant_id = $1 AND next.id = way.id
       WHERE next.merged_into IS NOT NULL)
     SELECT r.id FROM way JOIN record r ON r.tenant_id = $1 AND r.id = way.id WHERE r.deleted_at IS NULL AND ${seenBy('$3')}`,
    [tenantId, wanted.recordId, wanted.memberId],
  );
  return rows[0]?.id ?? null;
}

/** Records in the order of their making, from after `afterId` on. */
export function listRecords(
  sql: Sql,
  tenantId: string,
  page: RecordReader & { filter: RecordFilter; afterId: string | null; limit: number },
): Promise<StoredRecord[]> {
  const { filter } = page;
  const state =
    filter.state === 'deleted' ? 'r.deleted_at IS NOT NULL AND r.merged_into IS NULL' : 'r.deleted_at IS NULL';
  return sql.query<StoredRecord>(
    `${selectRecord} AND ${state} AND ($2::uuid IS NULL OR r.id > $2) AND ($3::text IS NULL OR r.type = $3)
       AND ($4::text IS NULL OR unaccent(r.name) ILIKE '%' || unaccent($4) || '%')
       AND ($5::text IS NULL OR r.id IN (SELECT a.record_id FROM record_address a WHERE a.tenant_id = $1 AND a.address_key = $5))
       AND ($6::text IS NULL OR r.external_id = $6) AND ($7::text IS NULL OR r.number = $7)
       AND ($8::uuid IS NULL OR r.company_id = $8) AND ($9::uuid IS NULL OR r.intermediary_id = $9)
       AND ($10::uuid IS NULL OR r.owner_user_id = $10) AND ${seenBy('$11')}
     ORDER BY r.id LIMIT $12`,
    [
      tenantId,
      page.afterId,
      filter.type,
      filter.name === null ? null : filter.name.replace(/[\\%_]/g, '\\$&'),
      filter.addressKey,
      filter.externalId,
      filter.number,
      filter.companyId,
      filter.intermediaryId,
      filter.ownerUserId,
      page.memberId,
      page.limit,
    ],
  );
}

/** The records with these external ids; `type` and `externalIds` are lists of the same length. */
export function recordsByExternalId(
  sql: Sql,
  tenantId: string,
  wanted: RecordReader & { types: string[]; externalIds: string[]; connector: string },
): Promise<StoredRecord[]> {
  return sql.query<StoredRecord>(
    `${selectRecord} AND r.deleted_at IS NULL AND r.connector = $4
       AND (r.type, r.external_id) IN (SELECT * FROM unnest($2::text[], $3::text[])) AND ${seenBy('$5')}`,
    [tenantId, wanted.types, wanted.externalIds, wanted.connector, wanted.memberId],
  );
}

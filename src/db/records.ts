import type { AddressKind } from '../domain/policy';
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
  ownerUserId: string | null;
  /** Each key once. */
  addresses: RecordAddress[];
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
}

// The company of a record may have been deleted, and come back: then the record has no company for as long.
const selectRecord = `
  SELECT r.id, r.type, r.name, r.number, r.external_id AS "externalId", c.id AS "companyId", r.owner_user_id AS "ownerUserId",
    r.version, r.created_at AS "createdAt", r.updated_at AS "updatedAt",
    coalesce((SELECT jsonb_agg(jsonb_build_object('key', a.address_key, 'address', a.address, 'kind', a.kind) ORDER BY a.address_key)
      FROM record_address a WHERE a.tenant_id = r.tenant_id AND a.record_id = r.id), '[]') AS addresses
  FROM record r LEFT JOIN record c ON c.tenant_id = r.tenant_id AND c.id = r.company_id AND c.deleted_at IS NULL
  WHERE r.tenant_id = $1 AND r.deleted_at IS NULL`;

/** The record with this id, or null where there is none or it was deleted. */
export async function readRecord(sql: Sql, tenantId: string, recordId: string): Promise<StoredRecord | null> {
  const rows = await sql.query<StoredRecord>(`${selectRecord} AND r.id = $2`, [tenantId, recordId]);
  return rows[0] ?? null;
}

/** Whether there is a record with this id that was not deleted. */
export async function recordExists(sql: Sql, tenantId: string, recordId: string): Promise<boolean> {
  const rows = await sql.query('SELECT FROM record WHERE tenant_id = $1 AND id = $2 AND deleted_at IS NULL', [
    tenantId,
    recordId,
  ]);
  return rows.length > 0;
}

/** Records in the order of their making, from after `afterId` on. */
export function listRecords(
  sql: Sql,
  tenantId: string,
  page: { filter: RecordFilter; afterId: string | null; limit: number },
): Promise<StoredRecord[]> {
  const { filter } = page;
  return sql.query<StoredRecord>(
    `${selectRecord} AND ($2::uuid IS NULL OR r.id > $2) AND ($3::text IS NULL OR r.type = $3)
       AND ($4::text IS NULL OR unaccent(r.name) ILIKE '%' || unaccent($4) || '%')
       AND ($5::text IS NULL OR r.id IN (SELECT a.record_id FROM record_address a WHERE a.tenant_id = $1 AND a.address_key = $5))
       AND ($6::text IS NULL OR r.external_id = $6) AND ($7::text IS NULL OR r.number = $7)
       AND ($8::uuid IS NULL OR r.company_id = $8)
     ORDER BY r.id LIMIT $9`,
    [
      tenantId,
      page.afterId,
      filter.type,
      filter.name === null ? null : filter.name.replace(/[\\%_]/g, '\\$&'),
      filter.addressKey,
      filter.externalId,
      filter.number,
      filter.companyId,
      page.limit,
    ],
  );
}

/** The records with these external ids; `type` and `externalIds` are lists of the same length. */
export function recordsByExternalId(
  sql: Sql,
  tenantId: string,
  wanted: { types: string[]; externalIds: string[] },
): Promise<StoredRecord[]> {
  return sql.query<StoredRecord>(
    `${selectRecord} AND r.connector = 'built-in'
       AND (r.type, r.external_id) IN (SELECT * FROM unnest($2::text[], $3::text[]))`,
    [tenantId, wanted.types, wanted.externalIds],
  );
}

import type { Sql } from './database';

/** A type of record that a tenant has named beside the built-in ones. */
export interface OwnRecordType {
  type: string;
  name: string;
  createdAt: Date;
}

const columns = `type, name, created_at AS "createdAt"`;

/** The tenant's own types, by name of type. */
export function listRecordTypes(sql: Sql, tenantId: string): Promise<OwnRecordType[]> {
  return sql.query<OwnRecordType>(`SELECT ${columns} FROM record_type WHERE tenant_id = $1 ORDER BY type`, [tenantId]);
}

/** One of the tenant's own types, or null. */
export async function readRecordType(sql: Sql, tenantId: string, type: string): Promise<OwnRecordType | null> {
  const rows = await sql.query<OwnRecordType>(`SELECT ${columns} FROM record_type WHERE tenant_id = $1 AND type = $2`, [
    tenantId,
    type,
  ]);
  return rows[0] ?? null;
}

/** A new type; null where the tenant has it already. */
export async function createRecordType(
  sql: Sql,
  tenantId: string,
  values: { type: string; name: string },
): Promise<OwnRecordType | null> {
  const rows = await sql.query<OwnRecordType>(
    `INSERT INTO record_type (tenant_id, type, name) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING ${columns}`,
    [tenantId, values.type, values.name],
  );
  return rows[0] ?? null;
}

/** Gives a type another name; null where there is no such type. */
export async function renameRecordType(
  sql: Sql,
  tenantId: string,
  values: { type: string; name: string },
): Promise<OwnRecordType | null> {
  const rows = await sql.query<OwnRecordType>(
    `UPDATE record_type SET name = $3 WHERE tenant_id = $1 AND type = $2 RETURNING ${columns}`,
    [tenantId, values.type, values.name],
  );
  return rows[0] ?? null;
}

export type RecordTypeRemoved = { kind: 'removed' } | { kind: 'in-use' } | { kind: 'not-found' };

/** Takes a type away that no record has. To be called under the tenant's lock. Second run: `not-found`. */
export async function removeRecordType(sql: Sql, tenantId: string, type: string): Promise<RecordTypeRemoved> {
  const used = await sql.query('SELECT FROM record WHERE tenant_id = $1 AND type = $2 AND deleted_at IS NULL LIMIT 1', [
    tenantId,
    type,
  ]);
  if (used.length > 0) return { kind: 'in-use' };
  const removed = await sql.execute('DELETE FROM record_type WHERE tenant_id = $1 AND type = $2', [tenantId, type]);
  return { kind: removed > 0 ? 'removed' : 'not-found' };
}

import type { Sql } from './database';
import type { RecordValues } from './records';

/** Why a record cannot be written as it is. */
export type RecordRefusal =
  | { kind: 'number-taken'; recordId: string | null }
  | { kind: 'external-id-taken'; recordId: string }
  | { kind: 'no-such-company' }
  | { kind: 'own-company' }
  | { kind: 'no-such-owner' };

/** A record on its way into the database. */
export interface RecordCandidate {
  id: string;
  values: RecordValues;
}

/**
 * What stands against writing these records, by record id; records without an entry can be written. To be called under the tenant's lock,
 * so that what was found stays true until the end of the transaction.
 */
export async function checkRecords(
  sql: Sql,
  tenantId: string,
  candidates: RecordCandidate[],
): Promise<Map<string, RecordRefusal[]>> {
  const found = new Map<string, RecordRefusal[]>();
  const refuse = (id: string, refusal: RecordRefusal) => found.set(id, [...(found.get(id) ?? []), refusal]);
  for (const { id, values } of candidates) if (values.companyId === id) refuse(id, { kind: 'own-company' });
  for (const id of numbersTwice(candidates)) refuse(id, { kind: 'number-taken', recordId: null });
  for (const { id, refusal } of await storedConflicts(sql, tenantId, candidates)) refuse(id, refusal);
  return found;
}

/** Ids of the candidates whose number an earlier candidate has. */
function numbersTwice(candidates: RecordCandidate[]): string[] {
  const seen = new Set<string>();
  return candidates.flatMap(({ id, values }) => {
    if (values.number === null) return [];
    const number = JSON.stringify([values.type, values.number]);
    if (seen.has(number)) return [id];
    seen.add(number);
    return [];
  });
}

const conflictStatement = `
WITH wanted AS MATERIALIZED (
  SELECT * FROM json_to_recordset($2::json) AS w(id uuid, type text, number text, external_id text, company_id uuid, owner_user_id uuid)
)
SELECT w.id, 'number-taken' AS kind, r.id AS record_id FROM wanted w
JOIN record r ON r.tenant_id = $1 AND r.type = w.type AND r.number = w.number AND r.deleted_at IS NULL AND r.id <> w.id
UNION ALL
SELECT w.id, 'external-id-taken', r.id FROM wanted w
JOIN record r ON r.tenant_id = $1 AND r.connector = 'built-in' AND r.type = w.type AND r.external_id = w.external_id
  AND r.deleted_at IS NULL AND r.id <> w.id
UNION ALL
SELECT w.id, 'no-such-company', NULL FROM wanted w WHERE w.company_id IS NOT NULL AND NOT EXISTS (
  SELECT FROM record r WHERE r.tenant_id = $1 AND r.id = w.company_id AND r.type = 'company' AND r.deleted_at IS NULL)
UNION ALL
SELECT w.id, 'no-such-owner', NULL FROM wanted w WHERE w.owner_user_id IS NOT NULL AND NOT EXISTS (
  SELECT FROM app_user u WHERE u.tenant_id = $1 AND u.id = w.owner_user_id)`;

async function storedConflicts(sql: Sql, tenantId: string, candidates: RecordCandidate[]) {
  const wanted = candidates.map(({ id, values }) => ({
    id,
    type: values.type,
    number: values.number,
    external_id: values.externalId,
    company_id: values.companyId,
    owner_user_id: values.ownerUserId,
  }));
  const rows = await sql.query<{ id: string; kind: Exclude<RecordRefusal['kind'], 'own-company'>; record_id: string }>(
    conflictStatement,
    [tenantId, JSON.stringify(wanted)],
  );
  return rows.map(({ id, kind, record_id }) => ({
    id,
    refusal: kind === 'number-taken' || kind === 'external-id-taken' ? { kind, recordId: record_id } : { kind },
  }));
}

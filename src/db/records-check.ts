import { isBuiltInRecordType } from '../domain/record-type';
import type { Sql } from './database';
import { domainRefusals } from './record-domains';
import type { RecordValues } from './records';
import { teamsAmong } from './teams';
import { usersAmong } from './viewers';

/** Why a record cannot be written as it is. */
export type RecordRefusal =
  | { kind: 'number-taken'; recordId: string | null }
  | { kind: 'external-id-taken'; recordId: string }
  | { kind: 'no-such-company' }
  | { kind: 'own-company' }
  | { kind: 'no-such-intermediary' }
  | { kind: 'own-intermediary' }
  | { kind: 'no-such-owner' }
  | { kind: 'no-such-type' }
  | { kind: 'named-by-others' }
  | { kind: 'no-such-team' }
  | { kind: 'no-such-user' }
  | { kind: 'domains-of-no-company' }
  | { kind: 'public-mail-domain'; domain: string };

/** A record on its way into the database. */
export interface RecordCandidate {
  id: string;
  values: RecordValues;
}

/**
 * What stands against writing these records, by record id; records without an entry can be written. External ids are unique within the
 * connector of a record, which for new ones is the one given. To be called under the tenant's lock,
 * so that what was found stays true until the end of the transaction.
 */
export async function checkRecords(
  sql: Sql,
  tenantId: string,
  { candidates, connector = 'built-in' }: { candidates: RecordCandidate[]; connector?: string },
): Promise<Map<string, RecordRefusal[]>> {
  const found = new Map<string, RecordRefusal[]>();
  const refuse = (id: string, refusal: RecordRefusal) => found.set(id, [...(found.get(id) ?? []), refusal]);
  for (const { id, values } of candidates) {
    if (values.companyId === id) refuse(id, { kind: 'own-company' });
    if (values.intermediaryId === id) refuse(id, { kind: 'own-intermediary' });
    for (const refusal of domainRefusals(values)) refuse(id, refusal);
  }
  for (const id of numbersTwice(candidates)) refuse(id, { kind: 'number-taken', recordId: null });
  const stored = await storedConflicts(sql, tenantId, { candidates, connector });
  const unknown = [
    ...(await unknownTypes(sql, tenantId, candidates)),
    ...(await unknownReaders(sql, tenantId, candidates)),
  ];
  for (const { id, refusal } of [...stored, ...unknown]) refuse(id, refusal);
  return found;
}

interface Refused {
  id: string;
  refusal: RecordRefusal;
}

/** Types that are neither built in nor the tenant's own; nobody asks for those that are built in. */
async function unknownTypes(sql: Sql, tenantId: string, candidates: RecordCandidate[]): Promise<Refused[]> {
  const own = candidates.filter(({ values }) => !isBuiltInRecordType(values.type));
  if (own.length === 0) return [];
  const rows = await sql.query<{ type: string }>(
    'SELECT type FROM record_type WHERE tenant_id = $1 AND type = ANY ($2::text[])',
    [tenantId, [...new Set(own.map(({ values }) => values.type))]],
  );
  const known = new Set(rows.map(({ type }) => type));
  return own
    .filter(({ values }) => !known.has(values.type))
    .map(({ id }) => ({ id, refusal: { kind: 'no-such-type' } }));
}

/** Teams and users that records are to be shown to, and that are not there; nobody asks where all may see all. */
async function unknownReaders(sql: Sql, tenantId: string, candidates: RecordCandidate[]): Promise<Refused[]> {
  const restricted = candidates.flatMap(({ id, values: { scope } }) =>
    scope.mode === 'restricted' ? [{ id, scope }] : [],
  );
  if (restricted.length === 0) return [];
  const idsOf = (of: 'teamIds' | 'userIds') => [...new Set(restricted.flatMap(({ scope }) => scope[of]))];
  const teams = await teamsAmong(sql, tenantId, idsOf('teamIds'));
  const users = await usersAmong(sql, tenantId, idsOf('userIds'));
  return restricted.flatMap(({ id, scope }): Refused[] => [
    ...(scope.teamIds.every((team) => teams.has(team)) ? [] : [{ id, refusal: { kind: 'no-such-team' } as const }]),
    ...(scope.userIds.every((user) => users.has(user)) ? [] : [{ id, refusal: { kind: 'no-such-user' } as const }]),
  ]);
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

// What belongs to a merged record is kept for it, as long as the merge can be undone and after: it may only go where the record went.
const conflictStatement = `
WITH wanted AS MATERIALIZED (
  SELECT w.*, coalesce(own.connector, $3) AS connector FROM json_to_recordset($2::json) AS w(id uuid, type text, number text, external_id text,
    company_id uuid, intermediary_id uuid, owner_user_id uuid)
  LEFT JOIN record own ON own.tenant_id = $1 AND own.id = w.id
), merged AS MATERIALIZED (
  SELECT id, type, number, external_id, merged_into, connector FROM record WHERE tenant_id = $1 AND merged_into IS NOT NULL
)
SELECT w.id, 'number-taken' AS kind, r.id AS record_id FROM wanted w
JOIN record r ON r.tenant_id = $1 AND r.type = w.type AND r.number = w.number AND r.deleted_at IS NULL AND r.id <> w.id
UNION ALL
SELECT w.id, 'external-id-taken', r.id FROM wanted w
JOIN record r ON r.tenant_id = $1 AND r.connector = w.connector AND r.type = w.type AND r.external_id = w.external_id
  AND r.deleted_at IS NULL AND r.id <> w.id
UNION ALL
SELECT w.id, 'number-taken', m.id FROM merged m JOIN wanted w ON w.type = m.type AND w.number = m.number
WHERE m.merged_into <> w.id AND m.id <> w.id AND NOT EXISTS (
  SELECT FROM record own WHERE own.tenant_id = $1 AND own.id = w.id AND own.type = w.type AND own.number = w.number)
UNION ALL
SELECT w.id, 'external-id-taken', m.id FROM merged m JOIN wanted w ON w.type = m.type AND w.external_id = m.external_id AND m.connector = w.connector
WHERE m.merged_into <> w.id AND m.id <> w.id AND NOT EXISTS (
  SELECT FROM record own WHERE own.tenant_id = $1 AND own.id = w.id AND own.type = w.type AND own.external_id = w.external_id)
UNION ALL
SELECT w.id, 'named-by-others', NULL FROM wanted w JOIN record own ON own.tenant_id = $1 AND own.id = w.id AND own.type <> w.type
WHERE own.type = 'company' AND EXISTS (SELECT FROM record p WHERE p.tenant_id = $1 AND p.company_id = w.id AND p.deleted_at IS NULL)
  OR own.type = 'intermediary' AND EXISTS (
    SELECT FROM record p WHERE p.tenant_id = $1 AND p.intermediary_id = w.id AND p.deleted_at IS NULL)
UNION ALL
SELECT w.id, 'no-such-company', NULL FROM wanted w WHERE w.company_id IS NOT NULL AND NOT EXISTS (
  SELECT FROM record r WHERE r.tenant_id = $1 AND r.id = w.company_id AND r.type = 'company' AND r.deleted_at IS NULL)
UNION ALL
SELECT w.id, 'no-such-intermediary', NULL FROM wanted w WHERE w.intermediary_id IS NOT NULL AND NOT EXISTS (
  SELECT FROM record r WHERE r.tenant_id = $1 AND r.id = w.intermediary_id AND r.type = 'intermediary' AND r.deleted_at IS NULL)
UNION ALL
SELECT w.id, 'no-such-owner', NULL FROM wanted w WHERE w.owner_user_id IS NOT NULL AND NOT EXISTS (
  SELECT FROM app_user u WHERE u.tenant_id = $1 AND u.id = w.owner_user_id)`;

type StoredRefusalKind =
  | 'number-taken'
  | 'external-id-taken'
  | 'named-by-others'
  | 'no-such-company'
  | 'no-such-intermediary'
  | 'no-such-owner';

async function storedConflicts(
  sql: Sql,
  tenantId: string,
  { candidates, connector }: { candidates: RecordCandidate[]; connector: string },
): Promise<Refused[]> {
  const wanted = candidates.map(({ id, values }) => ({
    id,
    type: values.type,
    number: values.number,
    external_id: values.externalId,
    company_id: values.companyId,
    intermediary_id: values.intermediaryId,
    owner_user_id: values.ownerUserId,
  }));
  const rows = await sql.query<{ id: string; kind: StoredRefusalKind; record_id: string }>(conflictStatement, [
    tenantId,
    JSON.stringify(wanted),
    connector,
  ]);
  return rows.map(({ id, kind, record_id }) => ({
    id,
    refusal: kind === 'number-taken' || kind === 'external-id-taken' ? { kind, recordId: record_id } : { kind },
  }));
}

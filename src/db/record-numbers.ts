import { addressesBehindNumber, mostDots } from '../domain/activity';
import { numberMark, numberRoles } from '../domain/matching';
import type { Sql } from './database';

/** As the index `record_by_number` has them: of a record that was merged the number leads to what it is a part of. */
const hasNumber = 'number_key IS NOT NULL AND (deleted_at IS NULL OR merged_into IS NOT NULL)';

/** Whether mail is filed by numbers at all. Where nobody uses them, to ask for it is all that they cost. */
export const numbersAreUsed = `EXISTS (SELECT FROM record WHERE tenant_id = $1 AND ${hasNumber})`;

const isOurs = (key: string) => `
  SELECT FROM user_address WHERE tenant_id = $1 AND address_key = ${key}
  UNION ALL SELECT FROM source
  WHERE tenant_id = $1 AND kind IN ('mailbox', 'drop', 'file') AND address_key = ${key} AND deleted_at IS NULL LIMIT 1`;

/** A record that a number before an address of ours leads to. */
export interface NumberedRow {
  address_key: string;
  record_id: string;
  kind: null;
  way: 'number';
  version: number;
  type: string;
  company_id: string | null;
}

/**
 * The records whose number stands before one of our addresses (product promise D1), by these addresses of messages. Ours are the addresses of users and
 * mailboxes; the very address of one has no number.
 */
export async function candidatesByNumber(sql: Sql, tenantId: string, addressKeys: string[]): Promise<NumberedRow[]> {
  const readings = readingsOf(addressKeys);
  if (readings.length === 0) return [];
  const rows = await sql.query<NumberedRow & { is_merged: boolean }>(numberedStatement, [
    tenantId,
    readings.map(({ key }) => key),
    readings.map(({ number }) => number),
    readings.map(({ behind }) => behind),
  ]);
  const merged = rows.filter((row) => row.is_merged);
  if (merged.length === 0) return rows;
  const ids = [...new Set(merged.map((row) => row.record_id))];
  const ends = await sql.query<NumberedRow & { part_id: string }>(mergedStatement, [tenantId, ids]);
  const whole = merged.flatMap(({ address_key: key, record_id: partId }) =>
    ends.flatMap((end) => (end.part_id === partId ? [{ ...end, address_key: key }] : [])),
  );
  return [...rows.filter((row) => !row.is_merged), ...whole];
}

/** The ways to read addresses as one with a number before it. */
function readingsOf(addressKeys: string[]): { key: string; number: string; behind: string }[] {
  return addressKeys.flatMap((key) =>
    addressesBehindNumber(key).map((behind) => ({ key, number: key.slice(0, -behind.length - 1), behind })),
  );
}

const shown = (record: string) => `NULL AS kind, 'number' AS way, ${record}.version, ${record}.type, (
  SELECT c.id FROM record c WHERE c.tenant_id = $1 AND c.id = ${record}.company_id AND c.deleted_at IS NULL) AS company_id`;

// The number first: nearly all that stands before a dot is none.
const numberedStatement = `
SELECT hit.address_key, hit.record_id, ${shown('hit')}, hit.is_merged FROM (
  SELECT w.address_key, w.behind, r.* FROM unnest($2::text[], $3::text[], $4::text[]) AS w(address_key, number, behind)
  CROSS JOIN LATERAL (
    SELECT id AS record_id, version, type, company_id, deleted_at IS NOT NULL AS is_merged
    FROM record WHERE tenant_id = $1 AND number_key = w.number AND ${hasNumber} OFFSET 0) AS r OFFSET 0
) AS hit CROSS JOIN LATERAL (${isOurs('hit.behind')}) AS own WHERE NOT EXISTS (${isOurs('hit.address_key')})`;

const mergedStatement = `
WITH RECURSIVE way AS (
  SELECT id AS part_id, id, merged_into FROM record WHERE tenant_id = $1 AND id = ANY ($2::uuid[])
  UNION SELECT way.part_id, next.id, next.merged_into FROM way JOIN record next ON next.tenant_id = $1 AND next.id = way.merged_into
)
SELECT way.part_id, r.id AS record_id, ${shown('r')} FROM way JOIN record r ON r.tenant_id = $1 AND r.id = way.id AND r.deleted_at IS NULL`;

/** Before an address of ours: all mail to it with any number. No domain begins so. */
const anyNumberMark = '@#';

/** Whether one of a list of keys stands for all mail to an address of ours with any number. */
export const isAnyNumberKey = (key: string) => `starts_with(${key}, '${anyNumberMark}')`;

/** The addresses that are left of one without what stands before one of its dots, as `addressesBehindNumber` has them. */
const behindDots = (key: string) => `
  SELECT array_to_string(p.parts[n + 1:], '.') AS behind FROM (SELECT string_to_array(${key}, '.') AS parts) AS p
  CROSS JOIN LATERAL generate_series(1, least(cardinality(p.parts) - 1, ${String(mostDots)})) AS n`;

/** Whether a copy has a recipient that such a key among the rows `k` of `rematch_key`, by the condition `ofJob`, stands for. */
export const copyHasNumber = (copyId: string, ofJob: string) => `(SELECT EXISTS (
  SELECT FROM rematch_key k WHERE ${ofJob} AND k.kind = 2 AND ${isAnyNumberKey('k.address_key')})) AND EXISTS (
  SELECT FROM copy_address ca CROSS JOIN LATERAL (${behindDots('ca.address_key')}) AS r
  JOIN rematch_key k ON ${ofJob} AND k.address_key = '${anyNumberMark}' || r.behind
  WHERE ca.tenant_id = $1 AND ca.copy_id = ${copyId} AND ca.role IN (${numberRoles.map((role) => `'${role}'`).join(', ')}))`;

/** So many addresses are looked for, one by one; where numbers and addresses of ours make more, all mail is walked through instead. */
const mostLookedFor = 10_000;

/**
 * Of keys whose mail is to be matched again, those that `queueRematch` looks for: addresses and domains as they are; for `number:` and the number of a
 * record the addresses of ours with it that have mail, or where that would be too many to look for, all mail to ours with any number.
 */
export async function withNumberedAddresses(
  sql: Sql,
  tenantId: string,
  { keys, most = mostLookedFor }: { keys: string[]; most?: number },
): Promise<string[]> {
  const numbers = keys.flatMap((key) => (key.startsWith(numberMark) ? [key.slice(numberMark.length)] : []));
  if (numbers.length === 0) return keys;
  const ours = await ourAddresses(sql, tenantId);
  return [
    ...keys.filter((key) => !key.startsWith(numberMark)),
    ...(await addressesWith(sql, tenantId, { numbers, ours, most })),
  ];
}

/**
 * Whose mail is to be matched again, as `queueRematch` takes it, when these have become addresses of users or mailboxes, or are none any more: that to
 * them with the number of a record, and that to themselves where they read as another with one. None where nobody uses numbers.
 */
export async function keysOfOurs(sql: Sql, tenantId: string, ours: string[]): Promise<string[]> {
  if (ours.length === 0) return [];
  const rows = await sql.query<{ number: string }>(
    `SELECT DISTINCT number_key AS number FROM record WHERE tenant_id = $1 AND ${hasNumber} LIMIT $2`,
    [tenantId, mostLookedFor + 1],
  );
  if (rows.length === 0) return [];
  const numbers = rows.map(({ number }) => number);
  const readings = readingsOf(ours);
  const themselves = await sql.query<{ key: string }>(
    `SELECT DISTINCT w.key FROM unnest($2::text[], $3::text[]) AS w(key, number) CROSS JOIN LATERAL (
       SELECT FROM record WHERE tenant_id = $1 AND number_key = w.number AND ${hasNumber} LIMIT 1) AS named`,
    [tenantId, readings.map(({ key }) => key), readings.map(({ number }) => number)],
  );
  const numbered = await addressesWith(sql, tenantId, { numbers, ours, most: mostLookedFor });
  return [...themselves.map(({ key }) => key), ...numbered];
}

async function ourAddresses(sql: Sql, tenantId: string): Promise<string[]> {
  const rows = await sql.query<{ key: string }>(
    `SELECT address_key AS key FROM source WHERE tenant_id = $1 AND deleted_at IS NULL
     UNION SELECT address_key FROM user_address WHERE tenant_id = $1`,
    [tenantId],
  );
  return rows.map(({ key }) => key);
}

async function addressesWith(
  sql: Sql,
  tenantId: string,
  { numbers, ours, most }: { numbers: string[]; ours: string[]; most: number },
): Promise<string[]> {
  if (numbers.length * ours.length > most) return ours.map((key) => `${anyNumberMark}${key}`);
  const rows = await sql.query<{ key: string }>(
    `SELECT w.key FROM (
       SELECT number || '.' || ours AS key FROM unnest($2::text[]) AS number CROSS JOIN unnest($3::text[]) AS ours OFFSET 0) AS w
     CROSS JOIN LATERAL (SELECT FROM copy_address WHERE tenant_id = $1 AND address_key = w.key LIMIT 1) AS found`,
    [tenantId, numbers, ours],
  );
  return rows.map(({ key }) => key);
}

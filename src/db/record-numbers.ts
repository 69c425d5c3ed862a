import { projectTypes } from '../domain/activity';
import { numberMark, numberRoles } from '../domain/matching';
import type { Sql } from './database';

/** As the index `record_by_number` has them: of a record that was merged the number leads to what it is a part of. */
const hasNumber = `number IS NOT NULL AND type IN (${projectTypes.map((type) => `'${type}'`).join(', ')})
  AND (deleted_at IS NULL OR merged_into IS NOT NULL)`;

/** Whether mail is filed by numbers at all: where nobody uses them, this is all that they cost. */
const numbersAreUsed = `(SELECT EXISTS (SELECT FROM record WHERE tenant_id = $1 AND lower(number) >= '' AND ${hasNumber}))`;

const namedBy = (number: string) =>
  `SELECT id FROM record WHERE tenant_id = $1 AND lower(number) = ${number} AND ${hasNumber} OFFSET 0`;

const isOurs = (key: string) => `(
  EXISTS (SELECT FROM user_address u WHERE u.tenant_id = $1 AND u.address_key = ${key})
  OR EXISTS (SELECT FROM source o WHERE o.tenant_id = $1 AND o.kind IN ('mailbox', 'drop', 'file') AND o.address_key = ${key} AND o.deleted_at IS NULL))`;

/** More dots than a local part has with a number before it, and a hostile sender may ask for. */
const mostDots = 8;

/** The ways to read an address as one with a number before it: columns `number` and `behind`. */
const readings = (key: string) => `
  SELECT array_to_string(p.parts[:n], '.') AS number, array_to_string(p.parts[n + 1:], '.') AS behind
  FROM (SELECT string_to_array(${key}, '.') AS parts) AS p
  CROSS JOIN LATERAL generate_series(1, least(cardinality(p.parts) - 1, ${String(mostDots)})) AS n
  WHERE strpos(array_to_string(p.parts[n + 1:], '.'), '@') > 1`;

/**
 * The records whose number stands before one of our addresses (product promise D1), as one of the parts of `candidatesOfWanted`. Our addresses are those
 * of users and mailboxes; the very address of one has no number.
 */
export const candidatesByNumber = `
  SELECT w.address_key, n.record_id, NULL, 'number' FROM wanted w CROSS JOIN LATERAL (
    SELECT whole.id AS record_id FROM (
      SELECT r.behind, named.id FROM (${readings('w.address_key')}) AS r CROSS JOIN LATERAL (${namedBy('r.number')}) AS named OFFSET 0
    ) AS hit CROSS JOIN LATERAL (
      WITH RECURSIVE way AS (
        SELECT id, deleted_at, merged_into FROM record WHERE tenant_id = $1 AND id = hit.id
        UNION SELECT next.id, next.deleted_at, next.merged_into FROM way JOIN record next ON next.tenant_id = $1 AND next.id = way.merged_into
      ) SELECT id FROM way WHERE deleted_at IS NULL OFFSET 0
    ) AS whole WHERE ${isOurs('hit.behind')} AND NOT ${isOurs('w.address_key')} OFFSET 0
  ) AS n WHERE ${numbersAreUsed} AND strpos(w.address_key, '.') < strpos(w.address_key, '@')`;

/** Before an address of ours: all mail to it with any number. No domain begins so. */
const anyNumberMark = '@#';

/** Whether one of a list of keys stands for all mail to an address of ours with any number. */
export const isAnyNumberKey = (key: string) => `starts_with(${key}, '${anyNumberMark}')`;

/** Whether a copy has a recipient that such a key among the rows `k` of `rematch_key`, by the condition `ofJob`, stands for. */
export const copyHasNumber = (copyId: string, ofJob: string) => `(SELECT EXISTS (
  SELECT FROM rematch_key k WHERE ${ofJob} AND k.kind = 2 AND ${isAnyNumberKey('k.address_key')})) AND EXISTS (
  SELECT FROM copy_address ca CROSS JOIN LATERAL (${readings('ca.address_key')}) AS r
  JOIN rematch_key k ON ${ofJob} AND k.address_key = '${anyNumberMark}' || r.behind
  WHERE ca.tenant_id = $1 AND ca.copy_id = ${copyId} AND ca.role IN (${numberRoles.map((role) => `'${role}'`).join(', ')}))`;

/** So many addresses are looked for, one by one; where numbers and addresses of ours make more, all mail is walked through instead. */
const mostLookedFor = 50_000;

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
    `SELECT DISTINCT lower(number) AS number FROM record WHERE tenant_id = $1 AND lower(number) >= '' AND ${hasNumber} LIMIT $2`,
    [tenantId, mostLookedFor + 1],
  );
  if (rows.length === 0) return [];
  const numbers = rows.map(({ number }) => number);
  const themselves = await sql.query<{ key: string }>(
    `SELECT key FROM unnest($2::text[]) AS key WHERE EXISTS (
       SELECT FROM (${readings('key')}) AS r CROSS JOIN LATERAL (${namedBy('r.number')}) AS named)`,
    [tenantId, ours],
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

import type { Sql } from './database';
import { newUuid } from './new-id';
import { recordsByExternalId, type RecordValues, type StoredRecord } from './records';
import { checkRecords, type RecordRefusal } from './records-check';
import { insertRecords, updateRecords } from './records-write';

/** One good line of a bulk upload. What it leaves out (undefined) stays as it is, or empty in a new record; null empties. */
export interface BulkLine {
  line: number;
  type: string;
  externalId: string;
  values: Partial<Omit<RecordValues, 'type' | 'externalId'>>;
  /** In place of companyId. */
  companyExternalId: string | undefined;
}

export type BulkRefusal = RecordRefusal | { kind: 'name-missing' } | { kind: 'no-such-company-external-id' };

export interface BulkResult {
  created: number;
  updated: number;
  refused: { line: number; refusals: BulkRefusal[] }[];
  changedKeys: string[];
}

/** All lines of one record: they count as if they had been sent one after the other. */
interface Upsert extends Omit<BulkLine, 'line'> {
  lines: number[];
}

/**
 * Creates or changes records by type and external id, in a few statements whatever their number. Lines may name companies that stand in
 * the same call. To be called under the tenant's lock. Second run: everything is `updated`, nothing changes.
 */
export async function upsertRecords(sql: Sql, tenantId: string, lines: BulkLine[]): Promise<BulkResult> {
  const result: BulkResult = { created: 0, updated: 0, refused: [], changedKeys: [] };
  let waiting = upsertsOf(lines);
  while (waiting.length > 0) {
    const companies = await companiesByExternalId(sql, tenantId, waiting);
    const ready = waiting.filter((upsert) => companies.has(upsert.companyExternalId));
    if (ready.length === 0) {
      refuse(result, waiting, () => [{ kind: 'no-such-company-external-id' }]);
      break;
    }
    waiting = waiting.filter((upsert) => !companies.has(upsert.companyExternalId));
    await write(sql, { tenantId, companies, result }, ready);
  }
  result.changedKeys = [...new Set(result.changedKeys)];
  return result;
}

function upsertsOf(lines: BulkLine[]): Upsert[] {
  const byRecord = new Map<string, Upsert>();
  for (const { line, ...upsert } of lines) {
    const key = keyOf(upsert);
    const earlier = byRecord.get(key);
    const companyExternalId =
      upsert.values.companyId === undefined ? (upsert.companyExternalId ?? earlier?.companyExternalId) : undefined;
    byRecord.set(key, {
      ...upsert,
      companyExternalId,
      values: { ...earlier?.values, ...defined(upsert.values) },
      lines: [...(earlier?.lines ?? []), line],
    });
  }
  return [...byRecord.values()];
}

function defined<Values extends object>(values: Values): Partial<Values> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<Values>;
}

/** The ids of the companies that are named; `undefined`, no name, is always known. */
async function companiesByExternalId(
  sql: Sql,
  tenantId: string,
  upserts: Upsert[],
): Promise<Map<string | undefined, string | undefined>> {
  const wanted = new Set(upserts.map((upsert) => upsert.companyExternalId));
  wanted.delete(undefined);
  const known = new Map<string | undefined, string | undefined>([[undefined, undefined]]);
  if (wanted.size === 0) return known;
  const rows = await sql.query<{ id: string; external_id: string }>(
    `SELECT id, external_id FROM record WHERE tenant_id = $1 AND connector = 'built-in' AND type = 'company'
       AND external_id = ANY ($2::text[]) AND deleted_at IS NULL`,
    [tenantId, [...wanted]],
  );
  for (const row of rows) known.set(row.external_id, row.id);
  return known;
}

async function write(
  sql: Sql,
  to: { tenantId: string; companies: Map<string | undefined, string | undefined>; result: BulkResult },
  upserts: Upsert[],
): Promise<void> {
  const { tenantId, companies, result } = to;
  const stored = await storedRecords(sql, tenantId, upserts);
  const drafts = upserts.map((upsert) => draftOf(upsert, stored.get(keyOf(upsert)), companies));
  const named = drafts.filter(({ values }) => values.name !== '');
  const refusals = await checkRecords(sql, tenantId, named);
  const refused = drafts.filter(({ id, values }) => values.name === '' || refusals.has(id));
  refuse(result, refused, ({ id }) => refusals.get(id) ?? [{ kind: 'name-missing' }]);

  const good = named.filter(({ id }) => !refusals.has(id));
  const fresh = good.filter((draft) => draft.stored === undefined);
  result.changedKeys.push(...(await insertRecords(sql, tenantId, fresh)));
  const changes = good.flatMap((draft) =>
    draft.stored === undefined ? [] : [{ stored: draft.stored, values: draft.values }],
  );
  result.changedKeys.push(...(await updateRecords(sql, tenantId, changes)));
  result.created += fresh.length;
  result.updated += good.reduce((sum, draft) => sum + draft.lines.length, 0) - fresh.length;
}

interface Draft {
  lines: number[];
  id: string;
  stored: StoredRecord | undefined;
  values: RecordValues;
}

/** The record as it shall be. A new one without a name has an empty one here, and is refused. */
function draftOf(
  upsert: Upsert,
  stored: StoredRecord | undefined,
  companies: Map<string | undefined, string | undefined>,
): Draft {
  const before = stored ?? { name: '', number: null, companyId: null, ownerUserId: null, addresses: [] };
  const { name, number, companyId, ownerUserId, addresses } = { ...before, ...upsert.values };
  return {
    lines: upsert.lines,
    id: stored?.id ?? newUuid(),
    stored,
    values: {
      type: upsert.type,
      externalId: upsert.externalId,
      name,
      number,
      companyId: companies.get(upsert.companyExternalId) ?? companyId,
      ownerUserId,
      addresses,
    },
  };
}

async function storedRecords(sql: Sql, tenantId: string, upserts: Upsert[]): Promise<Map<string, StoredRecord>> {
  const rows = await recordsByExternalId(sql, tenantId, {
    types: upserts.map((upsert) => upsert.type),
    externalIds: upserts.map((upsert) => upsert.externalId),
  });
  return new Map(rows.map((row) => [keyOf({ type: row.type, externalId: row.externalId ?? '' }), row]));
}

function keyOf({ type, externalId }: { type: string; externalId: string }): string {
  return JSON.stringify([type, externalId]);
}

function refuse<Refused extends { lines: number[] }>(
  result: BulkResult,
  refused: Refused[],
  refusalsOf: (refused: Refused) => BulkRefusal[],
): void {
  for (const one of refused) {
    for (const line of one.lines) result.refused.push({ line, refusals: refusalsOf(one) });
  }
}

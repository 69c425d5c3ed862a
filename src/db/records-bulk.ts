import { openScope } from '../domain/record-scope';
import type { Sql } from './database';
import { newUuid } from './new-id';
import { recordsByExternalId, type RecordReader, type RecordValues, type StoredRecord } from './records';
import { checkRecords, type RecordRefusal } from './records-check';
import { insertRecords, updateRecords, type RecordsChange } from './records-write';

/** Records that are named by their external ids, in place of their ids; undefined: not named. */
interface Named {
  companyExternalId: string | undefined;
  intermediaryExternalId: string | undefined;
}

/** One good line of a bulk upload. What it leaves out (undefined) stays as it is, or empty in a new record; null empties. */
export interface BulkLine extends Named {
  line: number;
  type: string;
  externalId: string;
  values: Partial<Omit<RecordValues, 'type' | 'externalId'>>;
}

/** Lines, and who sends them. */
export interface Upsertion extends RecordReader {
  lines: BulkLine[];
  /** Whose records they are: those that clients send are `built-in`, others belong to a connector. */
  connector: string;
}

export type BulkRefusal =
  | RecordRefusal
  | { kind: 'name-missing' }
  | { kind: 'no-such-company-external-id' }
  | { kind: 'no-such-intermediary-external-id' };

export interface BulkResult extends RecordsChange {
  created: number;
  updated: number;
  refused: { line: number; refusals: BulkRefusal[] }[];
}

/** All lines of one record: they count as if they had been sent one after the other. */
interface Upsert extends Omit<BulkLine, 'line'> {
  lines: number[];
}

/**
 * Creates or changes records by type and external id, in a few statements whatever their number. Lines may name companies and intermediaries
 * that stand in the same call. To be called under the tenant's lock. Second run: everything is `updated`, nothing changes.
 */
export async function upsertRecords(sql: Sql, tenantId: string, upsertion: Upsertion): Promise<BulkResult> {
  const result: BulkResult = { created: 0, updated: 0, refused: [], changedKeys: [], retoldIds: [] };
  let waiting = upsertsOf(upsertion.lines);
  while (waiting.length > 0) {
    const known = await knownByExternalId(sql, tenantId, { upserts: waiting, connector: upsertion.connector });
    const ready = waiting.filter((upsert) => missingOf(upsert, known).length === 0);
    if (ready.length === 0) {
      refuse(result, waiting, (upsert) => missingOf(upsert, known));
      break;
    }
    waiting = waiting.filter((upsert) => missingOf(upsert, known).length > 0);
    await write(sql, { tenantId, known, result, ...upsertion }, ready);
  }
  result.changedKeys = [...new Set(result.changedKeys)];
  return result;
}

function upsertsOf(lines: BulkLine[]): Upsert[] {
  const byRecord = new Map<string, Upsert>();
  for (const { line, ...upsert } of lines) {
    const key = keyOf(upsert);
    const earlier = byRecord.get(key);
    const { values } = upsert;
    const nameOf = (id: 'companyId' | 'intermediaryId', name: keyof Named) =>
      values[id] === undefined ? (upsert[name] ?? earlier?.[name]) : undefined;
    byRecord.set(key, {
      ...upsert,
      companyExternalId: nameOf('companyId', 'companyExternalId'),
      intermediaryExternalId: nameOf('intermediaryId', 'intermediaryExternalId'),
      values: { ...earlier?.values, ...defined(values) },
      lines: [...(earlier?.lines ?? []), line],
    });
  }
  return [...byRecord.values()];
}

function defined<Values extends object>(values: Values): Partial<Values> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<Values>;
}

/** The ids of companies and intermediaries, by external id; of one that was merged, that of what it is a part of. */
type Known = Record<'company' | 'intermediary', Map<string, string>>;

async function knownByExternalId(
  sql: Sql,
  tenantId: string,
  { upserts, connector }: { upserts: Upsert[]; connector: string },
): Promise<Known> {
  const namedBy = (name: keyof Named) => [
    ...new Set(upserts.flatMap((upsert) => (upsert[name] === undefined ? [] : [upsert[name]]))),
  ];
  const [companies, intermediaries] = [namedBy('companyExternalId'), namedBy('intermediaryExternalId')];
  const known: Known = { company: new Map(), intermediary: new Map() };
  if (companies.length + intermediaries.length === 0) return known;
  const rows = await sql.query<{ id: string; type: keyof Known; external_id: string }>(
    `WITH RECURSIVE named AS (
       SELECT id, type, external_id, deleted_at, merged_into FROM record
       WHERE tenant_id = $1 AND connector = $4 AND (deleted_at IS NULL OR merged_into IS NOT NULL) AND (type, external_id) IN (
         SELECT 'company', unnest($2::text[]) UNION ALL SELECT 'intermediary', unnest($3::text[]))
       UNION
       SELECT r.id, n.type, n.external_id, r.deleted_at, r.merged_into FROM named n JOIN record r ON r.tenant_id = $1 AND r.id = n.merged_into
     )
     SELECT id, type, external_id FROM named WHERE deleted_at IS NULL`,
    [tenantId, companies, intermediaries, connector],
  );
  for (const row of rows) known[row.type].set(row.external_id, row.id);
  return known;
}

function missingOf({ companyExternalId, intermediaryExternalId }: Named, known: Known): BulkRefusal[] {
  const isMissing = (type: keyof Known, name: string | undefined) => name !== undefined && !known[type].has(name);
  return [
    ...(isMissing('company', companyExternalId) ? [{ kind: 'no-such-company-external-id' } as const] : []),
    ...(isMissing('intermediary', intermediaryExternalId)
      ? [{ kind: 'no-such-intermediary-external-id' } as const]
      : []),
  ];
}

async function write(
  sql: Sql,
  to: { tenantId: string; known: Known; result: BulkResult } & Upsertion,
  upserts: Upsert[],
): Promise<void> {
  const { tenantId, known, result, connector } = to;
  const stored = await storedRecords(sql, to, upserts);
  const drafts = upserts.map((upsert) => draftOf(upsert, stored.get(keyOf(upsert)), known));
  const named = drafts.filter(({ values }) => values.name !== '');
  const refusals = await checkRecords(sql, tenantId, { candidates: named, connector });
  const refused = drafts.filter(({ id, values }) => values.name === '' || refusals.has(id));
  refuse(result, refused, ({ id }) => refusals.get(id) ?? [{ kind: 'name-missing' }]);

  const good = named.filter(({ id }) => !refusals.has(id));
  const fresh = good.filter((draft) => draft.stored === undefined);
  result.changedKeys.push(...(await insertRecords(sql, tenantId, { records: fresh, connector })));
  const changes = good.flatMap((draft) =>
    draft.stored === undefined ? [] : [{ stored: draft.stored, values: draft.values }],
  );
  const { changedKeys, retoldIds } = await updateRecords(sql, tenantId, changes);
  result.changedKeys.push(...changedKeys);
  result.retoldIds.push(...retoldIds);
  result.created += fresh.length;
  result.updated += good.reduce((sum, draft) => sum + draft.lines.length, 0) - fresh.length;
}

interface Draft {
  lines: number[];
  id: string;
  stored: StoredRecord | undefined;
  values: RecordValues;
}

const nothingBefore = {
  name: '',
  number: null,
  companyId: null,
  intermediaryId: null,
  ownerUserId: null,
  scope: openScope,
  addresses: [],
  domains: [],
};

/** The record as it shall be. A new one without a name has an empty one here, and is refused. */
function draftOf(upsert: Upsert, stored: StoredRecord | undefined, known: Known): Draft {
  const { name, number, ownerUserId, scope, addresses, domains, ...rest } = {
    ...(stored ?? nothingBefore),
    ...upsert.values,
  };
  return {
    lines: upsert.lines,
    id: stored?.id ?? newUuid(),
    stored,
    values: {
      type: upsert.type,
      externalId: upsert.externalId,
      name,
      number,
      companyId: known.company.get(upsert.companyExternalId ?? '') ?? rest.companyId,
      intermediaryId: known.intermediary.get(upsert.intermediaryExternalId ?? '') ?? rest.intermediaryId,
      ownerUserId,
      scope,
      addresses,
      domains,
    },
  };
}

/** What the sender may not see is not there for them; its external id is taken. */
async function storedRecords(
  sql: Sql,
  { tenantId, connector, memberId }: { tenantId: string; connector: string } & RecordReader,
  upserts: Upsert[],
): Promise<Map<string, StoredRecord>> {
  const rows = await recordsByExternalId(sql, tenantId, {
    types: upserts.map((upsert) => upsert.type),
    externalIds: upserts.map((upsert) => upsert.externalId),
    connector,
    memberId,
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

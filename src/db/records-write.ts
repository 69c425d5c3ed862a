import { numberKeys } from '../domain/matching';
import { scopeText } from '../domain/record-scope';
import type { Sql } from './database';
import { insertRows } from './insert-rows';
import { newUuid } from './new-id';
import { domainKeys, insertDomains, replaceDomains } from './record-domains';
import { keysOfRecords } from './record-keys';
import { allRecords, readRecord, type RecordValues, type StoredRecord } from './records';
import { checkRecords, type RecordCandidate, type RecordRefusal } from './records-check';

/** What a change of records means for stored mail. */
export interface RecordsChange {
  /** Whose stored mail must be matched again, as `queueRematch` takes it: addresses, domains, numbers. */
  changedKeys: string[];
  /** Records that stand, with their mail, at another company or intermediary now, or before other eyes. */
  retoldIds: string[];
}

export type RecordWritten =
  ({ kind: 'written'; record: StoredRecord } & RecordsChange) | { kind: 'refused'; refusals: RecordRefusal[] };

/** Writes a new record. To be called under the tenant's lock. */
export async function createRecord(sql: Sql, tenantId: string, values: RecordValues): Promise<RecordWritten> {
  const candidate = { id: newUuid(), values };
  const refusals = (await checkRecords(sql, tenantId, { candidates: [candidate] })).get(candidate.id);
  if (refusals !== undefined) return { kind: 'refused', refusals };
  const changedKeys = await insertRecords(sql, tenantId, { records: [candidate] });
  return { kind: 'written', record: await written(sql, tenantId, candidate.id), changedKeys, retoldIds: [] };
}

/** Writes all values of a record; where nothing differs, its version stays. To be called under the tenant's lock. */
export async function replaceRecord(
  sql: Sql,
  tenantId: string,
  change: { stored: StoredRecord; values: RecordValues },
): Promise<RecordWritten> {
  const { id } = change.stored;
  const refusals = (await checkRecords(sql, tenantId, { candidates: [{ id, values: change.values }] })).get(id);
  if (refusals !== undefined) return { kind: 'refused', refusals };
  const changed = await updateRecords(sql, tenantId, [change]);
  return { kind: 'written', record: await written(sql, tenantId, id), ...changed };
}

/**
 * Takes a record out of everything but the database, so that it can be restored: its addresses match no more, its mail is nowhere because
 * of it. Returns what that means for stored mail, or null where there is no such record. Second run: null.
 */
export async function deleteRecord(sql: Sql, tenantId: string, recordId: string): Promise<RecordsChange | null> {
  const deleted = await sql.execute(
    `UPDATE record SET deleted_at = now(), updated_at = now(), version = version + 1
     WHERE tenant_id = $1 AND id = $2 AND deleted_at IS NULL`,
    [tenantId, recordId],
  );
  if (deleted === 0) return null;
  return { changedKeys: await keysOfRecords(sql, tenantId, [recordId]), retoldIds: [recordId] };
}

/** Brings a record back that was deleted and not merged, where nothing stands against it. To be called under the tenant's lock. */
export async function restoreRecord(sql: Sql, tenantId: string, stored: StoredRecord): Promise<RecordWritten> {
  const { id } = stored;
  const refusals = (await checkRecords(sql, tenantId, { candidates: [{ id, values: stored }] })).get(id);
  if (refusals !== undefined) return { kind: 'refused', refusals };
  await sql.execute(
    'UPDATE record SET deleted_at = NULL, updated_at = now(), version = version + 1 WHERE tenant_id = $1 AND id = $2',
    [tenantId, id],
  );
  const changedKeys = await keysOfRecords(sql, tenantId, [id]);
  return { kind: 'written', record: await written(sql, tenantId, id), changedKeys, retoldIds: [id] };
}

const valueColumns = {
  id: 'uuid',
  type: 'text',
  name: 'text',
  number: 'text',
  external_id: 'text',
  company_id: 'uuid',
  intermediary_id: 'uuid',
  owner_user_id: 'uuid',
  restricted: 'boolean',
} as const;

const changeColumns = { ...valueColumns, keeps_company: 'boolean', keeps_intermediary: 'boolean' } as const;

/** Writes new records in one statement each for rows, addresses and scopes; returns the addresses, domains and numbers that now match. */
export async function insertRecords(
  sql: Sql,
  tenantId: string,
  { records, connector = 'built-in' }: { records: RecordCandidate[]; connector?: string },
): Promise<string[]> {
  await insertRows(
    sql,
    { table: 'record', columns: { tenant_id: 'uuid', connector: 'text', ...valueColumns } },
    records.map((record) => ({ tenant_id: tenantId, connector, ...rowOf(record) })),
  );
  await insertAddresses(sql, tenantId, records);
  await insertScopes(sql, tenantId, records);
  await insertDomains(sql, tenantId, records);
  return [
    ...new Set(
      records.flatMap(({ values }) => [
        ...values.addresses.map(({ key }) => key),
        ...domainKeys(values.domains),
        ...numberKeys(values),
      ]),
    ),
  ];
}

interface RecordChange {
  stored: StoredRecord;
  values: RecordValues;
}

/** Writes the records that differ from what is stored; returns what that means for stored mail. */
export async function updateRecords(sql: Sql, tenantId: string, changes: RecordChange[]): Promise<RecordsChange> {
  const different = changes.filter(({ stored, values }) => comparable(stored) !== comparable(values));
  if (different.length === 0) return { changedKeys: [], retoldIds: [] };
  const typed = Object.entries(changeColumns).map(([name, type]) => `${name} ${type}`);
  await sql.execute(
    `UPDATE record r SET type = w.type, name = w.name, number = w.number, external_id = w.external_id,
       company_id = CASE WHEN w.keeps_company THEN r.company_id ELSE w.company_id END,
       intermediary_id = CASE WHEN w.keeps_intermediary THEN r.intermediary_id ELSE w.intermediary_id END,
       owner_user_id = w.owner_user_id, restricted = w.restricted, version = r.version + 1, updated_at = now()
     FROM json_to_recordset($2::json) AS w(${typed.join(', ')}) WHERE r.tenant_id = $1 AND r.id = w.id`,
    [tenantId, JSON.stringify(different.map(changedRowOf))],
  );
  await replaceAddresses(sql, tenantId, different);
  await replaceScopes(sql, tenantId, different);
  await replaceDomains(sql, tenantId, different.filter(hasOtherDomains).map(candidateOf));
  const retold = different.filter(({ stored, values }) => standsOf(stored) !== standsOf(values));
  return {
    changedKeys: [...new Set(different.flatMap(changedKeysOf))],
    retoldIds: retold.map(({ stored }) => stored.id),
  };
}

/** Where, and before whose eyes, the mail of a record stands. */
function standsOf({ companyId, intermediaryId, scope }: RecordValues): string {
  return JSON.stringify([companyId, intermediaryId, scopeText(scope)]);
}

async function replaceAddresses(sql: Sql, tenantId: string, changes: RecordChange[]): Promise<void> {
  const moved = changes.filter(({ stored, values }) => addressText(stored) !== addressText(values));
  if (moved.length === 0) return;
  await sql.execute('DELETE FROM record_address WHERE tenant_id = $1 AND record_id = ANY ($2::uuid[])', [
    tenantId,
    moved.map(({ stored }) => stored.id),
  ]);
  await insertAddresses(sql, tenantId, moved.map(candidateOf));
}

async function replaceScopes(sql: Sql, tenantId: string, changes: RecordChange[]): Promise<void> {
  const changed = changes.filter(({ stored, values }) => scopeText(stored.scope) !== scopeText(values.scope));
  if (changed.length === 0) return;
  await sql.execute('DELETE FROM record_scope WHERE tenant_id = $1 AND record_id = ANY ($2::uuid[])', [
    tenantId,
    changed.map(({ stored }) => stored.id),
  ]);
  await insertScopes(sql, tenantId, changed.map(candidateOf));
}

function candidateOf({ stored, values }: RecordChange): RecordCandidate {
  return { id: stored.id, values };
}

/** Teams and users are known, by the check; where all may see all nobody asks. */
async function insertScopes(sql: Sql, tenantId: string, records: RecordCandidate[]): Promise<void> {
  const readers = records.flatMap(({ id, values: { scope } }) =>
    scope.mode === 'all' ? [] : [...scope.teamIds, ...scope.userIds].map((reader) => ({ record_id: id, reader })),
  );
  if (readers.length === 0) return;
  await sql.execute(
    `INSERT INTO record_scope (tenant_id, record_id, principal)
     SELECT $1, w.record_id, p.principal FROM json_to_recordset($2::json) AS w(record_id uuid, reader uuid)
     JOIN (SELECT id, principal FROM app_user WHERE tenant_id = $1 UNION ALL SELECT id, principal FROM team WHERE tenant_id = $1) p
       ON p.id = w.reader ON CONFLICT DO NOTHING`,
    [tenantId, JSON.stringify(readers)],
  );
}

/**
 * Addresses that came, went, or are of another kind now: a policy may count only some kinds. Where the record is of another type or company,
 * all of them: a policy may put one type before others, or link nothing where several companies meet.
 */
function changedKeysOf({ stored, values }: RecordChange): string[] {
  const isOther = stored.type !== values.type || stored.companyId !== values.companyId;
  const kinds = (record: RecordValues) => new Map(record.addresses.map(({ key, kind }) => [key, kind]));
  const [before, after] = [kinds(stored), kinds(values)];
  const keys = [...new Set([...before.keys(), ...after.keys()])].filter(
    (key) => isOther || before.get(key) !== after.get(key),
  );
  const domains = [...stored.domains, ...values.domains].filter(
    (domain) => isOther || !stored.domains.includes(domain) || !values.domains.includes(domain),
  );
  const isRenumbered = stored.type !== values.type || stored.number !== values.number;
  return [...keys, ...domainKeys(domains), ...(isRenumbered ? [...numberKeys(stored), ...numberKeys(values)] : [])];
}

async function insertAddresses(sql: Sql, tenantId: string, records: RecordCandidate[]): Promise<void> {
  await insertRows(
    sql,
    {
      table: 'record_address',
      columns: { tenant_id: 'uuid', address_key: 'text', record_id: 'uuid', kind: 'text', address: 'text' },
    },
    records.flatMap(({ id, values }) =>
      values.addresses.map(({ key, kind, address }) => ({
        tenant_id: tenantId,
        address_key: key,
        record_id: id,
        kind,
        address,
      })),
    ),
  );
}

function hasOtherDomains({ stored, values }: RecordChange): boolean {
  return stored.domains.join() !== values.domains.join();
}

function rowOf({ id, values }: RecordCandidate) {
  return {
    id,
    type: values.type,
    name: values.name,
    number: values.number,
    external_id: values.externalId,
    company_id: values.companyId,
    intermediary_id: values.intermediaryId,
    owner_user_id: values.ownerUserId,
    restricted: values.scope.mode === 'restricted',
  };
}

/** A company or intermediary that was deleted is not shown, and is the record's again when it comes back: unless another was given, it stays. */
function changedRowOf(change: RecordChange) {
  const { stored, values } = change;
  return {
    ...rowOf(candidateOf(change)),
    keeps_company: stored.companyId === values.companyId,
    keeps_intermediary: stored.intermediaryId === values.intermediaryId,
  };
}

function comparable(values: RecordValues): string {
  const { type, name, number, externalId, ownerUserId } = values;
  const named = [type, name, number, externalId, ownerUserId];
  return JSON.stringify([...named, standsOf(values), addressText(values), values.domains]);
}

function addressText({ addresses }: RecordValues): string {
  return JSON.stringify(addresses.map(({ key, kind, address }) => [key, kind, address]).sort());
}

async function written(sql: Sql, tenantId: string, recordId: string): Promise<StoredRecord> {
  const record = await readRecord(sql, tenantId, { ...allRecords, recordId });
  if (record === null) throw new Error('the record was not written');
  return record;
}

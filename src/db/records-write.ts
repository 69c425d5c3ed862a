import type { Sql } from './database';
import { insertRows } from './insert-rows';
import { newUuid } from './new-id';
import { readRecord, type RecordValues, type StoredRecord } from './records';
import { checkRecords, type RecordCandidate, type RecordRefusal } from './records-check';

/** What became of writing one record. `changedKeys` are the addresses whose stored mail must be matched again. */
export type RecordWritten =
  { kind: 'written'; record: StoredRecord; changedKeys: string[] } | { kind: 'refused'; refusals: RecordRefusal[] };

/** Writes a new record. To be called under the tenant's lock. */
export async function createRecord(sql: Sql, tenantId: string, values: RecordValues): Promise<RecordWritten> {
  const candidate = { id: newUuid(), values };
  const refusals = (await checkRecords(sql, tenantId, [candidate])).get(candidate.id);
  if (refusals !== undefined) return { kind: 'refused', refusals };
  const changedKeys = await insertRecords(sql, tenantId, [candidate]);
  return { kind: 'written', record: await written(sql, tenantId, candidate.id), changedKeys };
}

/** Writes all values of a record; where nothing differs, its version stays. To be called under the tenant's lock. */
export async function replaceRecord(
  sql: Sql,
  tenantId: string,
  change: { stored: StoredRecord; values: RecordValues },
): Promise<RecordWritten> {
  const { id } = change.stored;
  const refusals = (await checkRecords(sql, tenantId, [{ id, values: change.values }])).get(id);
  if (refusals !== undefined) return { kind: 'refused', refusals };
  const changedKeys = await updateRecords(sql, tenantId, [change]);
  return { kind: 'written', record: await written(sql, tenantId, id), changedKeys };
}

/**
 * Takes a record out of everything but the database, so that it can be restored: its addresses match no more.
 * Returns them, or null where there is no such record. Second run: null.
 */
export async function deleteRecord(sql: Sql, tenantId: string, recordId: string): Promise<string[] | null> {
  const deleted = await sql.execute(
    `UPDATE record SET deleted_at = now(), updated_at = now(), version = version + 1
     WHERE tenant_id = $1 AND id = $2 AND deleted_at IS NULL`,
    [tenantId, recordId],
  );
  if (deleted === 0) return null;
  const rows = await sql.query<{ address_key: string }>(
    'SELECT address_key FROM record_address WHERE tenant_id = $1 AND record_id = $2',
    [tenantId, recordId],
  );
  return rows.map((row) => row.address_key);
}

const valueColumns = {
  id: 'uuid',
  type: 'text',
  name: 'text',
  number: 'text',
  external_id: 'text',
  company_id: 'uuid',
  owner_user_id: 'uuid',
} as const;

/** Writes new records in one statement each for rows and addresses; returns the addresses that now match. */
export async function insertRecords(sql: Sql, tenantId: string, records: RecordCandidate[]): Promise<string[]> {
  await insertRows(
    sql,
    { table: 'record', columns: { tenant_id: 'uuid', ...valueColumns } },
    records.map((record) => ({ tenant_id: tenantId, ...rowOf(record) })),
  );
  await insertAddresses(sql, tenantId, records);
  return [...new Set(records.flatMap(({ values }) => values.addresses.map((address) => address.key)))];
}

/** Writes the records that differ from what is stored; returns the addresses that now match something else. */
export async function updateRecords(
  sql: Sql,
  tenantId: string,
  changes: { stored: StoredRecord; values: RecordValues }[],
): Promise<string[]> {
  const different = changes.filter(({ stored, values }) => comparable(stored) !== comparable(values));
  const records = different.map(({ stored, values }) => ({ id: stored.id, values }));
  if (records.length === 0) return [];
  const typed = Object.entries(valueColumns).map(([name, type]) => `${name} ${type}`);
  await sql.execute(
    `UPDATE record r SET type = w.type, name = w.name, number = w.number, external_id = w.external_id, company_id = w.company_id,
       owner_user_id = w.owner_user_id, version = r.version + 1, updated_at = now()
     FROM json_to_recordset($2::json) AS w(${typed.join(', ')}) WHERE r.tenant_id = $1 AND r.id = w.id`,
    [tenantId, JSON.stringify(records.map(rowOf))],
  );
  const moved = different.filter(({ stored, values }) => addressText(stored) !== addressText(values));
  await sql.execute('DELETE FROM record_address WHERE tenant_id = $1 AND record_id = ANY ($2::uuid[])', [
    tenantId,
    moved.map(({ stored }) => stored.id),
  ]);
  await insertAddresses(
    sql,
    tenantId,
    moved.map(({ stored, values }) => ({ id: stored.id, values })),
  );
  return [...new Set(moved.flatMap(changedKeysOf))];
}

/** Addresses that came, went, or are of another kind now: a policy may count only some kinds. */
function changedKeysOf({ stored, values }: { stored: RecordValues; values: RecordValues }): string[] {
  const kinds = (record: RecordValues) => new Map(record.addresses.map(({ key, kind }) => [key, kind]));
  const [before, after] = [kinds(stored), kinds(values)];
  return [...new Set([...before.keys(), ...after.keys()])].filter((key) => before.get(key) !== after.get(key));
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

function rowOf({ id, values }: RecordCandidate) {
  return {
    id,
    type: values.type,
    name: values.name,
    number: values.number,
    external_id: values.externalId,
    company_id: values.companyId,
    owner_user_id: values.ownerUserId,
  };
}

function comparable(values: RecordValues): string {
  const { type, name, number, externalId, companyId, ownerUserId } = values;
  return JSON.stringify([type, name, number, externalId, companyId, ownerUserId, addressText(values)]);
}

function addressText({ addresses }: RecordValues): string {
  return JSON.stringify(addresses.map(({ key, kind, address }) => [key, kind, address]).sort());
}

async function written(sql: Sql, tenantId: string, recordId: string): Promise<StoredRecord> {
  const record = await readRecord(sql, tenantId, recordId);
  if (record === null) throw new Error('the record was not written');
  return record;
}

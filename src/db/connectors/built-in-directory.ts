import { normaliseAddress } from '../../domain/address';
import type { Directory, DirectoryRecord } from '../../domain/directory';
import type { AddressKind } from '../../domain/policy';
import type { Database } from '../database';

const mostFound = 50;

/** The records that clients write themselves, as the directory that they are: what changes is here already, and whom it concerns knows of it. */
export function builtInDirectory(db: Database, tenantId: string): Directory {
  return {
    find: (address) => findRecords(db, tenantId, address),
    changes: (cursor) => Promise.resolve({ changes: [], unreadable: [], cursor, more: false }),
    push: () => Promise.resolve(),
  };
}

async function findRecords(db: Database, tenantId: string, address: string): Promise<DirectoryRecord[]> {
  const key = normaliseAddress(address);
  if (key === null) return [];
  const rows = await db.inTenant(tenantId, (sql) =>
    sql.query<{
      type: string;
      id: string;
      external_id: string | null;
      name: string;
      address: string;
      kind: AddressKind;
    }>(
      `SELECT r.type, r.id, r.external_id, r.name, a.address, a.kind FROM record_address a
       JOIN record r ON r.tenant_id = $1 AND r.id = a.record_id AND r.connector = 'built-in' AND r.deleted_at IS NULL
       WHERE a.tenant_id = $1 AND a.address_key = $2 ORDER BY r.id LIMIT ${String(mostFound)}`,
      [tenantId, key],
    ),
  );
  return rows.map((row) => ({
    type: row.type,
    externalId: row.external_id ?? row.id,
    name: row.name,
    addresses: [{ address: row.address, kind: row.kind }],
  }));
}

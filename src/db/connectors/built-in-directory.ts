import { normaliseAddress } from '../../domain/address';
import type { Directory, DirectoryRecord } from '../../domain/directory';
import { publicId } from '../../domain/ids';
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

/** A record that came by a connector, as it stands here. */
export interface CopiedRecord {
  /** The connector's id; it may be gone. */
  connector: string;
  type: string;
  externalId: string;
  name: string;
}

/** Records of connectors that have an address, by what the CRMs said last: also of a connector that is paused, cannot be asked or is gone. */
export async function copiedRecords(db: Database, tenantId: string, addressKey: string): Promise<CopiedRecord[]> {
  const rows = await recordsWith(db, tenantId, { addressKey, of: 'connectors' });
  return rows.map(({ connector, type, id, externalId, name }) => ({
    connector,
    type,
    externalId: externalId ?? publicId('record', id),
    name,
  }));
}

async function findRecords(db: Database, tenantId: string, address: string): Promise<DirectoryRecord[]> {
  const key = normaliseAddress(address);
  if (key === null) return [];
  const rows = await recordsWith(db, tenantId, { addressKey: key, of: 'clients' });
  return rows.map((row) => ({
    type: row.type,
    externalId: row.externalId ?? publicId('record', row.id),
    name: row.name,
    addresses: [{ address: row.address, kind: row.kind }],
  }));
}

interface RecordRow {
  connector: string;
  type: string;
  id: string;
  externalId: string | null;
  name: string;
  address: string;
  kind: AddressKind;
}

function recordsWith(
  db: Database,
  tenantId: string,
  { addressKey, of }: { addressKey: string; of: 'clients' | 'connectors' },
): Promise<RecordRow[]> {
  return db.inTenant(tenantId, (sql) =>
    sql.query<RecordRow>(
      `SELECT r.connector, r.type, r.id, r.external_id AS "externalId", r.name, a.address, a.kind FROM record_address a
       JOIN record r ON r.tenant_id = $1 AND r.id = a.record_id AND (r.connector = 'built-in') = $3 AND r.deleted_at IS NULL
       WHERE a.tenant_id = $1 AND a.address_key = $2 ORDER BY r.id LIMIT ${String(mostFound)}`,
      [tenantId, addressKey, of === 'clients'],
    ),
  );
}

import type { Database, Sql } from '../database';
import { beginDeletion } from '../deletion/deletions';
import { openCascade } from '../deletion/cascade/cascades';
import { insertPersonDeletion } from '../people/begin-erasure';
import { lockTenantForWriting } from '../tenant-lock';
import { hashesOfAddress, type AddressFingerprints } from './erased-people';
import { insertErasure, type Erasure } from './journal';
import type { ErasureMirror } from './mirror';

/**
 * Brings a database that was restored up to date with the journal's file: what was erased since its state was saved is erased again. Notes
 * each erasure and begins its deletion; the workflows do the rest. Second run: begins nothing anew. Returns how many are still under way.
 */
export async function replayErasures(
  db: Database,
  { mirror, fingerprintsOf }: { mirror: ErasureMirror; fingerprintsOf: AddressFingerprints },
): Promise<number> {
  const erasures = await mirror.compare();
  for (const erasure of erasures) await replay(db, { erasure, erasures, fingerprintsOf });
  return underWay(db);
}

/**
 * All under the tenant's lock, in one transaction: nobody writes an address between the look for them and the entry, and of several that
 * have read the same file only the first begins anything.
 */
async function replay(
  db: Database,
  { erasure, erasures, fingerprintsOf }: { erasure: Erasure; erasures: Erasure[]; fingerprintsOf: AddressFingerprints },
): Promise<void> {
  const { tenantId } = erasure;
  await db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    if (!(await insertErasure(sql, erasure, { replayedAt: new Date() }))) return;
    if (erasure.kind === 'person') {
      const addressKeys = await addressesOfPerson(sql, { erasure, fingerprintsOf });
      if (addressKeys.length > 0) await insertPersonDeletion(sql, erasure, addressKeys);
    }
    if (await isThere(sql, erasure)) await begin(sql, { ...erasure, heirId: lastHeir(erasure, erasures) });
  });
}

const tableOfKind = {
  mailbox: { name: 'source', id: 'id' },
  record: { name: 'record', id: 'id' },
  user: { name: 'app_user', id: 'id' },
  tenant: { name: 'tenant', id: 'tenant_id' },
} as const;

async function isThere(sql: Sql, { tenantId, kind, targetId }: Erasure): Promise<boolean> {
  if (kind === 'person') return false;
  const { name, id } = tableOfKind[kind];
  const rows = await sql.query(`SELECT FROM ${name} WHERE tenant_id = $1 AND ${id} = $2`, [tenantId, targetId]);
  return rows.length > 0;
}

/** Who had a user's mailboxes in the end: whom they went to may have been erased too, and have given them on. */
function lastHeir({ tenantId, heirId }: Erasure, erasures: Erasure[]): string | null {
  const heirs = new Map(
    erasures.flatMap((one) => (one.tenantId === tenantId && one.kind === 'user' ? [[one.targetId, one.heirId]] : [])),
  );
  let last = heirId;
  for (let steps = heirs.size; steps > 0 && heirs.has(last); steps -= 1) last = heirs.get(last) ?? null;
  return heirs.has(last) ? null : last;
}

/** There is no time to take it back: that was over. A user's mailboxes that were deleted too have erasures of their own. */
async function begin(sql: Sql, { tenantId, kind, targetId, heirId, actor }: Erasure): Promise<void> {
  if (kind === 'person' || targetId === null) return;
  if (kind !== 'mailbox') {
    await openCascade(sql, tenantId, { kind, targetId, actor, plan: { mailboxes: 'reassign', reassignTo: heirId } });
    return;
  }
  const { id } = await beginDeletion(sql, { tenantId, sourceId: targetId, actor });
  await sql.execute(
    `UPDATE deletion SET begins_at = now() WHERE tenant_id = $1 AND id = $2 AND state = 'waiting' AND begins_at > now()`,
    [tenantId, id],
  );
}

const addressesAtOnce = 5_000;

/** The journal knows a person by fingerprints: each address of the tenant's mail and records is held against them. */
async function addressesOfPerson(
  sql: Sql,
  { erasure, fingerprintsOf }: { erasure: Erasure; fingerprintsOf: AddressFingerprints },
): Promise<string[]> {
  const wanted = new Set(erasure.addressHashes);
  const found = new Set<string>();
  for (const table of ['copy_address', 'record_address']) {
    let after = '';
    for (;;) {
      const keys = await nextAddresses(sql, erasure.tenantId, { table, after });
      keys
        .filter((key) => hashesOfAddress(key, fingerprintsOf).some((hash) => wanted.has(hash)))
        .forEach((key) => found.add(key));
      if (keys.length < addressesAtOnce) break;
      after = keys.at(-1) ?? '';
    }
  }
  return [...found];
}

async function nextAddresses(
  sql: Sql,
  tenantId: string,
  { table, after }: { table: string; after: string },
): Promise<string[]> {
  const rows = await sql.query<{ key: string }>(
    `SELECT DISTINCT address_key AS key FROM ${table} WHERE tenant_id = $1 AND address_key > $2 ORDER BY 1 LIMIT ${String(addressesAtOnce)}`,
    [tenantId, after],
  );
  return rows.map(({ key }) => key);
}

/** Erasures that were replayed, and whose deletion has not ended. */
async function underWay(db: Database): Promise<number> {
  const tenants = await db.acrossTenants((sql) =>
    sql.query<{ tenantId: string }>(
      'SELECT DISTINCT tenant_id AS "tenantId" FROM erasure WHERE replayed_at IS NOT NULL',
    ),
  );
  let count = 0;
  for (const { tenantId } of tenants) {
    const [row] = await db.inTenant(tenantId, (sql) => sql.query<{ count: number }>(underWayInTenant, [tenantId]));
    count += row?.count ?? 0;
  }
  return count;
}

const underWayInTenant = `
SELECT count(*) AS count FROM erasure e WHERE e.tenant_id = $1 AND e.replayed_at IS NOT NULL AND CASE e.kind
  WHEN 'mailbox' THEN EXISTS (SELECT FROM source s WHERE s.tenant_id = $1 AND s.id = e.target_id)
  WHEN 'record' THEN EXISTS (SELECT FROM record r WHERE r.tenant_id = $1 AND r.id = e.target_id)
  WHEN 'user' THEN EXISTS (SELECT FROM app_user u WHERE u.tenant_id = $1 AND u.id = e.target_id)
  WHEN 'tenant' THEN EXISTS (SELECT FROM tenant t WHERE t.tenant_id = $1)
  ELSE EXISTS (SELECT FROM deletion d WHERE d.tenant_id = $1 AND d.id = e.id AND d.state NOT IN ('done', 'cancelled')) END`;

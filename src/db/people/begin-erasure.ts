import type { AddressFingerprints } from '../erasures/erased-people';
import { hashOfAddress } from '../erasures/erased-people';
import { insertErasure, type Erasure } from '../erasures/journal';
import type { Sql } from '../database';
import { newUuid } from '../new-id';
import { lockTenantForWriting } from '../tenant-lock';
import { erasedAt, isLater } from './later-mail';

/** Which erasure of a person. Ids are UUIDs. */
export interface PersonRef {
  tenantId: string;
  deletionId: string;
}

/** The tenant's own people and mailboxes that have one of the addresses. Ids are UUIDs. */
export interface OwnHolders {
  userIds: string[];
  mailboxIds: string[];
}

/** Who of the tenant itself has one of these addresses: a user or a mailbox is deleted as such, and not as a person. */
export async function ownHoldersOf(sql: Sql, tenantId: string, addressKeys: string[]): Promise<OwnHolders> {
  const users = await sql.query<{ id: string }>(
    'SELECT DISTINCT user_id AS id FROM user_address WHERE tenant_id = $1 AND address_key = ANY ($2::text[])',
    [tenantId, addressKeys],
  );
  const sources = await sql.query<{ id: string }>(
    `SELECT id FROM source WHERE tenant_id = $1 AND kind = 'mailbox' AND address_key = ANY ($2::text[]) AND deleted_at IS NULL`,
    [tenantId, addressKeys],
  );
  return { userIds: users.map(({ id }) => id), mailboxIds: sources.map(({ id }) => id) };
}

/**
 * Begins the erasure of a person, who is the same at all of these addresses, and notes it in the journal: from this commit on none of their
 * mail comes in that was sent before it, and it cannot be taken back. Takes the tenant's lock, so it must be the transaction's first statement.
 * Second run with the same addresses: the erasure that is under way already.
 */
export async function beginErasure(
  sql: Sql,
  person: { tenantId: string; addressKeys: string[]; actor: string; fingerprintsOf: AddressFingerprints },
): Promise<{ kind: 'begun'; deletionId: string } | ({ kind: 'own' } & OwnHolders)> {
  const { tenantId, actor, fingerprintsOf } = person;
  const addressKeys = [...new Set(person.addressKeys)].sort();
  await lockTenantForWriting(sql, tenantId);
  const own = await ownHoldersOf(sql, tenantId, addressKeys);
  if (own.userIds.length + own.mailboxIds.length > 0) return { kind: 'own', ...own };
  const open = await openErasureOf(sql, tenantId, addressKeys);
  if (open !== null) return { kind: 'begun', deletionId: open };
  const erasure: Erasure = {
    tenantId,
    id: newUuid(),
    kind: 'person',
    targetId: null,
    addressHashes: addressKeys.map((key) => hashOfAddress(key, fingerprintsOf)),
    heirId: null,
    actor,
    at: new Date(),
  };
  await insertErasure(sql, erasure, { replayedAt: null });
  await insertPersonDeletion(sql, erasure);
  await nameAddresses(sql, { tenantId, deletionId: erasure.id }, addressKeys);
  return { kind: 'begun', deletionId: erasure.id };
}

async function openErasureOf(sql: Sql, tenantId: string, addressKeys: string[]): Promise<string | null> {
  const [row] = await sql.query<{ id: string }>(
    `SELECT d.id FROM deletion d WHERE d.tenant_id = $1 AND d.kind = 'person' AND d.state NOT IN ('done', 'cancelled')
       AND $2::text[] = ARRAY(SELECT a.address_key FROM deletion_address a WHERE a.tenant_id = $1 AND a.deletion_id = d.id ORDER BY a.address_key COLLATE "C")
     LIMIT 1`,
    [tenantId, addressKeys],
  );
  return row?.id ?? null;
}

/** The deletion that carries an erasure out; whose it is and what there is to do is not said yet. Second run: no change. */
export async function insertPersonDeletion(
  sql: Sql,
  { tenantId, id, actor }: Pick<Erasure, 'tenantId' | 'id' | 'actor'>,
): Promise<void> {
  await sql.execute(
    `INSERT INTO deletion (tenant_id, id, kind, target_id, state, desired_before, begins_at, started_at, actor)
     VALUES ($1, $2, 'person', $2, 'deleting', 'none', now(), now(), $3) ON CONFLICT DO NOTHING`,
    [tenantId, id, actor],
  );
}

/** Notes whose erasure it is, for as long as it is under way, and counts their messages. Second run: no change. */
export async function nameAddresses(
  sql: Sql,
  { tenantId, deletionId }: PersonRef,
  addressKeys: string[],
): Promise<void> {
  await sql.execute(
    `INSERT INTO deletion_address (tenant_id, deletion_id, address_key) SELECT $1, $2, unnest($3::text[]) ON CONFLICT DO NOTHING`,
    [tenantId, deletionId, addressKeys],
  );
  await sql.execute(
    `UPDATE deletion SET total = (
       SELECT count(DISTINCT m.id) FROM copy_address ca JOIN copy c ON c.tenant_id = $1 AND c.id = ca.copy_id
       JOIN message m ON m.tenant_id = $1 AND m.id = c.message_id
       WHERE ca.tenant_id = $1 AND ca.address_key = ANY ($3::text[]) AND NOT ${isLater('$4')})
     WHERE tenant_id = $1 AND id = $2 AND total IS NULL`,
    [tenantId, deletionId, addressKeys, await erasedAt(sql, { tenantId, deletionId })],
  );
}

/** The addresses of an erasure that is under way; none after it has ended. */
export async function addressesOf(sql: Sql, { tenantId, deletionId }: PersonRef): Promise<string[]> {
  const rows = await sql.query<{ address_key: string }>(
    'SELECT address_key FROM deletion_address WHERE tenant_id = $1 AND deletion_id = $2',
    [tenantId, deletionId],
  );
  return rows.map((row) => row.address_key);
}

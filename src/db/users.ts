import { leaveUser } from './activities/leave';
import { leaveNotesOfUser } from './activities/note-leave';
import type { Sql } from './database';
import { newUuid } from './new-id';
import { rematchOfUsers } from './own-domains';
import { nextPrincipal } from './principals';
import type { QueuedRematch } from './records-rematch';

export type UserRole = 'admin' | 'manager' | 'member';

/** A person of the tenant. `addresses` are the normal forms by which mail is recognised as theirs. */
export interface User {
  id: string;
  role: UserRole;
  name: string;
  addresses: string[];
  createdAt: Date;
}

export interface UserValues {
  role: UserRole;
  name: string;
  /** Normal forms, each once. */
  addresses: string[];
}

/** What became of writing a user. An address belongs to one user only. */
export type UserWritten =
  | { kind: 'written'; user: User; changedAddresses: string[] }
  | { kind: 'address-taken'; address: string; userId: string };

const selectUser = `
  SELECT u.id, u.role, u.name, u.created_at AS "createdAt",
    ARRAY(SELECT a.address_key FROM user_address a WHERE a.tenant_id = u.tenant_id AND a.user_id = u.id ORDER BY a.address_key) AS addresses
  FROM app_user u`;

/** The user with this id, or null. */
export async function readUser(sql: Sql, tenantId: string, userId: string): Promise<User | null> {
  const rows = await sql.query<User>(`${selectUser} WHERE u.tenant_id = $1 AND u.id = $2`, [tenantId, userId]);
  return rows[0] ?? null;
}

/** Users by id, oldest first, from after `afterId` on. */
export function listUsers(
  sql: Sql,
  tenantId: string,
  page: { afterId: string | null; limit: number },
): Promise<User[]> {
  return sql.query<User>(
    `${selectUser} WHERE u.tenant_id = $1 AND ($2::uuid IS NULL OR u.id > $2) ORDER BY u.id LIMIT $3`,
    [tenantId, page.afterId, page.limit],
  );
}

/** Writes a new user. To be called under the tenant's lock. */
export async function createUser(sql: Sql, tenantId: string, values: UserValues): Promise<UserWritten> {
  const id = newUuid();
  const taken = await takenAddress(sql, tenantId, { userId: id, addresses: values.addresses });
  if (taken !== null) return taken;
  await sql.execute('INSERT INTO app_user (tenant_id, id, principal, role, name) VALUES ($1, $2, $3, $4, $5)', [
    tenantId,
    id,
    await nextPrincipal(sql, tenantId),
    values.role,
    values.name,
  ]);
  return written(sql, tenantId, { id, changed: await replaceAddresses(sql, tenantId, { id, ...values }) });
}

/** Writes all values of a user who exists. To be called under the tenant's lock. */
export async function updateUser(sql: Sql, tenantId: string, user: UserValues & { id: string }): Promise<UserWritten> {
  const taken = await takenAddress(sql, tenantId, { userId: user.id, addresses: user.addresses });
  if (taken !== null) return taken;
  await sql.execute('UPDATE app_user SET role = $3, name = $4 WHERE tenant_id = $1 AND id = $2', [
    tenantId,
    user.id,
    user.role,
    user.name,
  ]);
  return written(sql, tenantId, { id: user.id, changed: await replaceAddresses(sql, tenantId, user) });
}

const activitiesAtOnce = 1_000;

/** What became of removing a user. Mailboxes must have another owner, or be gone, first. */
export type UserRemoved =
  /** `rematch`: the job for mail of the addresses that were theirs. */
  | { kind: 'removed'; rematch: QueuedRematch | null }
  | { kind: 'owns-mailboxes'; mailboxIds: string[] }
  /** They read, or own, more than a request may wait for: nothing was done. */
  | { kind: 'much' }
  | { kind: 'not-found' };

/**
 * Removes a user with their keys, addresses, memberships and rights to read, where these are at most `limit` rows each; their records lose
 * their owner. To be called under the tenant's lock. Second run: `not-found`.
 */
export async function removeUser(
  sql: Sql,
  tenantId: string,
  { userId, limit }: { userId: string; limit: number },
): Promise<UserRemoved> {
  const [user] = await sql.query<{ principal: number }>(
    'SELECT principal FROM app_user WHERE tenant_id = $1 AND id = $2 FOR UPDATE',
    [tenantId, userId],
  );
  if (user === undefined) return { kind: 'not-found' };
  const owned = await sql.query<{ id: string }>(
    'SELECT id FROM source WHERE tenant_id = $1 AND owner_user_id = $2 AND deleted_at IS NULL ORDER BY id LIMIT 10',
    [tenantId, userId],
  );
  if (owned.length > 0) return { kind: 'owns-mailboxes', mailboxIds: owned.map((source) => source.id) };
  if (await hasMuch(sql, tenantId, { userId, principal: user.principal, limit })) return { kind: 'much' };
  const values = [tenantId, userId];
  await sql.execute('UPDATE source SET owner_user_id = NULL WHERE tenant_id = $1 AND owner_user_id = $2', values);
  await sql.execute(
    `UPDATE record SET owner_user_id = NULL, version = version + 1, updated_at = now() WHERE tenant_id = $1 AND owner_user_id = $2`,
    values,
  );
  // Under record 0 stands all that the user may read, so that the table need not be walked for the rest.
  await sql.execute(
    `DELETE FROM timeline WHERE tenant_id = $1 AND principal = $2 AND message_id IN (
       SELECT message_id FROM timeline WHERE tenant_id = $1 AND principal = $2 AND record_id = '00000000-0000-0000-0000-000000000000')`,
    [tenantId, user.principal],
  );
  const addresses = await sql.query<{ key: string }>(
    'DELETE FROM user_address WHERE tenant_id = $1 AND user_id = $2 RETURNING address_key AS key',
    values,
  );
  const left = { userId, heirId: null, limit: activitiesAtOnce };
  while ((await leaveUser(sql, tenantId, left)) > 0);
  while ((await leaveNotesOfUser(sql, tenantId, left)).left > 0);
  await sql.execute('DELETE FROM record_scope WHERE tenant_id = $1 AND principal = $2', [tenantId, user.principal]);
  await sql.execute('DELETE FROM app_user WHERE tenant_id = $1 AND id = $2', values);
  const keys = addresses.map(({ key }) => key);
  return { kind: 'removed', rematch: await rematchOfUsers(sql, tenantId, keys) };
}

/** Looks at one row more than the limit of each, and no further. */
async function hasMuch(
  sql: Sql,
  tenantId: string,
  of: { userId: string; principal: number; limit: number },
): Promise<boolean> {
  const [row] = await sql.query<{ much: boolean }>(
    `SELECT greatest(
       (SELECT count(*) FROM (SELECT FROM timeline WHERE tenant_id = $1 AND principal = $3
          AND record_id = '00000000-0000-0000-0000-000000000000' LIMIT $4 + 1) readable),
       (SELECT count(*) FROM (SELECT FROM record WHERE tenant_id = $1 AND owner_user_id = $2 LIMIT $4 + 1) owned),
       (SELECT count(*) FROM (SELECT FROM record_scope WHERE tenant_id = $1 AND principal = $3 LIMIT $4 + 1) shown),
       (SELECT count(*) FROM (SELECT FROM activity WHERE tenant_id = $1 AND owner_user_id = $2 LIMIT $4 + 1) done),
       (SELECT count(*) FROM (SELECT FROM activity_note WHERE tenant_id = $1 AND owner_user_id = $2 LIMIT $4 + 1) noted)) > $4 AS much`,
    [tenantId, of.userId, of.principal, of.limit],
  );
  return row?.much ?? false;
}

async function takenAddress(
  sql: Sql,
  tenantId: string,
  wanted: { userId: string; addresses: string[] },
): Promise<Extract<UserWritten, { kind: 'address-taken' }> | null> {
  const [taken] = await sql.query<{ address: string; userId: string }>(
    `SELECT address_key AS address, user_id AS "userId" FROM user_address
     WHERE tenant_id = $1 AND address_key = ANY ($2::text[]) AND user_id <> $3 ORDER BY address_key LIMIT 1`,
    [tenantId, wanted.addresses, wanted.userId],
  );
  return taken === undefined ? null : { kind: 'address-taken', ...taken };
}

/** Returns the addresses that were added or taken away. */
async function replaceAddresses(
  sql: Sql,
  tenantId: string,
  user: { id: string; addresses: string[] },
): Promise<string[]> {
  const removed = await sql.query<{ address_key: string }>(
    `DELETE FROM user_address WHERE tenant_id = $1 AND user_id = $2 AND NOT address_key = ANY ($3::text[]) RETURNING address_key`,
    [tenantId, user.id, user.addresses],
  );
  const added = await sql.query<{ address_key: string }>(
    `INSERT INTO user_address (tenant_id, user_id, address_key) SELECT $1, $2, unnest($3::text[])
     ON CONFLICT DO NOTHING RETURNING address_key`,
    [tenantId, user.id, user.addresses],
  );
  return [...removed, ...added].map((row) => row.address_key);
}

async function written(sql: Sql, tenantId: string, of: { id: string; changed: string[] }): Promise<UserWritten> {
  const user = await readUser(sql, tenantId, of.id);
  if (user === null) throw new Error('the user was not written');
  return { kind: 'written', user, changedAddresses: of.changed };
}

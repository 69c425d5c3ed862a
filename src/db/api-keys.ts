import type { Database, Sql } from './database';
import { newUuid } from './new-id';

/** What a key may do. */
export type KeyScope = 'read' | 'write' | 'admin';

/** A key as it is known when it is presented. */
export interface KnownKey {
  tenantId: string;
  id: string;
  /** null: the key stands for the tenant. */
  userId: string | null;
  scopes: KeyScope[];
  expiresAt: Date | null;
  revokedAt: Date | null;
}

/** A key as its owner sees it in a list; the key itself is nowhere. */
export interface ApiKey extends KnownKey {
  label: string;
  createdAt: Date;
}

const columns = `tenant_id AS "tenantId", id, user_id AS "userId", scopes, expires_at AS "expiresAt",
  revoked_at AS "revokedAt", label, created_at AS "createdAt"`;

/** The key with this SHA-256, whatever its tenant; null where there is none. */
export async function findKeyByHash(db: Database, hash: Buffer): Promise<KnownKey | null> {
  const rows = await db.withKeyHash(hash, (sql) =>
    sql.query<ApiKey>(`SELECT ${columns} FROM api_key WHERE key_hash = $1`, [hash]),
  );
  return rows[0] ?? null;
}

export interface NewApiKey {
  hash: Buffer;
  userId: string | null;
  label: string;
  scopes: KeyScope[];
  expiresAt: Date | null;
}

/** Keeps the hash of a new key. */
export async function insertKey(sql: Sql, tenantId: string, key: NewApiKey): Promise<ApiKey> {
  const rows = await sql.query<ApiKey>(
    `INSERT INTO api_key (key_hash, tenant_id, id, user_id, label, scopes, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING ${columns}`,
    [key.hash, tenantId, newUuid(), key.userId, key.label, key.scopes, key.expiresAt],
  );
  const [inserted] = rows;
  if (inserted === undefined) throw new Error('the new key has no row');
  return inserted;
}

/** Keys by id, newest first, from before `beforeId` on; only those of one user where `userId` is given. Revoked ones are in it. */
export async function listKeys(
  db: Database,
  tenantId: string,
  { userId, beforeId, limit }: { userId: string | null; beforeId: string | null; limit: number },
): Promise<ApiKey[]> {
  const where = { tenantId, ...(userId !== null && { userId }), ...(beforeId !== null && { id: { lt: beforeId } }) };
  const rows = await db.prismaInTenant(tenantId, (tx) =>
    tx.apiKey.findMany({ where, omit: { keyHash: true }, orderBy: { id: 'desc' }, take: limit }),
  );
  return rows.map((row) => ({ ...row, scopes: row.scopes as KeyScope[] }));
}

/** Ends a key; null where there is none of that id (and user, where given). Second run: no change. */
export async function revokeKey(
  sql: Sql,
  tenantId: string,
  key: { id: string; userId: string | null; at: Date },
): Promise<ApiKey | null> {
  const rows = await sql.query<ApiKey>(
    `UPDATE api_key SET revoked_at = coalesce(revoked_at, $4)
     WHERE tenant_id = $1 AND id = $2 AND ($3::uuid IS NULL OR user_id = $3) RETURNING ${columns}`,
    [tenantId, key.id, key.userId, key.at],
  );
  return rows[0] ?? null;
}

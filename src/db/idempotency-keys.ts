import type { Database } from './database';
import type { Prisma } from './generated/client';

/** The part of an answer that a repeated request gets again. */
export interface KeptAnswer {
  /** JSON. */
  body: unknown;
  location: string | null;
}

/** What was found under an Idempotency-Key. */
export type KeyClaim =
  | { kind: 'claimed' }
  | { kind: 'other-request' }
  | { kind: 'running' }
  | { kind: 'answered'; status: number; response: KeptAnswer };

interface KeyRow {
  sameRequest: boolean;
  status: number | null;
  response: KeptAnswer | null;
}

/**
 * Takes a key for a request, unless it was used within 24 hours. A request that has not answered after 5 minutes has died
 * with its process, and its key is free again. `fingerprints` are of the request: the first is kept, any of them is the same request.
 */
export function claimKey(
  db: Database,
  tenantId: string,
  request: { key: string; fingerprints: [Buffer, ...Buffer[]] },
): Promise<KeyClaim> {
  const { key, fingerprints } = request;
  return db.inTenant(tenantId, async (sql) => {
    const claimed = await sql.execute(
      `INSERT INTO idempotency_key AS k (tenant_id, key, request_hash) VALUES ($1, $2, $3)
       ON CONFLICT (tenant_id, key) DO UPDATE SET request_hash = excluded.request_hash, status = NULL, response = NULL, created_at = now()
       WHERE k.created_at < now() - interval '24 hours' OR (k.status IS NULL AND k.created_at < now() - interval '5 minutes')`,
      [tenantId, key, fingerprints[0]],
    );
    if (claimed === 1) return { kind: 'claimed' };
    const [row] = await sql.query<KeyRow>(
      `SELECT request_hash = ANY ($3::bytea[]) AS "sameRequest", status, response FROM idempotency_key WHERE tenant_id = $1 AND key = $2`,
      [tenantId, key, fingerprints],
    );
    return row === undefined ? { kind: 'running' } : claimOf(row);
  });
}

function claimOf(row: KeyRow): KeyClaim {
  if (!row.sameRequest) return { kind: 'other-request' };
  if (row.status === null || row.response === null) return { kind: 'running' };
  return { kind: 'answered', status: row.status, response: row.response };
}

/** Keeps the answer of a claimed key. */
export async function keepAnswer(
  db: Database,
  tenantId: string,
  { key, status, response }: { key: string; status: number; response: KeptAnswer },
): Promise<void> {
  const data = { status, response: { ...response } as Prisma.InputJsonObject };
  await db.prismaInTenant(tenantId, (tx) => tx.idempotencyKey.updateMany({ where: { tenantId, key }, data }));
}

/** Frees a key whose request created nothing. */
export async function forgetKey(db: Database, tenantId: string, key: string): Promise<void> {
  await db.prismaInTenant(tenantId, (tx) => tx.idempotencyKey.deleteMany({ where: { tenantId, key, status: null } }));
}

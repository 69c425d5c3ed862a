import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { readConfig } from './config/config';
import { findKeyByHash, insertKey, type KeyScope } from './db/api-keys';
import { openDatabase, type Database, type Sql } from './db/database';
import { newUuid } from './db/new-id';
import { lockTenantForWriting } from './db/tenant-lock';
import { createUser } from './db/users';

/** The first key of an installation: made now, to be shown once; or the one that the file has already. */
export interface Bootstrapped {
  kind: 'made' | 'known';
  apiKey: string;
}

/**
 * Makes the first tenant, its admin and an API key of the tenant with all scopes, and keeps the key in `keyFile` with mode 0600; the
 * database has only its SHA-256. Second run: no change. A key that the database does not know (a new database, or it was revoked) is
 * replaced by a new one of the oldest tenant that stays: one that is being erased is as good as gone.
 */
export async function bootstrap({ db, keyFile }: { db: Database; keyFile: string }): Promise<Bootstrapped> {
  const kept = readKey(keyFile);
  if (kept !== null && (await isUsable(db, kept))) return { kind: 'known', apiKey: kept };
  const known = await oldestStaying(db);
  const tenantId = known ?? newUuid();
  const apiKey = `lbk_${randomBytes(32).toString('base64url')}`;
  // The file first: a key that is only in the database is a key that nobody has.
  const draft = `${keyFile}.new`;
  writeFileSync(draft, `${apiKey}\n`, { mode: 0o600 });
  await db.inTenant(tenantId, async (sql) => {
    if (known === null) await makeTenant(sql, tenantId);
    const hash = hashOf(apiKey);
    const scopes: KeyScope[] = ['read', 'write', 'admin'];
    await insertKey(sql, tenantId, { hash, userId: null, label: 'npm start', scopes, expiresAt: null });
  });
  renameSync(draft, keyFile);
  return { kind: 'made', apiKey };
}

function readKey(keyFile: string): string | null {
  return existsSync(keyFile) ? readFileSync(keyFile, 'utf8').trim() : null;
}

async function isUsable(db: Database, apiKey: string): Promise<boolean> {
  const known = await findKeyByHash(db, hashOf(apiKey));
  return known !== null && known.revokedAt === null && (known.expiresAt === null || known.expiresAt > new Date());
}

async function oldestStaying(db: Database): Promise<string | null> {
  const rows = await db.acrossTenants((sql) =>
    sql.query<{ tenantId: string }>(
      `SELECT tenant_id AS "tenantId" FROM tenant t WHERE NOT EXISTS (
         SELECT FROM deletion d WHERE d.tenant_id = t.tenant_id AND d.target_id = t.tenant_id AND d.state NOT IN ('done', 'cancelled'))
       ORDER BY created_at, tenant_id LIMIT 1`,
    ),
  );
  return rows[0]?.tenantId ?? null;
}

async function makeTenant(sql: Sql, tenantId: string): Promise<void> {
  await lockTenantForWriting(sql, tenantId);
  await sql.execute('INSERT INTO tenant (tenant_id, name) VALUES ($1, $2)', [tenantId, 'Letterbook']);
  await createUser(sql, tenantId, { role: 'admin', name: 'Administrator', addresses: [] });
}

function hashOf(apiKey: string): Buffer {
  return createHash('sha256').update(apiKey).digest();
}

/** `node dist/bootstrap.js`: for installations that are not started by `npm start`. */
async function main(): Promise<void> {
  const config = readConfig(process.env);
  const db = openDatabase({ url: config.databaseUrl, poolSize: 2, applicationName: 'letterbook bootstrap' });
  try {
    const { kind, apiKey } = await bootstrap({ db, keyFile: join(config.home, 'api-key') });
    process.stdout.write(
      kind === 'made' ? `API key, shown this once: ${apiKey}\n` : `The API key in ${config.home}/api-key is in use.\n`,
    );
  } finally {
    await db.close();
  }
}

if (require.main === module) void main();

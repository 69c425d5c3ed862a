import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import pg from 'pg';

import { openDatabase, type Database } from '../../src/db/database';
import { migrate } from '../../src/db/migrate';
import { newUuid } from '../../src/db/new-id';

const appLogin = 'letterbook_test';
const migrationsDirectory = join(__dirname, '..', '..', 'prisma', 'migrations');

/** A database of one test file. */
export interface TestDatabase {
  /** As the application: a login that owns nothing. */
  appUrl: string;
  /** As the owner, a superuser: for looking behind the policies. */
  ownerUrl: string;
  db: Database;
  /** Makes a tenant; its id. */
  newTenant(): Promise<string>;
  drop(): Promise<void>;
}

/**
 * A fresh, migrated database: a copy of a template that is made once for each state of the migrations. The server is
 * LETTERBOOK_TEST_POSTGRES_URL, a superuser's URL.
 */
export async function createTestDatabase(): Promise<TestDatabase> {
  const serverUrl = process.env['LETTERBOOK_TEST_POSTGRES_URL'];
  if (serverUrl === undefined)
    throw new Error('LETTERBOOK_TEST_POSTGRES_URL is not set: run the tests with `npm test`.');
  const name = `test_${randomBytes(6).toString('hex')}`;
  await onServer(serverUrl, async (server) => {
    const template = await ensureTemplate(server, serverUrl);
    await server.query(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  });
  const appUrl = urlOf(serverUrl, { database: name, user: appLogin });
  const db = openDatabase({ url: appUrl, poolSize: 5, applicationName: 'letterbook test' });
  return {
    appUrl,
    ownerUrl: urlOf(serverUrl, { database: name }),
    db,
    newTenant: () => insertTenant(db),
    drop: async () => {
      await db.close();
      await onServer(serverUrl, (server) => server.query(`DROP DATABASE ${name} WITH (FORCE)`));
    },
  };
}

/** Two databases of different migrations can be on one server: the name of the template holds their hash. */
async function ensureTemplate(server: pg.Client, serverUrl: string): Promise<string> {
  const template = `letterbook_template_${hashOfMigrations()}`;
  // Test files start together; one makes the template, the others wait for it.
  await server.query(`SELECT pg_advisory_lock(hashtext('letterbook test template'))`);
  const { rowCount } = await server.query('SELECT FROM pg_database WHERE datname = $1', [template]);
  if (rowCount === 0) {
    const draft = `${template}_draft`;
    await server.query(`DROP DATABASE IF EXISTS ${draft} WITH (FORCE)`);
    await server.query(`CREATE DATABASE ${draft}`);
    const ownerUrl = urlOf(serverUrl, { database: draft });
    await migrate({ ownerUrl, appUrl: urlOf(ownerUrl, { database: draft, user: appLogin }) });
    await server.query(`ALTER DATABASE ${draft} RENAME TO ${template}`);
  }
  await server.query(`SELECT pg_advisory_unlock(hashtext('letterbook test template'))`);
  return template;
}

function hashOfMigrations(): string {
  const hash = createHash('sha256');
  for (const file of readdirSync(migrationsDirectory).sort()) {
    hash.update(file).update(readFileSync(join(migrationsDirectory, file)));
  }
  return hash.digest('hex').slice(0, 16);
}

async function insertTenant(db: Database): Promise<string> {
  const tenantId = newUuid();
  await db.inTenant(tenantId, (sql) =>
    sql.execute('INSERT INTO tenant (tenant_id, name) VALUES ($1, $2)', [tenantId, 'test']),
  );
  return tenantId;
}

/** The user of a URL is the owner's unless one is named; then its password is its name. */
function urlOf(serverUrl: string, parts: { database: string; user?: string }): string {
  const url = new URL(serverUrl);
  url.pathname = `/${parts.database}`;
  if (parts.user !== undefined) {
    url.username = parts.user;
    url.password = parts.user;
  }
  return url.toString();
}

async function onServer<T>(serverUrl: string, work: (server: pg.Client) => Promise<T>): Promise<T> {
  const server = new pg.Client({ connectionString: serverUrl });
  await server.connect();
  try {
    return await work(server);
  } finally {
    await server.end();
  }
}

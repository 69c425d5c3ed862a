import { randomBytes } from 'node:crypto';

import pg from 'pg';

import { migrate } from '../../src/db/migrate';
import { startServerOfVersion } from '../support/postgres-of-version';

const serverUrl = process.env['LETTERBOOK_TEST_POSTGRES_URL'] ?? '';
const name = `test_migrate_${randomBytes(4).toString('hex')}`;
const login = `${name}_login`;

let server: pg.Client;

beforeAll(async () => {
  server = new pg.Client({ connectionString: serverUrl });
  await server.connect();
});

beforeEach(() => server.query(`CREATE DATABASE ${name}`));

afterEach(() => server.query(`DROP DATABASE ${name} WITH (FORCE)`));

afterAll(async () => {
  await server.query(`DROP ROLE IF EXISTS ${login}`);
  await server.end();
});

function urlAs(user?: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  if (user !== undefined) {
    url.username = user;
    url.password = 'pass word@1';
  }
  return url.toString();
}

async function asLogin<Row extends object>(text: string, user = login): Promise<Row[]> {
  const client = new pg.Client({ connectionString: urlAs(user) });
  await client.connect();
  try {
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
}

test('four processes that migrate an empty database at once leave one migrated database', async () => {
  const urls = { ownerUrl: urlAs(), appUrl: urlAs(login) };
  const results = await Promise.all([migrate(urls), migrate(urls), migrate(urls), migrate(urls)]);
  expect(results.filter(({ applied }) => applied.length > 0)).toHaveLength(1);
  expect(results.flatMap(({ applied }) => applied)[0]).toMatch(/^\d{14}_ledger\.sql$/);
});

test('a second run applies nothing', async () => {
  const urls = { ownerUrl: urlAs(), appUrl: urlAs(login) };
  await migrate(urls);
  expect(await migrate(urls)).toEqual({ applied: [] });
});

test('the application login is made, is the application role, and reads across tenants only by asking', async () => {
  await migrate({ ownerUrl: urlAs(), appUrl: urlAs(login) });
  const [row] = await asLogin(`
    SELECT rolsuper, rolbypassrls, pg_has_role('letterbook_app', 'USAGE') AS app,
           pg_has_role('letterbook_system', 'USAGE') AS system, pg_has_role('letterbook_system', 'SET') AS may_ask
    FROM pg_roles WHERE rolname = current_user`);
  expect(row).toEqual({ rolsuper: false, rolbypassrls: false, app: true, system: false, may_ask: true });
  expect(await asLogin('SELECT * FROM tenant')).toEqual([]);
});

test('the owner as application login is refused, for no policy would hold it', async () => {
  await expect(migrate({ ownerUrl: urlAs(), appUrl: urlAs() })).rejects.toThrow(/same user/);
});

test('a superuser as application login is refused', async () => {
  const superuser = `${login}_super`;
  await server.query(`CREATE ROLE ${superuser} LOGIN SUPERUSER`);
  try {
    await expect(migrate({ ownerUrl: urlAs(), appUrl: urlAs(superuser) })).rejects.toThrow(/superuser/);
  } finally {
    await server.query(`DROP ROLE ${superuser}`);
  }
});

test('a server that cannot be reached is named with the remedy, and without the password', async () => {
  const url = new URL(urlAs(login));
  url.port = '1';
  const failure = await migrate({ ownerUrl: url.toString(), appUrl: urlAs(login) }).catch((error: unknown) => error);
  expect(failure).toMatchObject({
    name: 'MigrationError',
    message: expect.stringMatching(/cannot be reached/) as unknown,
  });
  expect(String(failure)).not.toContain('pass word');
});

test('a server that is too old is named with its version and the one that is needed', async () => {
  const old = await startServerOfVersion('150007');
  try {
    const url = `postgres://owner@127.0.0.1:${String(old.port)}/letterbook`;
    await expect(migrate({ ownerUrl: url, appUrl: urlAs(login) })).rejects.toMatchObject({
      name: 'MigrationError',
      message: expect.stringMatching(/PostgreSQL 15 is too old.*16/) as unknown,
    });
  } finally {
    await old.close();
  }
});

describe('an owner that is no superuser', () => {
  const ownerLogin = `${name}_owner`;
  const newLogin = `${name}_new`;

  beforeEach(async () => {
    await server.query(`CREATE ROLE ${ownerLogin} LOGIN CREATEROLE PASSWORD 'pass word@1'`);
    await server.query(`ALTER DATABASE ${name} OWNER TO ${ownerLogin}`);
  });

  afterEach(async () => {
    await server.query(`ALTER DATABASE ${name} OWNER TO CURRENT_USER`);
    await server.query(`GRANT CONNECT ON DATABASE ${name} TO PUBLIC`);
    const owned = new pg.Client({ connectionString: urlAs() });
    await owned.connect();
    await owned.query(`REASSIGN OWNED BY ${ownerLogin} TO CURRENT_USER`);
    await owned.query(`DROP OWNED BY ${ownerLogin} CASCADE`);
    await owned.end();
    await server.query(`DROP ROLE IF EXISTS ${newLogin}, ${ownerLogin}`);
  });

  test('migrates, and makes the login, where it may grant the roles', async () => {
    await server.query(`GRANT letterbook_app, letterbook_system TO ${ownerLogin} WITH ADMIN OPTION`);
    const { applied } = await migrate({ ownerUrl: urlAs(ownerLogin), appUrl: urlAs(newLogin) });
    expect(applied.length).toBeGreaterThan(0);
    expect(await asLogin('SELECT * FROM tenant', newLogin)).toEqual([]);
  });

  test('is told what is missing where it may not', async () => {
    await expect(migrate({ ownerUrl: urlAs(ownerLogin), appUrl: urlAs(login) })).rejects.toThrow(/may not grant/);
  });
});

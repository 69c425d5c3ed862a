import { randomBytes } from 'node:crypto';

import pg from 'pg';

import { migrate } from '../../src/db/migrate';

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

async function asLogin<Row extends object>(text: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: urlAs(login) });
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

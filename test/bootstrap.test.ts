import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { bootstrap } from '../src/bootstrap';
import { askForTenant } from '../src/db/deletion/cascade/ask';
import { lockTenantForWriting } from '../src/db/tenant-lock';
import { createTestDatabase, type TestDatabase } from './support/database';
import { asOwner } from './support/database-copy';

let database: TestDatabase;
let home: string;
let keyFile: string;

beforeEach(async () => {
  database = await createTestDatabase();
  home = await mkdtemp(join(tmpdir(), 'letterbook-bootstrap-'));
  keyFile = join(home, 'api-key');
});
afterEach(async () => {
  await database.drop();
  await rm(home, { recursive: true });
});

const start = () => bootstrap({ db: database.db, keyFile });

/** The tenants, oldest first, each with how many keys of it open something. */
const tenants = () =>
  asOwner(database.ownerUrl, async (owner) => {
    const { rows } = await owner.query<{ id: string; keys: number }>(
      `SELECT tenant_id AS id, (SELECT count(*) FROM api_key k WHERE k.tenant_id = t.tenant_id AND k.revoked_at IS NULL)::integer AS keys
       FROM tenant t ORDER BY created_at, tenant_id`,
    );
    return rows;
  });

const askToDelete = (tenantId: string) =>
  database.db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    await askForTenant(sql, tenantId, 'operator');
  });

test('the first start makes a tenant and a key, which later ones find; a lost key is replaced', async () => {
  const { kind, apiKey } = await start();
  expect(kind).toBe('made');
  expect(await readFile(keyFile, 'utf8')).toBe(`${apiKey}\n`);
  expect(await start()).toEqual({ kind: 'known', apiKey });
  await rm(keyFile);
  expect(await start()).toMatchObject({ kind: 'made' });
  expect(await tenants()).toMatchObject([{ keys: 2 }]);
});

test('a tenant that is being erased gets no new key: the next one does, or a new one is made', async () => {
  await start();
  const [first] = await tenants();
  if (first === undefined) throw new Error('no tenant');
  await askToDelete(first.id);
  expect(await start()).toMatchObject({ kind: 'made' });
  const [, second] = await tenants();
  expect(await tenants()).toEqual([
    { id: first.id, keys: 0 },
    { id: second?.id, keys: 1 },
  ]);
  await rm(keyFile);
  expect(await start()).toMatchObject({ kind: 'made' });
  expect(await tenants()).toEqual([
    { id: first.id, keys: 0 },
    { id: second?.id, keys: 2 },
  ]);
});

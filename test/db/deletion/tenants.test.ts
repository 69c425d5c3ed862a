import { openDatabase, type Database } from '../../../src/db/database';
import { countTenant, deleteTenant, listTenants, tenantDeletions } from '../../../src/db/deletion/cascade/tenants';
import { publicId } from '../../../src/domain/ids';
import { issueKey } from '../../support/api';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { aMailbox } from '../../support/mail-rows';

let database: TestDatabase;
let owner: Database;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = openDatabase({ url: database.ownerUrl, poolSize: 2 });
});
afterAll(async () => {
  await owner.close();
  await database.drop();
});

test('the operator lists tenants, counts one, deletes it by its name and reads how far it is', async () => {
  const [mine, other] = [await database.newTenant(), await database.newTenant()];
  await aMailbox(database.db, mine);
  await issueKey(database.db, mine);
  expect(await countTenant(owner, mine)).toMatchObject({ goes: { mailboxes: 1, apiKeys: 1 } });
  expect(await deleteTenant(owner, { tenantId: mine, confirmed: 'another' })).toEqual({ kind: 'not-confirmed' });
  expect(await deleteTenant(owner, { tenantId: mine, confirmed: null })).toEqual({ kind: 'not-confirmed' });
  expect(await tenantDeletions(owner, null)).toEqual([]);

  const asked = await deleteTenant(owner, { tenantId: mine, confirmed: 'test' });
  if (asked.kind !== 'asked') throw new Error(asked.kind);
  expect(await deleteTenant(owner, { tenantId: mine, confirmed: 'test' })).toEqual(asked);
  const deletionId = publicId('deletion', asked.deletionId);
  expect(await tenantDeletions(owner, asked.deletionId)).toMatchObject([
    { id: deletionId, tenantId: publicId('tenant', mine), state: 'stopping', report: null },
  ]);
  expect(await listTenants(owner)).toEqual([
    { id: publicId('tenant', mine), name: 'test', mailboxes: 1, deletionId },
    { id: publicId('tenant', other), name: 'test', mailboxes: 0, deletionId: null },
  ]);
  const keys = await database.db.inTenant(mine, (sql) => sql.query('SELECT FROM api_key WHERE revoked_at IS NULL'));
  expect(keys).toEqual([]);
});

test('a tenant that is not there is not deleted, and the report of one that is gone is read', async () => {
  const gone = await database.newTenant();
  await owner.inTenant(gone, async (sql) => {
    await sql.execute('DELETE FROM tenant WHERE tenant_id = $1', [gone]);
    await sql.execute(
      `INSERT INTO tenant_deletion (id, target_id, actor, report, created_at, finished_at) VALUES ($1, $1, 'operator', '{"mailboxes": 3}', now(), now())`,
      [gone],
    );
  });
  expect(await deleteTenant(owner, { tenantId: gone, confirmed: 'test' })).toEqual({ kind: 'no-such-tenant' });
  expect(await tenantDeletions(owner, gone)).toMatchObject([{ state: 'done', report: { mailboxes: 3 } }]);
});

test('of the report of another tenant, or without one, the application sees nothing, and changes none', async () => {
  const [mine, other] = [await database.newTenant(), await database.newTenant()];
  const insert = `INSERT INTO tenant_deletion (id, target_id, actor, report, created_at, finished_at) VALUES ($1, $2, 'system', '{}', now(), now())`;
  await database.db.inTenant(mine, (sql) => sql.execute(insert, [mine, mine]));
  await expect(database.db.inTenant(mine, (sql) => sql.execute(insert, [other, other]))).rejects.toThrow(/row-level/);
  expect(await database.db.inTenant(other, (sql) => sql.query('SELECT FROM tenant_deletion'))).toEqual([]);
  expect(await database.db.inTenant(mine, (sql) => sql.query('SELECT FROM tenant_deletion'))).toHaveLength(1);
  await expect(database.db.inTenant(mine, (sql) => sql.execute('DELETE FROM tenant_deletion'))).rejects.toThrow(
    /permission/,
  );
});

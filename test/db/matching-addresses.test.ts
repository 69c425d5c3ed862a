import type { Sql } from '../../src/db/database';
import { addressKeysThatMatch } from '../../src/db/matching-addresses';
import { defaultPolicy, type Policy } from '../../src/domain/policy';
import { addAddress, insertRecord, insertSource } from '../support/correspondence';
import { createTestDatabase, type TestDatabase } from '../support/database';

// With `unmatched: drop`, mail without such an address is not kept.

let database: TestDatabase;
let tenantId: string;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const inTenant = <T>(work: (sql: Sql) => Promise<T>) => database.db.inTenant(tenantId, work);

const matching = async (addressKeys: string[], policy: Partial<Policy>) => [
  ...(await addressKeysThatMatch(database.db, tenantId, { addressKeys, policy: { ...defaultPolicy, ...policy } })),
];

beforeEach(async () => {
  tenantId = await database.newTenant();
  await inTenant(async (sql) => {
    const [one, two] = [await insertRecord(sql, tenantId), await insertRecord(sql, tenantId)];
    await sql.execute(`UPDATE record SET type = 'company' WHERE id = ANY ($1::uuid[])`, [[one, two]]);
    await sql.execute(
      `INSERT INTO record_domain (tenant_id, record_id, domain) VALUES ($1, $2, 'one.example'), ($1, $2, 'own.example')`,
      [tenantId, one],
    );
    await sql.execute(`UPDATE tenant SET own_domains = '{own.example}' WHERE tenant_id = $1`, [tenantId]);
    for (const company of [one, two]) {
      const contact = await insertRecord(sql, tenantId);
      await sql.execute('UPDATE record SET company_id = $2 WHERE id = $1', [contact, company]);
      await addAddress(sql, tenantId, { recordId: contact, addressKey: `${company}@two.example` });
      await addAddress(sql, tenantId, { recordId: contact, addressKey: 'ada@gmail.com', kind: 'private' });
    }
  });
});

const keys = ['x@one.example', 'x@own.example', 'a.da@gmail.com', 'ada@gmail.com'];

test.each<[Partial<Policy>, string[]]>([
  [{}, ['ada@gmail.com']],
  [{ companyDomains: 'link' }, ['x@one.example', 'ada@gmail.com']],
  [{ gmailAddresses: 'fold-dots-and-tags' }, ['a.da@gmail.com', 'ada@gmail.com']],
  [{ gmailAddresses: 'fold-dots-and-tags', matchKinds: ['business'] }, []],
  [{ companyDomains: 'link', matchTypes: ['company'] }, ['x@one.example']],
])('with %j mail is kept for %j', async (policy, expected) => {
  expect((await matching(keys, policy)).sort()).toEqual([...expected].sort());
});

test('mail with contacts of several companies is kept, also where it is linked to none of them', async () => {
  const contacts = await inTenant((sql) =>
    sql.query<{ key: string }>(`SELECT address_key AS key FROM record_address WHERE address_key LIKE '%@two.example'`),
  );
  const both = contacts.map(({ key }) => key);
  expect((await matching(both, { severalCompanies: 'link-none' })).sort()).toEqual([...both].sort());
});

test('a number leads to its project where the address is looked at for it', async () => {
  await inTenant(async (sql) => {
    const [project, source] = [await insertRecord(sql, tenantId), await insertSource(sql, tenantId)];
    await sql.execute(`UPDATE record SET type = 'project', number = 'P-1' WHERE id = $1`, [project]);
    await sql.execute(`UPDATE source SET address_key = 'sales@us.example' WHERE id = $1`, [source]);
  });
  const asked = ['p-1.sales@us.example', 'p-2.sales@us.example', 'p-1.other@us.example'];
  expect(await matching([...asked, ...asked.map((key) => `number:${key}`)], {})).toEqual([
    'number:p-1.sales@us.example',
  ]);
});

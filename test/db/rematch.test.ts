import type { Database, Sql } from '../../src/db/database';
import { newUuid } from '../../src/db/new-id';
import { queueRematch } from '../../src/db/records-rematch';
import { rematchChunk, runRematch } from '../../src/db/rematch-job';
import { lockTenantForWriting } from '../../src/db/tenant-lock';
import { roleOfHeader } from '../../src/domain/match-headers';
import { defaultPolicy, type MatchHeader, type Policy } from '../../src/domain/policy';
import {
  addAddress,
  insertMessage,
  insertRecord,
  insertSource,
  matchAddresses,
  removeAddress,
} from '../support/correspondence';
import { createTestDatabase, type TestDatabase } from '../support/database';

const ada = 'ada@customer.example';
const bob = 'bob@customer.example';

let testDatabase: TestDatabase;
let db: Database;
let tenant: string;
let source: string;
let record: string;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  db = testDatabase.db;
});

beforeEach(async () => {
  tenant = await testDatabase.newTenant();
  source = await inTenant((sql) => insertSource(sql, tenant));
  record = await inTenant((sql) => insertRecord(sql, tenant));
});

afterAll(() => testDatabase.drop());

const inTenant = <T>(work: (sql: Sql) => Promise<T>) => db.inTenant(tenant, work);

const arrived = (addresses: [string, string][], sourceId = source, messageId?: string) =>
  inTenant((sql) =>
    insertMessage(sql, tenant, { sourceId, addresses, ...(messageId === undefined ? {} : { messageId }) }),
  );

const queued = (tenantId: string, keys: string[]) =>
  db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    return queueRematch(sql, tenantId, keys);
  });

async function rematch(tenantId: string, keys: string[]): Promise<void> {
  const job = await queued(tenantId, keys);
  if (job !== null) await runRematch(db, { tenantId, operationId: job.operationId });
}

async function changing(addressKey: string, change: (sql: Sql) => Promise<unknown>): Promise<void> {
  await inTenant(change);
  await rematch(tenant, [addressKey]);
}

const give = (addressKey: string, kind: 'business' | 'private' = 'business') =>
  changing(addressKey, (sql) => addAddress(sql, tenant, { recordId: record, addressKey, kind }));

const take = (addressKey: string) =>
  changing(addressKey, (sql) => removeAddress(sql, tenant, { recordId: record, addressKey }));

/** The reasons of all links of the record, `state reason...` for each, in order. */
async function links(): Promise<string[]> {
  const rows = await inTenant((sql) =>
    sql.query<{ text: string }>(
      `SELECT concat_ws(' ', l.state, string_agg(concat_ws(':', lr.kind, lr.key, lr.actor), ' ' ORDER BY lr.kind, lr.key)) AS text
       FROM link l LEFT JOIN link_reason lr ON lr.link_id = l.id WHERE l.record_id = $1 GROUP BY l.tenant_id, l.id ORDER BY l.message_id`,
      [record],
    ),
  );
  return rows.map((row) => row.text);
}

const inTimelines = async (messageId: string) => {
  const rows = await inTenant((sql) =>
    sql.query<{ record_id: string }>(
      'SELECT record_id FROM timeline WHERE message_id = $1 AND principal = -1 ORDER BY record_id',
      [messageId],
    ),
  );
  return rows.map((row) =>
    row.record_id.endsWith('0000') ? 'all' : row.record_id === record ? 'record' : 'unassigned',
  );
};

test('an address that is added links the stored mail with it, and the link says why', async () => {
  await arrived([
    ['from', ada],
    ['cc', ada],
    ['to', 'sales@company.example'],
  ]);
  await arrived([['from', bob]]);
  await give(ada);
  expect(await links()).toEqual([`active address:cc:${ada}:rule address:from:${ada}:rule`]);
});

test('the reason holds the version that the record had', async () => {
  await arrived([['from', ada]]);
  await inTenant((sql) => sql.execute('UPDATE record SET version = 7 WHERE id = $1', [record]));
  await give(ada);
  const rows = await inTenant((sql) => sql.query('SELECT record_version FROM link_reason'));
  expect(rows).toEqual([{ record_version: 7 }]);
});

test('the timelines follow: from unassigned to the record, and back', async () => {
  const { messageId } = await arrived([['from', ada]]);
  await give(ada);
  expect(new Set(await inTimelines(messageId))).toEqual(new Set(['all', 'record']));
  await take(ada);
  expect(new Set(await inTimelines(messageId))).toEqual(new Set(['all', 'unassigned']));
});

test('a link goes with its last address, not before', async () => {
  await arrived([
    ['from', ada],
    ['to', bob],
  ]);
  await give(ada);
  await give(bob);
  await take(ada);
  expect(await links()).toEqual([`active address:to:${bob}:rule`]);
  await take(bob);
  expect(await links()).toEqual([]);
});

test('a link that a person also made stays when its addresses go', async () => {
  await arrived([['from', ada]]);
  await give(ada);
  await inTenant((sql) =>
    sql.execute(
      `INSERT INTO link_reason (tenant_id, link_id, kind, key, actor, record_version) SELECT $1, id, 'person', 'by-hand', 'usr', 1 FROM link`,
      [tenant],
    ),
  );
  await take(ada);
  expect(await links()).toEqual(['active person:by-hand:usr']);
});

test('a link that a person took away is not touched, whatever the addresses do', async () => {
  await arrived([
    ['from', ada],
    ['to', bob],
  ]);
  await give(ada);
  await inTenant((sql) => sql.execute(`UPDATE link SET state = 'suppressed'`));
  const before = await links();
  await give(bob);
  await take(ada);
  await take(bob);
  await give(ada);
  expect(await links()).toEqual(before);
});

test('only headers and kinds of address that the source counts make links', async () => {
  const strict = await inTenant((sql) =>
    insertSource(sql, tenant, { matchKinds: ['business'], matchHeaders: ['From', 'Reply-To'] }),
  );
  await arrived([['to', ada]], strict);
  await arrived([['delivered-to', ada]]);
  await arrived([['reply-to', ada]], strict);
  await give(ada);
  expect(await links()).toEqual([`active address:reply-to:${ada}:rule`]);
  await arrived([['from', bob]], strict);
  await give(bob, 'private');
  expect(await links()).toHaveLength(1);
});

test.each(Object.entries(roleOfHeader))('%s counts for stored mail as for mail that arrives', async (header, role) => {
  const policy: Policy = { ...defaultPolicy, matchHeaders: [header as MatchHeader] };
  const listening = await inTenant((sql) => insertSource(sql, tenant, policy));
  const { messageId } = await arrived(
    Object.values(roleOfHeader).map((each) => [each, ada]),
    listening,
  );
  await give(ada);
  expect(await links()).toEqual([`active address:${role}:${ada}:rule`]);
  const addresses = Object.values(roleOfHeader).map((each) => ({ role: each, addressKey: ada }));
  const onArrival = await inTenant((sql) => matchAddresses(sql, tenant, { messageId, addresses, policy }));
  expect(onArrival.map((match) => match.key)).toEqual([`${role}:${ada}`]);
});

test('an address that becomes private loses the mail of sources that count business addresses', async () => {
  const strict = await inTenant((sql) => insertSource(sql, tenant, { matchKinds: ['business'] }));
  await arrived([['from', ada]], strict);
  const { messageId } = await arrived([['from', ada]]);
  await give(ada);
  expect(await links()).toHaveLength(2);
  await changing(ada, (sql) => sql.execute(`UPDATE record_address SET kind = 'private'`));
  expect(await inTenant((sql) => sql.query('SELECT message_id FROM link'))).toEqual([{ message_id: messageId }]);
});

test('a message is linked by any of its copies', async () => {
  const deaf = await inTenant((sql) => insertSource(sql, tenant, { matchHeaders: [] }));
  const { messageId } = await arrived([['from', ada]], deaf);
  await give(ada);
  expect(await links()).toEqual([]);
  await arrived([['from', ada]], source, messageId);
  await rematch(tenant, [ada]);
  expect(await links()).toHaveLength(1);
});

test('a record that was deleted has no links by address', async () => {
  await arrived([['from', ada]]);
  await give(ada);
  await changing(ada, (sql) => sql.execute('UPDATE record SET deleted_at = now()'));
  expect(await links()).toEqual([]);
});

test('one address of two records links both', async () => {
  await arrived([['from', ada]]);
  await inTenant(async (sql) =>
    addAddress(sql, tenant, { recordId: await insertRecord(sql, tenant), addressKey: ada }),
  );
  await give(ada);
  expect(await inTenant((sql) => sql.query('SELECT FROM link'))).toHaveLength(2);
});

test('whatever else has changed meanwhile counts too', async () => {
  await arrived([
    ['from', ada],
    ['to', bob],
  ]);
  await give(bob);
  await inTenant((sql) => removeAddress(sql, tenant, { recordId: record, addressKey: bob }));
  await give(ada);
  expect(await links()).toEqual([`active address:from:${ada}:rule`]);
});

test('another tenant with the same address has its own links', async () => {
  await arrived([['from', ada]]);
  const other = await testDatabase.newTenant();
  await db.inTenant(other, async (sql) => {
    await insertMessage(sql, other, { sourceId: await insertSource(sql, other), addresses: [['from', ada]] });
    await addAddress(sql, other, { recordId: await insertRecord(sql, other), addressKey: ada });
  });
  await give(ada);
  expect(await db.inTenant(other, (sql) => sql.query('SELECT FROM link'))).toEqual([]);
  await rematch(other, [ada]);
  expect(await db.inTenant(other, (sql) => sql.query('SELECT FROM link'))).toHaveLength(1);
});

describe('in chunks', () => {
  const sizes = async (operationId: string, limit: number) => {
    const done: number[] = [];
    for (;;) {
      const step = await rematchChunk(db, { tenantId: tenant, operationId }, limit);
      if (step.kind === 'none') return done;
      const [job] = await inTenant((sql) => sql.query<{ done: number }>('SELECT done FROM operation'));
      done.push(job?.done ?? 0);
    }
  };

  test('every message is reached, however the chunks fall', async () => {
    const keys = Array.from({ length: 120 }, (_, n) => `a${String(n).padStart(3, '0')}@customer.example`);
    await inTenant(async (sql) => {
      for (const n of [0, 0, 0, 1, 49, 50, 51, 51, 119]) {
        await insertMessage(sql, tenant, { sourceId: source, addresses: [['from', keys[n] ?? '']] });
      }
      for (const addressKey of keys) await addAddress(sql, tenant, { recordId: record, addressKey });
    });
    const job = await queued(tenant, keys);
    expect(job?.messages).toBe(9);
    expect(await sizes(job?.operationId ?? '', 2)).toEqual([2, 4, 6, 8, 9]);
    expect(await links()).toHaveLength(9);
  });

  test('a second run changes nothing', async () => {
    await arrived([['from', ada]]);
    await give(ada);
    const everything = () =>
      inTenant((sql) => sql.query('SELECT l.*, lr.* FROM link l JOIN link_reason lr ON lr.link_id = l.id'));
    const before = await everything();
    await rematch(tenant, [ada]);
    expect(await everything()).toEqual(before);
  });

  test('an operation goes on where it was, counts, and is done at the end', async () => {
    for (let n = 0; n < 3; n += 1) await arrived([['from', ada]]);
    await inTenant((sql) => addAddress(sql, tenant, { recordId: record, addressKey: ada }));
    const job = await queued(tenant, [ada]);
    const ref = { tenantId: tenant, operationId: job?.operationId ?? '' };
    const state = () => inTenant((sql) => sql.query('SELECT state, done, total, task IS NULL AS over FROM operation'));
    expect(await state()).toEqual([{ state: 'waiting', done: 0, total: 3, over: false }]);
    await rematchChunk(db, ref, 2);
    expect(await state()).toEqual([{ state: 'running', done: 2, total: 3, over: false }]);
    await runRematch(db, ref);
    expect(await state()).toEqual([{ state: 'done', done: 3, total: 3, over: true }]);
    expect(await links()).toHaveLength(3);
  });

  test('an operation that is not there, or of another kind, is nothing to do', async () => {
    expect(await rematchChunk(db, { tenantId: tenant, operationId: newUuid() }, 10)).toEqual({ kind: 'none' });
  });
});

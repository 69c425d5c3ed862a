import pg from 'pg';

import { openDatabase, type Database, type Sql } from '../../src/db/database';
import { DatabaseUnavailable, namedDatabaseError } from '../../src/db/database-error';
import { newUuid } from '../../src/db/new-id';
import { lockTenantForWriting } from '../../src/db/tenant-lock';
import { createTestDatabase, type TestDatabase } from '../support/database';

let testDatabase: TestDatabase;
let db: Database;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  db = testDatabase.db;
});

afterAll(() => testDatabase.drop());

const names = (sql: Sql) => sql.query<{ name: string }>('SELECT name FROM tenant');

async function asOwner(text: string): Promise<void> {
  const owner = new pg.Client({ connectionString: testDatabase.ownerUrl });
  await owner.connect();
  await owner.query(text);
  await owner.end();
}

/** Ends all of the application's connections, as a restart of the server does. */
const endConnections = () =>
  asOwner(`SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity
           WHERE datname = current_database() AND application_name = 'letterbook test'`);

test('values come as JavaScript has them: bigint as number, numeric as text, timestamptz as Date', async () => {
  const tenant = await testDatabase.newTenant();
  const rows = await db.inTenant(tenant, (sql) =>
    sql.query(`SELECT 4294967296::bigint AS uid, ARRAY[1, 2]::bigint[] AS uids, 18446744073709551615::numeric AS modseq,
               '2026-03-02T09:30:00Z'::timestamptz AS at, '\\x00ff'::bytea AS bytes, '{"a": 1}'::jsonb AS json, count(*) FROM tenant`),
  );
  expect(rows).toEqual([
    {
      uid: 4294967296,
      uids: [1, 2],
      modseq: '18446744073709551615',
      at: new Date('2026-03-02T09:30:00Z'),
      bytes: Buffer.from([0, 255]),
      json: { a: 1 },
      count: 1,
    },
  ]);
});

test('a bigint that a number cannot hold is an error, not another number', async () => {
  const tenant = await testDatabase.newTenant();
  await expect(db.inTenant(tenant, (sql) => sql.query('SELECT 9007199254740993::bigint'))).rejects.toThrow(RangeError);
});

test('a transaction whose work fails leaves nothing behind', async () => {
  const tenant = newUuid();
  const work = async (sql: Sql) => {
    await sql.execute('INSERT INTO tenant (tenant_id, name) VALUES ($1, $2)', [tenant, 'half']);
    throw new Error('second thoughts');
  };
  await expect(db.inTenant(tenant, work)).rejects.toThrow('second thoughts');
  expect(await db.inTenant(tenant, names)).toEqual([]);
});

test('a failed statement whose error was swallowed does not look like a commit', async () => {
  const tenant = newUuid();
  const work = async (sql: Sql) => {
    await sql.execute('INSERT INTO tenant (tenant_id, name) VALUES ($1, $2)', [tenant, 'half']);
    await sql.execute('SELECT 1 / 0').catch(() => 0);
  };
  await expect(db.inTenant(tenant, work)).rejects.toThrow('rolled back');
});

test('one tenant sees its rows only, by SQL and through Prisma, on the same connections', async () => {
  const [one, two] = [await testDatabase.newTenant(), await testDatabase.newTenant()];
  for (const tenant of [one, two, one]) {
    expect(await db.inTenant(tenant, (sql) => sql.query('SELECT tenant_id FROM tenant'))).toEqual([
      { tenant_id: tenant },
    ]);
    expect(await db.prismaInTenant(tenant, (tx) => tx.tenant.findMany())).toMatchObject([{ tenantId: tenant }]);
  }
});

test('a time is the same by SQL and through Prisma, also where the server says it in another zone', async () => {
  const tenant = await testDatabase.newTenant();
  const url = new URL(testDatabase.appUrl);
  url.searchParams.set('options', '-c TimeZone=Asia/Kolkata');
  const away = openDatabase({ url: url.toString(), poolSize: 1 });
  const [bySql] = await away.inTenant(tenant, (sql) => sql.query<{ at: Date }>('SELECT created_at AS at FROM tenant'));
  expect(await away.inTenant(tenant, (sql) => sql.query('SHOW timezone'))).toEqual([{ TimeZone: 'Asia/Kolkata' }]);
  const throughPrisma = await away.prismaInTenant(tenant, (tx) => tx.tenant.findFirstOrThrow());
  expect(throughPrisma.createdAt).toEqual(bySql?.at);
  await away.close();
});

test('what is not a UUID never becomes a tenant', async () => {
  await expect(db.inTenant(`x', true); DROP TABLE tenant; --`, names)).rejects.toThrow(TypeError);
});

test('across tenants all are read, and nothing can be written', async () => {
  const tenants = [await testDatabase.newTenant(), await testDatabase.newTenant()];
  const rows = await db.acrossTenants((sql) => sql.query<{ tenant_id: string }>('SELECT tenant_id FROM tenant'));
  expect(rows.map((row) => row.tenant_id)).toEqual(expect.arrayContaining(tenants));
  await expect(db.acrossTenants((sql) => sql.execute('DELETE FROM tenant'))).rejects.toThrow();
  await expect(db.acrossTenants((sql) => sql.query('SELECT * FROM message'))).rejects.toThrow(/permission denied/);
});

test('what workers note of themselves waits for no transaction, however many wait for one lock', async () => {
  const tenantId = await testDatabase.newTenant();
  let free: () => void = () => undefined;
  let began: () => void = () => undefined;
  const holderBegan = new Promise<void>((resolve) => (began = resolve));
  const freed = new Promise<void>((resolve) => (free = resolve));
  const holder = db.writeInTenant(tenantId, () => {
    began();
    return freed;
  });
  await holderBegan;
  const waiting = Array.from({ length: 5 }, () => [
    db.inTenant(tenantId, (sql) => lockTenantForWriting(sql, tenantId)),
    db.writeInTenant(tenantId, () => Promise.resolve()),
  ]).flat();
  try {
    await expect(db.asWatcher((sql) => sql.query('SELECT 1 AS one'))).resolves.toEqual([{ one: 1 }]);
  } finally {
    free();
  }
  await Promise.all([holder, ...waiting]);
});

test('a key is found by its hash, and no other key is seen', async () => {
  const tenant = await testDatabase.newTenant();
  const hashes = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
  await db.inTenant(tenant, async (sql) => {
    for (const hash of hashes) {
      await sql.execute(`INSERT INTO api_key (key_hash, tenant_id, id, label, scopes) VALUES ($1, $2, $3, '', '{}')`, [
        hash,
        tenant,
        newUuid(),
      ]);
    }
  });
  const seen = await db.withKeyHash(Buffer.alloc(32, 2), (sql) => sql.query('SELECT key_hash, tenant_id FROM api_key'));
  expect(seen).toEqual([{ key_hash: hashes[1], tenant_id: tenant }]);
});

type Lock = (name: string) => Promise<unknown>;

/** Two transactions that take two locks in opposite order, each holding its first one when it asks for the second. */
async function meet(begin: (work: (lock: Lock) => Promise<void>) => Promise<void>): Promise<number> {
  let attempts = 0;
  let holding = 0;
  let bothHold: () => void = () => undefined;
  const met = new Promise<void>((resolve) => (bothHold = resolve));
  const take = (first: string, second: string) =>
    begin(async (lock) => {
      attempts += 1;
      await lock(first);
      holding += 1;
      if (holding === 2) bothHold();
      await met;
      await lock(second);
    });
  await Promise.all([take('a', 'b'), take('b', 'a')]);
  return attempts;
}

test('two transactions that deadlock both commit in the end', async () => {
  const tenant = await testDatabase.newTenant();
  const attempts = await meet((work) =>
    db.inTenant(tenant, (sql) => work((name) => sql.execute('SELECT pg_advisory_xact_lock(hashtext($1))', [name]))),
  );
  expect(attempts).toBeGreaterThanOrEqual(3);
});

test('two transactions of Prisma that deadlock both commit in the end', async () => {
  const tenant = await testDatabase.newTenant();
  const attempts = await meet((work) =>
    db.prismaInTenant(tenant, (tx) => work((name) => tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtext(${name}))`)),
  );
  expect(attempts).toBeGreaterThanOrEqual(3);
});

test('a connection lost within a transaction is DatabaseUnavailable, and the next transaction works', async () => {
  const tenant = await testDatabase.newTenant();
  const lost = db.inTenant(tenant, async (sql) => {
    await endConnections();
    return names(sql);
  });
  await expect(lost).rejects.toBeInstanceOf(DatabaseUnavailable);
  expect(await db.inTenant(tenant, names)).toHaveLength(1);
});

test('a connection lost within a transaction of Prisma is DatabaseUnavailable, and the next one works', async () => {
  const tenant = await testDatabase.newTenant();
  const lost = db.prismaInTenant(tenant, async (tx) => {
    await endConnections();
    return tx.tenant.findMany();
  });
  await expect(lost).rejects.toBeInstanceOf(DatabaseUnavailable);
  expect(await db.prismaInTenant(tenant, (tx) => tx.tenant.findMany())).toHaveLength(1);
});

test('connections that broke while idle are replaced unseen', async () => {
  const tenant = await testDatabase.newTenant();
  await Promise.all([db.ping(), db.ping(), db.ping()]);
  await endConnections();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await db.inTenant(tenant, names)).toHaveLength(1);
});

test('a server that is not there is DatabaseUnavailable', async () => {
  const url = new URL(testDatabase.appUrl);
  url.port = '1';
  const away = openDatabase({ url: url.toString(), poolSize: 2 });
  await expect(away.ping()).rejects.toBeInstanceOf(DatabaseUnavailable);
  await expect(away.inTenant(newUuid(), names)).rejects.toBeInstanceOf(DatabaseUnavailable);
  await expect(away.prismaInTenant(newUuid(), (tx) => tx.tenant.findMany())).rejects.toBeInstanceOf(
    DatabaseUnavailable,
  );
  await away.close();
});

test('a connection that breaks while it is written to is named as every other', () => {
  const broken = Object.assign(new Error('write EPIPE'), { code: 'EPIPE', syscall: 'write' });
  expect(namedDatabaseError(broken)).toBeInstanceOf(DatabaseUnavailable);
});

describe('a writer', () => {
  test('sends statements at once, and they run in the order they were sent', async () => {
    const tenantId = await testDatabase.newTenant();
    const seen = await db.writeInTenant(tenantId, async (sql) => {
      await sql.execute('CREATE TEMP TABLE told (n integer) ON COMMIT DROP');
      const [, , rows] = await Promise.all([
        sql.execute('INSERT INTO told VALUES (1)'),
        sql.execute('UPDATE told SET n = 2'),
        sql.query<{ n: number }>('SELECT n FROM told'),
      ]);
      return rows;
    });
    expect(seen).toEqual([{ n: 2 }]);
  });

  test('of a tenant waits for the one before', async () => {
    const tenantId = await testDatabase.newTenant();
    const order: string[] = [];
    let began: () => void = () => undefined;
    const firstHasLock = new Promise<void>((resolve) => (began = resolve));
    const first = db.writeInTenant(tenantId, async (sql) => {
      began();
      await sql.query('SELECT pg_sleep(0.3)');
      order.push('first');
    });
    await firstHasLock;
    await db.writeInTenant(tenantId, () => {
      order.push('second');
      return Promise.resolve();
    });
    await first;
    expect(order).toEqual(['first', 'second']);
  });

  test('that failed sends nothing more, whatever was still to follow', async () => {
    const tenantId = await testDatabase.newTenant();
    let late: Promise<unknown> = Promise.resolve();
    await expect(
      db.writeInTenant(tenantId, (sql) => {
        const follows = sql.query('SELECT 1').then(async () => {
          await new Promise((resolve) => setTimeout(resolve, 100));
          return sql.query('SELECT 2');
        });
        late = follows.catch((error: unknown) => error);
        return Promise.all([follows, sql.query('SELECT 1/0')]);
      }),
    ).rejects.toThrow('division by zero');
    expect(await late).toMatchObject({
      message: expect.stringContaining('after the end of its transaction') as string,
    });
  });

  test('says what went wrong, and not what came of it', async () => {
    const tenantId = await testDatabase.newTenant();
    const failed = db.writeInTenant(tenantId, async (sql) => {
      const cause = sql.query('SELECT 1 / 0');
      const later = sql.query('SELECT 2');
      await Promise.allSettled([cause, later]);
      await later;
    });
    await expect(failed).rejects.toMatchObject({ code: '22012' });
  });

  test('that deadlocks is repeated, whichever of its statements is heard first', async () => {
    const tenantId = await testDatabase.newTenant();
    const lock = 'SELECT pg_advisory_xact_lock(hashtext($1))';
    let attempts = 0;
    const holding: (() => void)[] = [];
    const bothHold = Promise.all([1, 2].map(() => new Promise<void>((resolve) => holding.push(resolve))));
    const take = async (name: string, then: string, within: 'inTenant' | 'writeInTenant') => {
      await db[within](tenantId, async (sql) => {
        attempts += 1;
        await sql.execute(lock, [name]);
        holding.pop()?.();
        await bothHold;
        const cause = sql.execute(lock, [then]);
        const later = sql.execute('SELECT 1');
        await Promise.allSettled([cause, later]);
        await later;
      });
    };
    // The writer would wait for another writer of its tenant: the other one holds no such lock.
    await Promise.all([take('one', 'two', 'writeInTenant'), take('two', 'one', 'inTenant')]);
    expect(attempts).toBeGreaterThanOrEqual(3);
  });
});

describe('what is asked again and again', () => {
  test('is planned once, for whatever values, and never along a whole table', async () => {
    const tenantId = await testDatabase.newTenant();
    const plans = await db.preparedInTenant(tenantId, async (sql) => {
      const text = 'SELECT name FROM tenant WHERE tenant_id = $1';
      await Promise.all([sql.query(text, [tenantId]), sql.query(text, [newUuid()]), sql.query(text, [tenantId])]);
      const [kept] = await sql.query(
        'SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement = $1',
        [text],
      );
      const [whole] = await sql.query(`SELECT current_setting('enable_seqscan') AS scans`);
      return { ...kept, ...whole };
    });
    expect(plans).toEqual({ generic_plans: 3, custom_plans: 0, scans: 'off' });
  });

  test('goes on after a migration that a kept plan does not fit', async () => {
    const tenantId = await testDatabase.newTenant();
    await asOwner(
      'CREATE TABLE grown (n integer); INSERT INTO grown VALUES (1); GRANT SELECT ON grown TO letterbook_app',
    );
    const read = () => db.preparedInTenant(tenantId, (sql) => sql.query('SELECT * FROM grown WHERE n = $1', [1]));
    expect(await read()).toEqual([{ n: 1 }]);
    await asOwner('ALTER TABLE grown ADD COLUMN more text');
    expect(await read()).toEqual([{ n: 1, more: null }]);
  });

  test('finds out what went wrong where its transaction could not even begin', async () => {
    await expect(db.preparedInTenant('nobody', names)).rejects.toThrow('a tenant id must be a UUID');
  });
});

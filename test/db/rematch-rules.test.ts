import fc from 'fast-check';

import type { Sql } from '../../src/db/database';
import { writeLinks } from '../../src/db/link-write';
import { matchDifferences } from '../../src/db/match-stored';
import { queueRematch, type QueuedRematch } from '../../src/db/records-rematch';
import { rematchOfUsers } from '../../src/db/own-domains';
import { keysOfRecords } from '../../src/db/record-keys';
import { rematchChunk, runRematch } from '../../src/db/rematch-job';
import { lockTenantForWriting } from '../../src/db/tenant-lock';
import { insertTimelines, timelineDifferences } from '../../src/db/timeline-write';
import { gmailAccount } from '../../src/domain/address';
import { numberKeys } from '../../src/domain/matching';
import { defaultPolicy, type Policy } from '../../src/domain/policy';
import { addAddress, insertMessage, insertRecord, insertSource, matchAddresses } from '../support/correspondence';
import { createTestDatabase, type TestDatabase } from '../support/database';

let database: TestDatabase;
let tenantId: string;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  tenantId = await database.newTenant();
});

const inTenant = <T>(work: (sql: Sql) => Promise<T>) => database.db.inTenant(tenantId, work);

/** A change of records with the job for it, as the API writes it; and the job to its end. */
const changing = (change: (sql: Sql) => Promise<string[]>) =>
  withJob(async (sql) => queueRematch(sql, tenantId, await change(sql)));

async function withJob(change: (sql: Sql) => Promise<QueuedRematch | null>): Promise<void> {
  const job = await inTenant(async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    return change(sql);
  });
  if (job !== null) await runRematch(database.db, { tenantId, operationId: job.operationId });
}

const policies: Partial<Policy>[] = [
  { companyDomains: 'link', gmailAddresses: 'fold-dots-and-tags' },
  { companyDomains: 'link', matchTypes: ['contact', 'company'], severalCompanies: 'link-none' },
  { severalCompanies: 'link-none', matchKinds: ['business'], gmailAddresses: 'fold-dots-and-tags' },
  { matchTypes: ['lead', 'contact'], matchHeaders: ['From', 'To'] },
];

const addresses = [
  'ada@one.example',
  'bob@two.example',
  'eve@two.example',
  'a.da@gmail.com',
  'ada+news@googlemail.com',
  'me@own.example',
  'p1.me@own.example',
  '7.p1.me@own.example',
  'p1.ada@one.example',
];
/** What may become a user's. */
const ours = ['me@own.example', 'p1.me@own.example', 'ada@one.example'];
const numbers = ['P1', '7', '7.p1'];
const domains = ['one.example', 'two.example', 'own.example'];

/** 0 and 1 are companies; the last may become a part of the one before. */
const types = ['company', 'company', 'contact', 'contact', 'lead', 'project', 'opportunity'];
const [project, opportunity] = [5, 6];

interface World {
  sources: string[];
  records: string[];
  messages: string[];
}

async function newWorld(): Promise<World> {
  tenantId = await database.newTenant();
  return inTenant(async (sql) => {
    const world: World = { sources: [], records: [], messages: [] };
    for (const policy of policies) world.sources.push(await insertSource(sql, tenantId, policy));
    for (const type of types) {
      const id = await insertRecord(sql, tenantId);
      await sql.execute('UPDATE record SET type = $2 WHERE id = $1', [id, type]);
      world.records.push(id);
    }
    await sql.execute(
      `INSERT INTO app_user (tenant_id, id, principal, role, name) VALUES ($1, $1, 1, 'member', 'Rep')`,
      [tenantId],
    );
    return world;
  });
}

type Step =
  | { kind: 'arrival'; source: number; addresses: [string, number][] }
  | { kind: 'address'; record: number; key: number; to: 'none' | 'business' | 'private' }
  | { kind: 'domain'; record: number; domain: number; to: 'none' | 'given' }
  | { kind: 'company'; record: number; company: number | null }
  | { kind: 'deleted'; record: number; to: 'deleted' | 'there' }
  | { kind: 'own'; domains: number[] }
  | { kind: 'number'; record: number; number: number | null }
  | { kind: 'ours'; address: number; to: 'ours' | 'none' }
  | { kind: 'merged'; to: 'merged' | 'apart' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('arrival'),
      source: fc.nat(policies.length - 1),
      addresses: fc.uniqueArray(
        fc.tuple(fc.constantFrom('from', 'to', 'cc', 'bcc', 'delivered-to'), fc.nat(addresses.length - 1)),
        {
          minLength: 1,
          maxLength: 4,
          selector: String,
        },
      ),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('address'),
      record: fc.nat(types.length - 1),
      key: fc.nat(addresses.length - 1),
      to: fc.constantFrom('none', 'business', 'private'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('domain'),
      record: fc.nat(1),
      domain: fc.nat(domains.length - 1),
      to: fc.constantFrom('none', 'given'),
    }),
  },
  fc.record({
    kind: fc.constant('company'),
    record: fc.integer({ min: 2, max: types.length - 1 }),
    company: fc.option(fc.nat(1)),
  }),
  fc.record({
    kind: fc.constant('deleted'),
    record: fc.nat(project),
    to: fc.constantFrom('deleted', 'there'),
  }),
  fc.record({ kind: fc.constant('own'), domains: fc.uniqueArray(fc.nat(domains.length - 1)) }),
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('number'),
      record: fc.constantFrom(project, opportunity),
      number: fc.option(fc.nat(numbers.length - 1), { freq: 3 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('ours'),
      address: fc.nat(ours.length - 1),
      to: fc.constantFrom('ours', 'ours', 'none'),
    }),
  },
  fc.record({ kind: fc.constant('merged'), to: fc.constantFrom('merged', 'apart') }),
);

async function arrive(world: World, { source, addresses: wanted }: Extract<Step, { kind: 'arrival' }>): Promise<void> {
  const pairs = wanted.map(([role, key]): [string, string] => [role, addresses[key] ?? '']);
  await inTenant(async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    const { messageId } = await insertMessage(sql, tenantId, {
      sourceId: world.sources[source] ?? '',
      addresses: pairs,
    });
    const policy = { ...defaultPolicy, ...policies[source] };
    const heads = pairs.map(([role, addressKey]) => ({ role, addressKey }));
    await writeLinks(sql, tenantId, await matchAddresses(sql, tenantId, { messageId, addresses: heads, policy }));
    await insertTimelines(sql, tenantId, [messageId]);
    world.messages.push(messageId);
  });
}

async function take(world: World, one: Step): Promise<void> {
  if (one.kind === 'arrival') return arrive(world, one);
  if (one.kind === 'ours') return withJob((sql) => changeOurs(sql, one));
  await changing((sql) => changeOf(sql, world, one));
}

/** As the API does it for a user. */
async function changeOurs(sql: Sql, { address, to }: Extract<Step, { kind: 'ours' }>): Promise<QueuedRematch | null> {
  const key = ours[address] ?? '';
  await sql.execute('DELETE FROM user_address WHERE address_key = $1', [key]);
  if (to === 'ours')
    await sql.execute('INSERT INTO user_address (tenant_id, user_id, address_key) VALUES ($1, $1, $2)', [
      tenantId,
      key,
    ]);
  return rematchOfUsers(sql, tenantId, [key]);
}

/** Writes a change; returns whose mail it concerns. */
async function changeOf(sql: Sql, world: World, one: Exclude<Step, { kind: 'arrival' | 'ours' }>): Promise<string[]> {
  if (one.kind === 'own') {
    const own = one.domains.map((n) => domains[n] ?? '');
    await sql.execute('UPDATE tenant SET own_domains = $2 WHERE tenant_id = $1', [tenantId, own]);
    return domains.map((domain) => `@${domain}`);
  }
  if (one.kind === 'merged') {
    const [part, whole] = [world.records[opportunity] ?? '', world.records[project] ?? ''];
    await sql.execute(
      `UPDATE record SET merged_into = $2, deleted_at = CASE WHEN $2::uuid IS NULL THEN NULL ELSE now() END WHERE id = $1`,
      [part, one.to === 'merged' ? whole : null],
    );
    return keysOfRecords(sql, tenantId, [part, whole]);
  }
  const recordId = world.records[one.record] ?? '';
  if (one.kind === 'number') {
    const [before] = await sql.query<{ type: string; number: string | null }>(
      'SELECT type, number FROM record WHERE id = $1',
      [recordId],
    );
    if (before === undefined) throw new Error('no record');
    const after = { ...before, number: one.number === null ? null : (numbers[one.number] ?? null) };
    await sql.execute('UPDATE record SET number = $2 WHERE id = $1', [recordId, after.number]);
    return [...numberKeys(before), ...numberKeys(after)];
  }
  if (one.kind === 'address') {
    const key = addresses[one.key] ?? '';
    await sql.execute('DELETE FROM record_address WHERE record_id = $1 AND address_key = $2', [recordId, key]);
    if (one.to !== 'none') await addAddress(sql, tenantId, { recordId, addressKey: key, kind: one.to });
    return [key];
  }
  if (one.kind === 'domain') {
    const domain = domains[one.domain] ?? '';
    await sql.execute('DELETE FROM record_domain WHERE record_id = $1 AND domain = $2', [recordId, domain]);
    if (one.to === 'given') {
      await sql.execute('INSERT INTO record_domain (tenant_id, record_id, domain) VALUES ($1, $2, $3)', [
        tenantId,
        recordId,
        domain,
      ]);
    }
    return [`@${domain}`];
  }
  if (one.kind === 'company') {
    const companyId = one.company === null ? null : (world.records[one.company] ?? null);
    await sql.execute('UPDATE record SET company_id = $2 WHERE id = $1', [recordId, companyId]);
  } else {
    const at = one.to === 'deleted' ? 'now()' : 'NULL';
    await sql.execute(`UPDATE record SET deleted_at = ${at} WHERE id = $1`, [recordId]);
  }
  return keysOfRecords(sql, tenantId, [recordId]);
}

test('any order of changes and arrivals, also at the same moment, ends in the links of matching all at the end', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(step, { maxLength: 3 }), { maxLength: 7 }), async (rounds) => {
      const world = await newWorld();
      for (const steps of rounds) await Promise.all(steps.map((one) => take(world, one)));
      const found = await inTenant(async (sql) => ({
        ...(await matchDifferences(sql, tenantId, world.messages)),
        open: await sql.query(`SELECT FROM operation WHERE state IN ('waiting', 'running')`),
        keys: await sql.query('SELECT FROM rematch_key'),
      }));
      expect(found).toEqual({ missing: [], stale: [], open: [], keys: [] });
    }),
    { numRuns: 40 },
  );
});

const linksOfRecord = async (recordId: string) => {
  const rows = await inTenant((sql) =>
    sql.query<{ text: string }>(
      `SELECT concat_ws(' ', lr.kind, lr.key) AS text FROM link l JOIN link_reason lr ON lr.link_id = l.id WHERE l.record_id = $1 ORDER BY 1`,
      [recordId],
    ),
  );
  return rows.map(({ text }) => text);
};

describe('domains of companies', () => {
  const giveDomain = (recordId: string, domain: string) =>
    changing(async (sql) => {
      await sql.execute('INSERT INTO record_domain (tenant_id, record_id, domain) VALUES ($1, $2, $3)', [
        tenantId,
        recordId,
        domain,
      ]);
      return [`@${domain}`];
    });

  async function company(): Promise<string> {
    return inTenant(async (sql) => {
      const id = await insertRecord(sql, tenantId);
      await sql.execute(`UPDATE record SET type = 'company' WHERE id = $1`, [id]);
      return id;
    });
  }

  const arrived = (sourceId: string, from: string) =>
    inTenant((sql) => insertMessage(sql, tenantId, { sourceId, addresses: [['from', from]] }));

  test('history is walked through in chunks, over all mailboxes that link by them, and nothing else is linked', async () => {
    const first = await inTenant((sql) => insertSource(sql, tenantId, { companyDomains: 'link' }));
    const deaf = await inTenant((sql) => insertSource(sql, tenantId));
    const last = await inTenant((sql) => insertSource(sql, tenantId, { companyDomains: 'link' }));
    for (let n = 0; n < 5; n += 1) await arrived(first, `p${String(n)}@one.example`);
    await arrived(deaf, 'q@one.example');
    await arrived(last, 'r@one.example');
    await arrived(last, 's@mail.one.example');
    const one = await company();
    await inTenant((sql) =>
      sql.execute(`INSERT INTO record_domain (tenant_id, record_id, domain) VALUES ($1, $2, 'one.example')`, [
        tenantId,
        one,
      ]),
    );
    const job = await inTenant((sql) => queueRematch(sql, tenantId, ['@one.example']));
    expect(job?.messages).toBe(8);
    const ref = { tenantId, operationId: job?.operationId ?? '' };
    let chunks = 0;
    while ((await rematchChunk(database.db, ref, 2)).kind === 'more') chunks += 1;
    expect(chunks).toBeGreaterThanOrEqual(4);
    const expected = [0, 1, 2, 3, 4].map((n) => `rule from:p${String(n)}@one.example`);
    expect(await linksOfRecord(one)).toEqual([...expected, 'rule from:r@one.example']);
    const messages = await inTenant((sql) => sql.query<{ id: string }>('SELECT id FROM message'));
    await inTenant(async (sql) => {
      const linked = await sql.query<{ message_id: string }>('SELECT DISTINCT message_id FROM link');
      expect(messages.length).toBe(8);
      expect(
        await timelineDifferences(
          sql,
          tenantId,
          linked.map((row) => row.message_id),
        ),
      ).toEqual([]);
    });
  });

  test('own domains and own users are no customers, but a record with such an address is one', async () => {
    const source = await inTenant((sql) => insertSource(sql, tenantId, { companyDomains: 'link' }));
    await inTenant(async (sql) => {
      const userId = await insertRecord(sql, tenantId);
      await sql.execute(
        `INSERT INTO app_user (tenant_id, id, principal, role, name) VALUES ($1, $2, 1, 'member', 'Rep')`,
        [tenantId, userId],
      );
      await sql.execute(
        `INSERT INTO user_address (tenant_id, user_id, address_key) VALUES ($1, $2, 'rep@one.example')`,
        [tenantId, userId],
      );
    });
    await arrived(source, 'rep@one.example');
    await arrived(source, 'ada@one.example');
    await arrived(source, 'boss@own.example');
    const one = await company();
    await giveDomain(one, 'one.example');
    await changing(async (sql) => {
      await sql.execute(`UPDATE tenant SET own_domains = '{own.example}' WHERE tenant_id = $1`, [tenantId]);
      return ['@own.example'];
    });
    await giveDomain(one, 'own.example');
    expect(await linksOfRecord(one)).toEqual(['rule from:ada@one.example']);
    await changing(async (sql) => {
      await addAddress(sql, tenantId, { recordId: one, addressKey: 'boss@own.example' });
      return ['boss@own.example'];
    });
    expect(await linksOfRecord(one)).toEqual(['address from:boss@own.example', 'rule from:ada@one.example']);
  });

  test('a reason that goes leaves the others of its link', async () => {
    const source = await inTenant((sql) => insertSource(sql, tenantId, { companyDomains: 'link' }));
    await arrived(source, 'info@one.example');
    const one = await company();
    await giveDomain(one, 'one.example');
    await changing(async (sql) => {
      await addAddress(sql, tenantId, { recordId: one, addressKey: 'info@one.example' });
      return ['info@one.example'];
    });
    expect(await linksOfRecord(one)).toEqual(['address from:info@one.example', 'rule from:info@one.example']);
    await changing(async (sql) => {
      await sql.execute(`DELETE FROM record_domain WHERE record_id = $1`, [one]);
      return ['@one.example'];
    });
    expect(await linksOfRecord(one)).toEqual(['address from:info@one.example']);
  });
});

test('the database knows the same accounts of Gmail as the rules', async () => {
  const local = fc.stringMatching(/^[a-z0-9.+"_-]{1,10}$/);
  const hosts = ['gmail.com', 'googlemail.com', 'hotmail.com', 'mail.com', 'x.gmail.com', 'company.example'];
  const keys = fc
    .sample(fc.tuple(local, fc.constantFrom(...hosts)), 300)
    .map((pair) => pair.join('@'))
    .concat('"a@b+c"@gmail.com', 'größe@gmail.com');
  const record = await inTenant((sql) => insertRecord(sql, tenantId));
  const rows = await inTenant(async (sql) => {
    await sql.execute(
      `INSERT INTO record_address (tenant_id, record_id, address_key, address, kind)
       SELECT DISTINCT $1::uuid, $2::uuid, key, key, 'business' FROM unnest($3::text[]) AS key`,
      [tenantId, record, keys],
    );
    return sql.query<{ address_key: string; gmail_key: string | null }>(
      'SELECT address_key, gmail_key FROM record_address WHERE record_id = $1',
      [record],
    );
  });
  expect(rows.length).toBeGreaterThan(200);
  expect(rows.filter(({ gmail_key: account }) => account !== null).length).toBeGreaterThan(20);
  for (const { address_key: key, gmail_key: account } of rows) expect([key, account]).toEqual([key, gmailAccount(key)]);
});

test('an account of Gmail is found however it is written, where the policy says so', async () => {
  const folding = await inTenant((sql) => insertSource(sql, tenantId, { gmailAddresses: 'fold-dots-and-tags' }));
  const exact = await inTenant((sql) => insertSource(sql, tenantId));
  for (const sourceId of [folding, exact]) {
    for (const from of ['ada@gmail.com', 'a.d.a+crm@googlemail.com', 'ada@gmail.company.example', 'adab@gmail.com']) {
      await inTenant((sql) => insertMessage(sql, tenantId, { sourceId, addresses: [['from', from]] }));
    }
  }
  const record = await inTenant((sql) => insertRecord(sql, tenantId));
  await changing(async (sql) => {
    await addAddress(sql, tenantId, { recordId: record, addressKey: 'ada@gmail.com' });
    return ['ada@gmail.com'];
  });
  expect(await linksOfRecord(record)).toEqual([
    'address from:a.d.a+crm@googlemail.com',
    'address from:ada@gmail.com',
    'address from:ada@gmail.com',
  ]);
});

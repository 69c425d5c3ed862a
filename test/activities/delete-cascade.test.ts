import { createByteBudget } from '../../src/activities/byte-budget';
import type { ActivityContext, ActivityRun } from '../../src/activities/context';
import { deleteCascade, type CascadeShare } from '../../src/activities/delete-cascade';
import { defaultLimits } from '../../src/config/limits';
import { createPostgresBlobStore } from '../../src/db/blobs/postgres-blob-store';
import { askForRecord, askForTenant, askForUser, type UserWish } from '../../src/db/deletion/cascade/ask';
import { carriersOf } from '../../src/db/deletion/cascade/carriers';
import { tablesOfRecord } from '../../src/db/deletion/cascade/record-steps';
import { tablesOfTenant } from '../../src/db/deletion/cascade/tenant-steps';
import { tablesOfUser } from '../../src/db/deletion/cascade/user-steps';
import type { Deletion, DeletionReport } from '../../src/db/deletion/deletions';
import type { Sql } from '../../src/db/database';
import { fillSearch } from '../../src/db/search-fill';
import { lockTenantForWriting } from '../../src/db/tenant-lock';
import { publicId } from '../../src/domain/ids';
import { insertUser, issueKey } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { asOwner } from '../support/database-copy';
import { aMailbox, aMessage, aRecord, aUser, type TestMailbox } from '../support/mail-rows';
import { contentOf, countsOf } from '../support/tenant-content';
import { carryOut } from '../support/two-mailboxes';

// The database is real; no mail server is asked and nothing has bytes to parse.

let database: TestDatabase;
let context: ActivityContext;
let tenantId: string;
let anna: TestMailbox;

const run: ActivityRun = { signal: new AbortController().signal, heartbeat: () => undefined };

beforeAll(async () => {
  database = await createTestDatabase();
  const { db } = database;
  const played: Partial<ActivityContext> = {
    db,
    blobs: createPostgresBlobStore(db),
    budget: createByteBudget(1_000_000),
    limits: { ...defaultLimits, deletionChunkRows: 3 },
    erasures: { compare: () => Promise.resolve([]) },
  };
  context = played as ActivityContext;
});
afterAll(() => database.drop());
beforeEach(async () => {
  tenantId = await database.newTenant();
  anna = await aMailbox(database.db, tenantId, { visibility: 'full' });
});

const rows = <Row extends object>(text: string, values: unknown[] = []) =>
  database.db.inTenant(tenantId, (sql) => sql.query<Row>(text, values));

/** Asks under the tenant's lock, as the API does. */
const ask = (work: (sql: Sql) => Promise<Deletion>) =>
  database.db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    return work(sql);
  });
const askRecord = (recordId: string) => ask((sql) => askForRecord(sql, tenantId, { recordId, actor: 'system' }));
const askUser = (wish: Partial<UserWish> & { userId: string }) =>
  ask((sql) =>
    askForUser(sql, tenantId, { wish: { reassignTo: null, mailboxes: 'reassign', ...wish }, actor: 'system' }),
  );
const askTenant = () => ask((sql) => askForTenant(sql, tenantId, 'system'));

/** Works until it is done or stands still; mailboxes are deleted as their workflow would do it. */
async function carriedOut({ id: deletionId }: Deletion, by = context): Promise<CascadeShare> {
  for (;;) {
    const share = await deleteCascade(by, run, { tenantId, deletionId });
    if (share.kind !== 'more' && share.kind !== 'mailboxes') return share;
    if (share.kind === 'mailboxes') for (const mailboxId of share.mailboxIds) await deleteMailbox(mailboxId, by);
  }
}

/** A worker of which every statement is written down. */
function listening(statements: string[]): ActivityContext {
  const { db } = database;
  return {
    ...context,
    db: {
      ...db,
      inTenant: (tenant, work) =>
        db.inTenant(tenant, (sql) =>
          work({
            ...sql,
            query: (text, values) => {
              statements.push(text);
              return sql.query(text, values);
            },
          }),
        ),
    },
  };
}

async function deleteMailbox(mailboxId: string, by = context): Promise<void> {
  const [open] = await rows<{ id: string }>(`SELECT id FROM deletion WHERE target_id = $1 AND state <> 'done'`, [
    mailboxId,
  ]);
  await rows(`UPDATE deletion SET state = 'stopping', started_at = now() WHERE id = $1`, [open?.id]);
  await carryOut(by, { tenantId, mailboxId, deletionId: open?.id ?? '' });
}

const reportOf = async ({ id }: Deletion) => {
  const [row] = await rows<{ report: DeletionReport; state: string }>(
    'SELECT state, report FROM deletion WHERE id = $1',
    [id],
  );
  return row;
};

const fillAll = async (id: string) => {
  while ((await fillSearch(database.db, id, 100)) > 0);
};

/** A worker that dies after so many transactions. */
function dyingAfter(transactions: number): ActivityContext {
  const { db } = database;
  let left = transactions;
  return {
    ...context,
    db: {
      ...db,
      inTenant: (tenant, work) => {
        left -= 1;
        return left < 0 ? Promise.reject(new Error('killed')) : db.inTenant(tenant, work);
      },
    },
  };
}

/** A company with two mailboxes, records, links, users; the same words in each. */
async function aCompany(id: string): Promise<{ records: string[]; users: string[] }> {
  const { db } = database;
  const [boss, member] = [await insertUser(db, id, 'admin'), await insertUser(db, id)];
  const company = await aRecord(db, id, { type: 'company', name: 'Customer Ltd' });
  const ada = await aRecord(db, id, {
    name: 'Ada',
    companyId: company,
    addresses: ['ada@customer.example'],
    ownerUserId: member,
  });
  const mailboxes = [
    await aMailbox(db, id, { visibility: 'full', ownerUserId: member }),
    await aMailbox(db, id, { ownerUserId: boss, memberUserIds: [member] }),
  ];
  for (const mailbox of mailboxes) {
    for (let n = 0; n < 4; n += 1) {
      await aMessage(db, mailbox, { from: 'ada@customer.example', messageId: `<${String(n)}@customer.example>` });
    }
  }
  await issueKey(db, id);
  await issueKey(db, id, { userId: member });
  await fillAll(id);
  return { records: [company, ada], users: [boss, member] };
}

const linked = { from: 'ada@customer.example' };

describe('a record', () => {
  let ada: string;
  beforeEach(async () => {
    ada = await aRecord(database.db, tenantId, { name: 'Ada', addresses: ['ada@customer.example'] });
  });

  test('goes with links, suppressed ones too, timeline and addresses; its mail stays and is unassigned', async () => {
    const grace = await aRecord(database.db, tenantId, { name: 'Grace', addresses: ['grace@customer.example'] });
    const employee = await aRecord(database.db, tenantId, { name: 'Employee' });
    await rows('UPDATE record SET company_id = $1 WHERE id = $2', [ada, employee]);
    for (let n = 0; n < 7; n += 1) await aMessage(database.db, anna, { ...linked, subject: `number ${String(n)}` });
    const both = await aMessage(database.db, anna, { ...linked, to: ['grace@customer.example'] });
    await rows(
      `UPDATE link SET state = 'suppressed' WHERE record_id = $1 AND message_id <> $2 AND id = (
      SELECT min(id::text)::uuid FROM link WHERE record_id = $1 AND message_id <> $2)`,
      [ada, both.id],
    );
    const deletion = await askRecord(ada);
    expect(await carriedOut(deletion)).toMatchObject({ kind: 'done', kept: 8 });
    expect(await reportOf(deletion)).toMatchObject({
      state: 'done',
      report: { tables: { link: 8, record: 1, record_address: 1 }, messagesKept: 8 },
    });
    expect(await rows('SELECT FROM message')).toHaveLength(8);
    const unassigned = `SELECT FROM timeline WHERE record_id = '00000000-0000-0000-0000-000000000001' AND principal = -1`;
    expect(await rows(unassigned)).toHaveLength(7);
    expect(await rows('SELECT message_id FROM link')).toEqual([{ message_id: both.id }]);
    expect(await rows('SELECT company_id FROM record WHERE id = $1', [employee])).toEqual([{ company_id: null }]);
    expect(await rows('SELECT FROM record WHERE id = $1', [grace])).toHaveLength(1);
    expect(JSON.stringify(await rows('SELECT * FROM deletion'))).not.toMatch(/@|Ada/);
  });

  test('is gone for matching from the first moment, also for mail that comes while it goes', async () => {
    const deletion = await askRecord(ada);
    await aMessage(database.db, anna, linked);
    expect(await carriedOut(deletion)).toMatchObject({ kind: 'done' });
    expect(await rows('SELECT FROM link')).toEqual([]);
  });

  test('deleted in small steps, each of which may be the last before a kill, comes to the same', async () => {
    for (let n = 0; n < 7; n += 1) await aMessage(database.db, anna, { ...linked, subject: `number ${String(n)}` });
    const deletion = await askRecord(ada);
    let share: CascadeShare | null = null;
    // Each try lives one transaction longer than the one before, so that there is no transaction after which none has died.
    for (let lives = 1; share?.kind !== 'done'; lives += 1) {
      expect(lives).toBeLessThan(60);
      share = await deleteCascade(dyingAfter(lives), run, { tenantId, deletionId: deletion.id }).catch(() => null);
    }
    expect(await reportOf(deletion)).toMatchObject({ report: { tables: { link: 7, record: 1 } } });
  });

  test('asked for twice is one deletion, and done twice has one report', async () => {
    const [first, second] = [await askRecord(ada), await askRecord(ada)];
    expect(second.id).toBe(first.id);
    expect(await carriedOut(first)).toEqual(await carriedOut(first));
  });

  test.each([
    ['by the name of the column', 'CREATE TABLE planted (tenant_id uuid NOT NULL, record_id uuid NOT NULL)'],
    [
      'by a foreign key',
      'CREATE TABLE planted (tenant_id uuid NOT NULL, whose uuid NOT NULL, FOREIGN KEY (tenant_id, whose) REFERENCES record)',
    ],
  ])('a table that somebody added, found %s, stops it; it goes on when the rows are gone', async (_how, statement) => {
    const deletion = await askRecord(ada);
    await plantedTable(statement, [tenantId, ada]);
    expect(await carriedOut(deletion)).toEqual({ kind: 'rows-left', tables: ['planted'] });
    expect(await rows('SELECT state, error FROM deletion')).toEqual([
      { state: 'verifying', error: { code: 'rows-left', tables: { planted: 1 } } },
    ]);
    expect(await rows('SELECT FROM record WHERE id = $1', [ada])).toHaveLength(1);
    await dropPlanted();
    expect(await carriedOut(deletion)).toMatchObject({ kind: 'done' });
  });
});

function plantedTable(statement: string, values: unknown[]): Promise<void> {
  return asOwner(database.ownerUrl, async (owner) => {
    await owner.query(statement);
    await owner.query('GRANT SELECT ON planted TO letterbook_app');
    await owner.query(`INSERT INTO planted VALUES (${values.map((_, n) => `$${String(n + 1)}`).join(', ')})`, values);
  });
}

const dropPlanted = () => asOwner(database.ownerUrl, (owner) => owner.query('DROP TABLE planted'));

describe('a user', () => {
  test('gives mailboxes, memberships and records to another, who reads what they could read; keys end', async () => {
    const { db } = database;
    const [leaver, heir] = [await aUser(db, tenantId, { addresses: ['l@company.example'] }), await aUser(db, tenantId)];
    const own = await aMailbox(db, tenantId, { ownerUserId: leaver.id });
    const shared = await aMailbox(db, tenantId, { memberUserIds: [leaver.id] });
    const record = await aRecord(db, tenantId, { ownerUserId: leaver.id });
    for (let n = 0; n < 5; n += 1) {
      await aMessage(db, own, { subject: `own ${String(n)}` });
      await aMessage(db, shared, { subject: `shared ${String(n)}`, to: ['l@company.example'] });
    }
    const { key } = await issueKey(db, tenantId, { userId: leaver.id });
    expect(key).toBeTruthy();
    const readable = () =>
      rows('SELECT message_id FROM timeline WHERE principal = $1 AND level = 3 GROUP BY 1', [heir.principal]);
    expect(await readable()).toHaveLength(0);

    const deletion = await askUser({ userId: leaver.id, reassignTo: heir.id });
    expect(await rows('SELECT FROM api_key WHERE user_id = $1 AND revoked_at IS NULL', [leaver.id])).toEqual([]);
    expect(await carriedOut(deletion)).toMatchObject({ kind: 'done', mailboxes: 0 });

    expect(await rows('SELECT owner_user_id FROM source WHERE id = $1', [own.sourceId])).toEqual([
      { owner_user_id: heir.id },
    ]);
    expect(await rows('SELECT user_id FROM source_member WHERE source_id = $1', [shared.sourceId])).toEqual([
      { user_id: heir.id },
    ]);
    expect(await rows('SELECT owner_user_id FROM record WHERE id = $1', [record])).toEqual([
      { owner_user_id: heir.id },
    ]);
    expect(await readable()).toHaveLength(10);
    expect(await rows('SELECT FROM timeline WHERE principal = $1', [leaver.principal])).toEqual([]);
    expect(await rows('SELECT FROM app_user WHERE id = $1', [leaver.id])).toEqual([]);
    expect(await rows('SELECT FROM message')).toHaveLength(10);
  });

  test('takes mailboxes along, each deleted and verified before the user goes; what others hold stays', async () => {
    const { db } = database;
    const leaver = await aUser(db, tenantId);
    const mailboxes = [
      await aMailbox(db, tenantId, { ownerUserId: leaver.id }),
      await aMailbox(db, tenantId, { ownerUserId: leaver.id }),
    ];
    for (const mailbox of mailboxes) await aMessage(db, mailbox, { messageId: null, subject: 'only theirs' });
    for (const mailbox of [...mailboxes, anna]) await aMessage(db, mailbox, { messageId: '<shared@mail.example>' });
    const record = await aRecord(db, tenantId, { ownerUserId: leaver.id });
    const deletion = await askUser({ userId: leaver.id, mailboxes: 'delete' });
    const first = await deleteCascade(context, run, { tenantId, deletionId: deletion.id });
    expect(first).toMatchObject({ kind: 'mailboxes', left: 2 });
    expect(await rows(`SELECT FROM source WHERE desired_state = 'stopped' AND deletion_id IS NOT NULL`)).toHaveLength(
      2,
    );
    expect(await rows('SELECT FROM app_user WHERE id = $1', [leaver.id])).toHaveLength(1);

    expect(await carriedOut(deletion)).toMatchObject({ kind: 'done', mailboxes: 2 });
    expect(await rows('SELECT id FROM source')).toEqual([{ id: anna.sourceId }]);
    expect(await rows('SELECT FROM message')).toHaveLength(1);
    expect(await rows('SELECT owner_user_id FROM record WHERE id = $1', [record])).toEqual([{ owner_user_id: null }]);
    expect(await reportOf(deletion)).toMatchObject({ report: { mailboxes: 2, tables: { source: 2, app_user: 1 } } });
  });

  test('looks through the mail of the tenant once for what its mailboxes left, however many they are', async () => {
    const looks: number[] = [];
    for (const mailboxes of [1, 4]) {
      const leaver = await aUser(database.db, tenantId);
      for (let n = 0; n < mailboxes; n += 1) {
        await aMessage(database.db, await aMailbox(database.db, tenantId, { ownerUserId: leaver.id }));
      }
      const statements: string[] = [];
      const deletion = await askUser({ userId: leaver.id, mailboxes: 'delete' });
      expect(await carriedOut(deletion, listening(statements))).toMatchObject({ kind: 'done', mailboxes });
      looks.push(statements.filter((text) => /^SELECT count.*NOT EXISTS .* parent WHERE/s.test(text)).length);
    }
    expect(looks[0]).toBeGreaterThan(0);
    expect(looks[1]).toBe(looks[0]);
  });

  test('stands still where its mailboxes have left a row that belongs to nothing', async () => {
    const leaver = await aUser(database.db, tenantId);
    await aMailbox(database.db, tenantId, { ownerUserId: leaver.id });
    const left = `INSERT INTO message_subject (tenant_id, message_id, subject) VALUES ($1, gen_random_uuid(), 'left')`;
    await rows(left, [tenantId]);
    const deletion = await askUser({ userId: leaver.id, mailboxes: 'delete' });
    expect(await carriedOut(deletion)).toEqual({ kind: 'rows-left', tables: ['message_subject.message_id'] });
    await rows(`DELETE FROM message_subject WHERE subject = 'left'`);
    expect(await carriedOut(deletion)).toMatchObject({ kind: 'done' });
  });

  test('answers in which it or one of its mailboxes is shown are forgotten with it, and no others', async () => {
    const leaver = await aUser(database.db, tenantId);
    const own = await aMailbox(database.db, tenantId, { ownerUserId: leaver.id });
    const shown = [publicId('user', leaver.id), publicId('mailbox', own.sourceId), publicId('mailbox', anna.sourceId)];
    for (const id of shown) {
      await rows(
        `INSERT INTO idempotency_key (tenant_id, key, request_hash, response) VALUES ($1, $2, '', jsonb_build_object('id', $2::text))`,
        [tenantId, id],
      );
    }
    expect(await carriedOut(await askUser({ userId: leaver.id, mailboxes: 'delete' }))).toMatchObject({ kind: 'done' });
    expect(await rows('SELECT key FROM idempotency_key')).toEqual([{ key: shown[2] }]);
  });

  test('without a word on mailboxes, one that is given to them meanwhile stops it', async () => {
    const leaver = await aUser(database.db, tenantId);
    const deletion = await askUser({ userId: leaver.id });
    await rows('UPDATE source SET owner_user_id = $1 WHERE id = $2', [leaver.id, anna.sourceId]);
    expect(await carriedOut(deletion)).toEqual({ kind: 'rows-left', tables: ['source'] });
    await rows('UPDATE source SET owner_user_id = NULL');
    expect(await carriedOut(deletion)).toMatchObject({ kind: 'done' });
  });

  test('timelines of a mailbox that is given away are told in small steps, each of which may be the last before a kill', async () => {
    const { db } = database;
    const [leaver, heir] = [await aUser(db, tenantId), await aUser(db, tenantId)];
    const own = await aMailbox(db, tenantId, { ownerUserId: leaver.id });
    for (let n = 0; n < 7; n += 1) await aMessage(db, own, { subject: `number ${String(n)}` });
    const deletion = await askUser({ userId: leaver.id, reassignTo: heir.id });
    const told = async () =>
      (await rows('SELECT FROM timeline WHERE principal = $1 GROUP BY message_id', [heir.principal])).length;
    const seen = new Set<number>();
    let share: CascadeShare | null = null;
    // Each one goes on where the one before died, and lives long enough to come one step further.
    for (let lives = 8; share?.kind !== 'done'; lives += 1) {
      expect(lives).toBeLessThan(60);
      share = await deleteCascade(dyingAfter(lives), run, { tenantId, deletionId: deletion.id }).catch(() => null);
      seen.add(await told());
    }
    expect([...seen].some((count) => count > 0 && count < 7)).toBe(true);
    expect(await told()).toBe(7);
  });

  test('a worker that dies between a mailbox and its timelines leaves them to the next', async () => {
    const { db } = database;
    const [leaver, heir] = [await aUser(db, tenantId), await aUser(db, tenantId)];
    const own = await aMailbox(db, tenantId, { ownerUserId: leaver.id });
    await aMessage(db, own);
    const deletion = await askUser({ userId: leaver.id, reassignTo: heir.id });
    const dying: ActivityContext = {
      ...context,
      db: {
        ...db,
        inTenant: async (tenant, work) => {
          const [moved] = await rows('SELECT FROM source WHERE owner_user_id = $1', [heir.id]);
          if (moved !== undefined) throw new Error('killed');
          return db.inTenant(tenant, work);
        },
      },
    };
    await expect(deleteCascade(dying, run, { tenantId, deletionId: deletion.id })).rejects.toThrow('killed');
    expect(await rows('SELECT FROM timeline WHERE principal = $1', [heir.principal])).toEqual([]);
    expect(await carriedOut(deletion)).toMatchObject({ kind: 'done' });
    expect(await rows('SELECT FROM timeline WHERE principal = $1', [heir.principal])).not.toEqual([]);
  });

  test('a table that somebody added stops it', async () => {
    const leaver = await aUser(database.db, tenantId);
    await plantedTable('CREATE TABLE planted (assigned_user_id uuid NOT NULL)', [leaver.id]);
    const deletion = await askUser({ userId: leaver.id });
    expect(await carriedOut(deletion)).toEqual({ kind: 'rows-left', tables: ['planted'] });
    expect(await rows('SELECT FROM app_user WHERE id = $1', [leaver.id])).toHaveLength(1);
    await dropPlanted();
    expect(await carriedOut(deletion)).toMatchObject({ kind: 'done' });
  });
});

describe('a tenant', () => {
  test('goes with all that it has; of another, nothing changes; its report outlives it without personal data', async () => {
    const other = await database.newTenant();
    await aCompany(other);
    await aCompany(tenantId);
    const [before, countsBefore] = [
      await contentOf(database.ownerUrl, other),
      await countsOf(database.ownerUrl, other),
    ];
    const deletion = await askTenant();
    expect(await rows('SELECT FROM api_key WHERE revoked_at IS NULL')).toEqual([]);
    const first = await deleteCascade(context, run, { tenantId, deletionId: deletion.id });
    expect(first).toMatchObject({ kind: 'mailboxes', left: 3 });
    expect(await rows(`SELECT FROM source WHERE desired_state <> 'stopped' OR deletion_id IS NULL`)).toEqual([]);

    const end = await carriedOut(deletion);
    expect(end).toMatchObject({ kind: 'done', mailboxes: 3, kept: 0 });
    const left = await countsWithAll(tenantId);
    expect(Object.entries(left).filter(([, count]) => count > 0)).toEqual([['erasure', 1]]);
    const kept = await asOwner(database.ownerUrl, (owner) =>
      owner.query<{ report: DeletionReport }>('SELECT * FROM tenant_deletion WHERE id = $1', [deletion.id]),
    );
    expect(kept.rows[0]?.report.tables).toMatchObject({ source: 3, record: 2, app_user: 2, tenant: 1 });
    expect(JSON.stringify(kept.rows)).not.toMatch(/@|Customer|Ada/);
    // A worker that died after the end is told the same.
    expect(await carriedOut(deletion)).toEqual(end);

    expect(await contentOf(database.ownerUrl, other)).toEqual(before);
    expect(await countsOf(database.ownerUrl, other)).toEqual(countsBefore);
  });

  test('a mailbox that was connected in the last moment is deleted too', async () => {
    const deletion = await askTenant();
    await deleteCascade(context, run, { tenantId, deletionId: deletion.id });
    await deleteMailbox(anna.sourceId);
    await aMailbox(database.db, tenantId);
    expect(await carriedOut(deletion)).toMatchObject({ kind: 'done', mailboxes: 2 });
  });

  test('a key that is made meanwhile ends too', async () => {
    const deletion = await askTenant();
    await issueKey(database.db, tenantId);
    await deleteCascade(context, run, { tenantId, deletionId: deletion.id });
    expect(await rows('SELECT FROM api_key WHERE revoked_at IS NULL')).toEqual([]);
  });

  test('a table that somebody added stops it', async () => {
    await plantedTable('CREATE TABLE planted (tenant_id uuid NOT NULL)', [tenantId]);
    const deletion = await askTenant();
    expect(await carriedOut(deletion)).toEqual({ kind: 'rows-left', tables: ['planted'] });
    expect(await rows('SELECT FROM tenant')).toHaveLength(1);
    await dropPlanted();
    expect(await carriedOut(deletion)).toMatchObject({ kind: 'done' });
  });
});

test.each([
  ['record', tablesOfRecord],
  ['user', tablesOfUser],
  ['tenant', tablesOfTenant],
] as const)('every table of the schema that carries a %s is one that its deletion knows', async (kind, known) => {
  const carriers = await database.db.inTenant(tenantId, (sql) => carriersOf(sql, kind));
  expect(carriers.map(({ table }) => table).filter((table) => !known.includes(table))).toEqual([]);
});

/** How many rows of a tenant every table has, without exception. */
function countsWithAll(id: string): Promise<Record<string, number>> {
  return asOwner(database.ownerUrl, async (owner) => {
    const tables = await owner.query<{ name: string }>(
      `SELECT c.relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
       WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' ORDER BY 1`,
    );
    const counts: Record<string, number> = {};
    for (const { name } of tables.rows) {
      const { rows: counted } = await owner.query(`SELECT FROM ${name} WHERE tenant_id = $1`, [id]);
      counts[name] = counted.length;
    }
    return counts;
  });
}

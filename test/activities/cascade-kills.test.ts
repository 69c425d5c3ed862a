import { createByteBudget } from '../../src/activities/byte-budget';
import type { ActivityContext, ActivityRun } from '../../src/activities/context';
import { deleteCascade, type CascadeShare } from '../../src/activities/delete-cascade';
import { defaultLimits } from '../../src/config/limits';
import { createPostgresBlobStore } from '../../src/db/blobs/postgres-blob-store';
import { askForRecord, askForTenant, askForUser } from '../../src/db/deletion/cascade/ask';
import type { Deletion } from '../../src/db/deletion/deletions';
import type { Database, Sql } from '../../src/db/database';
import { fillSearch } from '../../src/db/search-fill';
import { lockTenantForWriting } from '../../src/db/tenant-lock';
import { issueKey } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { copyDatabase, killedTenTimes, randomFrom, statementsOf } from '../support/database-copy';
import { aMailbox, aMessage, aRecord, aUser } from '../support/mail-rows';
import { contentOf, countsOf } from '../support/tenant-content';
import { carryOut } from '../support/two-mailboxes';

// The database is real; no mail server is asked and nothing has bytes to parse.

let database: TestDatabase;
let tenantId: string;
let leaver: string;
let heir: string;
let ada: string;

const run: ActivityRun = { signal: new AbortController().signal, heartbeat: () => undefined };

/** A company with mail of three mailboxes, of which two are the leaver's; records with links; keys. */
beforeAll(async () => {
  database = await createTestDatabase();
  const { db } = database;
  tenantId = await database.newTenant();
  [leaver, heir] = [(await aUser(db, tenantId)).id, (await aUser(db, tenantId)).id];
  const company = await aRecord(db, tenantId, { type: 'company', name: 'Customer Ltd' });
  const addresses = ['ada@customer.example'];
  ada = await aRecord(db, tenantId, { name: 'Ada', companyId: company, addresses, ownerUserId: leaver });
  for (const ownerUserId of [leaver, leaver, heir]) {
    const mailbox = await aMailbox(db, tenantId, { visibility: 'full', ownerUserId });
    for (let n = 0; n < 4; n += 1) {
      await aMessage(db, mailbox, { from: 'ada@customer.example', messageId: `<${String(n)}@customer.example>` });
    }
  }
  await issueKey(db, tenantId, { userId: leaver });
  while ((await fillSearch(db, tenantId, 100)) > 0);
});
afterAll(() => database.drop());

function contextOf(db: Database): ActivityContext {
  const played: Partial<ActivityContext> = {
    db,
    blobs: createPostgresBlobStore(db),
    budget: createByteBudget(1_000_000),
    limits: { ...defaultLimits, deletionChunkRows: 3 },
    erasures: { compare: () => Promise.resolve([]) },
  };
  return played as ActivityContext;
}

/** Works until it is done or stands still; mailboxes are deleted as their workflow would do it. */
async function carriedOut(db: Database, deletionId: string): Promise<CascadeShare> {
  for (;;) {
    const share = await deleteCascade(contextOf(db), run, { tenantId, deletionId });
    if (share.kind !== 'more' && share.kind !== 'mailboxes') return share;
    if (share.kind === 'mailboxes') for (const mailboxId of share.mailboxIds) await deleteMailbox(db, mailboxId);
  }
}

async function deleteMailbox(db: Database, mailboxId: string): Promise<void> {
  const [open] = await db.inTenant(tenantId, (sql) =>
    sql.query<{ id: string }>(
      `UPDATE deletion SET state = 'stopping', started_at = now() WHERE target_id = $1 AND state <> 'done' RETURNING id`,
      [mailboxId],
    ),
  );
  if (open !== undefined) await carryOut(contextOf(db), { tenantId, mailboxId, deletionId: open.id });
}

const actor = 'system';
const ofCascade = 'finished_at = now(), error = NULL, report = $3';

const cascades: Record<string, { ask: (sql: Sql) => Promise<Deletion>; lastWords: string }> = {
  'a record': { ask: (sql) => askForRecord(sql, tenantId, { recordId: ada, actor }), lastWords: ofCascade },
  'a user, with the mailboxes,': {
    ask: (sql) => askForUser(sql, tenantId, { wish: { userId: leaver, reassignTo: null, mailboxes: 'delete' }, actor }),
    lastWords: ofCascade,
  },
  'a user whose mailboxes go to another': {
    ask: (sql) =>
      askForUser(sql, tenantId, { wish: { userId: leaver, reassignTo: heir, mailboxes: 'reassign' }, actor }),
    lastWords: ofCascade,
  },
  'a tenant': { ask: (sql) => askForTenant(sql, tenantId, actor), lastWords: 'INSERT INTO tenant_deletion' },
};

test.each(Object.entries(cascades))(
  'killed ten times at any statement or commit, the deletion of %s comes to the same',
  async (_, { ask, lastWords }) => {
    const begun = async () => {
      const copy = await copyDatabase(database);
      const { id } = await copy.db.inTenant(tenantId, async (sql) => {
        await lockTenantForWriting(sql, tenantId);
        return ask(sql);
      });
      return { copy, work: (db: Database) => carriedOut(db, id) };
    };
    const left = async (ownerUrl: string) => ({
      content: await contentOf(ownerUrl, tenantId),
      counts: await countsOf(ownerUrl, tenantId),
    });
    const whole = await begun();
    const statements = await statementsOf(whole.copy, whole.work);
    const expected = await left(whole.copy.ownerUrl);
    await whole.copy.drop();

    const { copy, work } = await begun();
    const { hits, end } = await killedTenTimes(copy, randomFrom(7), { work, statements, lastWords });
    expect(hits).toBe(10);
    expect(end).toMatchObject({ kind: 'done' });
    expect(await left(copy.ownerUrl)).toEqual(expected);
    await copy.drop();
  },
);

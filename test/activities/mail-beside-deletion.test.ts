import { createByteBudget } from '../../src/activities/byte-budget';
import type { ActivityContext, ActivityRun } from '../../src/activities/context';
import { deleteCascade } from '../../src/activities/delete-cascade';
import { deletionTurn } from '../../src/activities/delete-mailbox';
import { defaultLimits } from '../../src/config/limits';
import { createPostgresBlobStore } from '../../src/db/blobs/postgres-blob-store';
import type { Sql } from '../../src/db/database';
import { askForTenant, askForUser, type UserWish } from '../../src/db/deletion/cascade/ask';
import type { Deletion } from '../../src/db/deletion/deletions';
import { danglingRows } from '../../src/db/deletion/verify';
import { fillSearch } from '../../src/db/search-fill';
import { lockTenantForWriting } from '../../src/db/tenant-lock';
import { StaleFence } from '../../src/domain/stale-fence';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { aMailbox, aMessage, aUser, type TestMailbox } from '../support/mail-rows';
import { countsOf } from '../support/tenant-content';
import { carryOut } from '../support/two-mailboxes';

// Users and tenants are deleted while mail comes in, of which nothing is lost that stays and nothing stays that goes. The database is real.

const run: ActivityRun = { signal: new AbortController().signal, heartbeat: () => undefined };
const before = 8;

let database: TestDatabase;
let context: ActivityContext;
let tenantId: string;

beforeAll(async () => {
  database = await createTestDatabase();
  const { db } = database;
  const played: Partial<ActivityContext> = {
    db,
    blobs: createPostgresBlobStore(db),
    budget: createByteBudget(1_000_000),
    limits: { ...defaultLimits, deletionChunkRows: 2 },
    erasures: { compare: () => Promise.resolve([]) },
  };
  context = played as ActivityContext;
});
afterAll(() => database.drop());
beforeEach(async () => {
  tenantId = await database.newTenant();
});

const rows = <Row extends object>(text: string, values: unknown[] = []) =>
  database.db.inTenant(tenantId, (sql) => sql.query<Row>(text, values));

/** Asks under the tenant's lock, as the API does. */
const ask = (work: (sql: Sql) => Promise<Deletion>) =>
  database.db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    return work(sql);
  });
const askUser = (wish: Partial<UserWish> & { userId: string }) =>
  ask((sql) =>
    askForUser(sql, tenantId, { wish: { reassignTo: null, mailboxes: 'reassign', ...wish }, actor: 'system' }),
  );

/** Works until it is done; mailboxes are deleted as their workflow would do it. */
async function carriedOut({ id: deletionId }: Deletion): Promise<void> {
  for (;;) {
    const share = await deleteCascade(context, run, { tenantId, deletionId });
    if (share.kind === 'done') return;
    if (share.kind === 'rows-left' || share.kind === 'none') throw new Error(`it ended with ${JSON.stringify(share)}`);
    if (share.kind === 'mailboxes') for (const mailboxId of share.mailboxIds) await deleteMailbox(mailboxId);
  }
}

async function deleteMailbox(mailboxId: string): Promise<void> {
  const turn = await deletionTurn(context, { tenantId, mailboxId });
  if (turn.kind !== 'begun') throw new Error('its deletion does not begin');
  const { kind } = await carryOut(context, { tenantId, mailboxId, deletionId: turn.deletionId });
  if (kind !== 'done') throw new Error('its deletion stands still');
}

/** Mail that comes to these mailboxes in turn, the same to each, until they are stopped or it is ended. */
function arrivals(mailboxes: TestMailbox[]) {
  const state = { isOver: false, coming: 0 };
  const refused = new Set<string>();
  const recorded = new Map(mailboxes.map(({ sourceId }) => [sourceId, 0]));
  const record = async (mailbox: TestMailbox, n: number) => {
    if (refused.has(mailbox.sourceId)) return;
    try {
      await aMessage(database.db, mailbox, {
        messageId: `<new-${String(n)}@mail.example>`,
        subject: `new ${String(n)}`,
      });
      recorded.set(mailbox.sourceId, (recorded.get(mailbox.sourceId) ?? 0) + 1);
    } catch (error) {
      // The mailbox was stopped, or went between the recording and the look at what was recorded.
      const isGone = error instanceof StaleFence || (error instanceof Error && error.message.includes('not recorded'));
      if (!isGone) throw error;
      refused.add(mailbox.sourceId);
    }
  };
  const done = (async () => {
    for (; !state.isOver && refused.size < mailboxes.length; state.coming += 1) {
      for (const mailbox of mailboxes) await record(mailbox, state.coming);
      await fillSearch(database.db, tenantId, 3);
    }
  })();
  return {
    refused,
    recorded,
    /** When so many more have come. */
    more: async (count: number) => {
      const wanted = state.coming + count;
      while (state.coming < wanted && refused.size < mailboxes.length)
        await new Promise((resolve) => setImmediate(resolve));
    },
    end: async () => {
      state.isOver = true;
      await done;
    },
  };
}

const nothingDangles = async () => {
  expect(await database.db.inTenant(tenantId, (sql) => danglingRows(sql, tenantId))).toEqual({});
};

test('of a user who goes with their mailboxes nothing stays that came meanwhile, and others have all of theirs', async () => {
  const { db } = database;
  const [leaver, stayer] = [await aUser(db, tenantId), await aUser(db, tenantId)];
  const theirs = await aMailbox(db, tenantId, { ownerUserId: leaver.id });
  const other = await aMailbox(db, tenantId, { ownerUserId: stayer.id });
  for (let n = 0; n < before; n += 1) {
    for (const mailbox of [theirs, other]) await aMessage(db, mailbox, { messageId: `<${String(n)}@mail.example>` });
  }
  const coming = arrivals([theirs, other]);
  await coming.more(3);
  await carriedOut(await askUser({ userId: leaver.id, mailboxes: 'delete' }));
  await coming.more(3);
  await coming.end();
  expect([...coming.refused]).toEqual([theirs.sourceId]);
  const kept = before + (coming.recorded.get(other.sourceId) ?? 0);
  expect(await rows('SELECT FROM source')).toHaveLength(1);
  for (const table of ['message', 'copy', 'placement', 'message_body', 'copy_structure', 'thread']) {
    expect([table, (await rows(`SELECT FROM ${table}`)).length]).toEqual([table, kept]);
  }
  const readable = await rows('SELECT FROM timeline WHERE principal = $1 AND level = 3 GROUP BY message_id', [
    stayer.principal,
  ]);
  expect(readable).toHaveLength(kept);
  await nothingDangles();
});

test('who is given the mailbox of a user who goes reads all of it, also what came meanwhile', async () => {
  const { db } = database;
  const [leaver, heir] = [await aUser(db, tenantId), await aUser(db, tenantId)];
  const mailbox = await aMailbox(db, tenantId, { ownerUserId: leaver.id });
  for (let n = 0; n < before; n += 1) await aMessage(db, mailbox, { subject: `number ${String(n)}` });
  const coming = arrivals([mailbox]);
  await coming.more(3);
  await carriedOut(await askUser({ userId: leaver.id, reassignTo: heir.id }));
  await coming.more(3);
  await coming.end();
  expect(coming.refused.size).toBe(0);
  const readers = await rows<{ principal: number; messages: number }>(
    'SELECT principal, count(DISTINCT message_id) AS messages FROM timeline WHERE principal > 0 GROUP BY 1',
  );
  const all = before + (coming.recorded.get(mailbox.sourceId) ?? 0);
  expect(readers).toEqual([{ principal: heir.principal, messages: all }]);
  await nothingDangles();
});

test('a tenant to which mail comes until the last moment leaves no row', async () => {
  const { db } = database;
  const mailboxes = [await aMailbox(db, tenantId), await aMailbox(db, tenantId)];
  for (let n = 0; n < before; n += 1) {
    for (const mailbox of mailboxes) await aMessage(db, mailbox, { messageId: `<${String(n)}@mail.example>` });
  }
  const coming = arrivals(mailboxes);
  await coming.more(3);
  await carriedOut(await ask((sql) => askForTenant(sql, tenantId, 'system')));
  await coming.end();
  expect(coming.refused.size).toBe(2);
  const left = Object.entries(await countsOf(database.ownerUrl, tenantId)).filter(([, count]) => count > 0);
  expect(left).toEqual([]);
});

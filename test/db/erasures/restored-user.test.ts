import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { ActivityContext, ActivityRun } from '../../../src/activities/context';
import { deleteCascade } from '../../../src/activities/delete-cascade';
import { defaultLimits } from '../../../src/config/limits';
import type { Database } from '../../../src/db/database';
import { unfinishedCascades } from '../../../src/db/deletion/cascade/cascades';
import { askForUser, type UserWish } from '../../../src/db/deletion/cascade/ask';
import { createErasureMirror } from '../../../src/db/erasures/mirror';
import { replayErasures } from '../../../src/db/erasures/replay';
import { lockTenantForWriting } from '../../../src/db/tenant-lock';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { copyDatabase } from '../../support/database-copy';
import { aMailbox, aUser } from '../../support/mail-rows';

const run: ActivityRun = { signal: new AbortController().signal, heartbeat: () => undefined };

let database: TestDatabase;
let directory: string;

beforeAll(async () => {
  database = await createTestDatabase();
  directory = await mkdtemp(join(tmpdir(), 'letterbook-erasures-'));
});
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
  await database.drop();
});

test.each([
  { mailboxes: 'delete', goes: 2 },
  { mailboxes: 'reassign', goes: 0 },
] as const)(
  'of a user erased with `$mailboxes`, $goes mailboxes go again after a restore, though none had begun to',
  async ({ mailboxes, goes }) => {
    const { db } = database;
    const tenantId = await database.newTenant();
    const [leaver, heir] = [await aUser(db, tenantId), await aUser(db, tenantId)];
    const theirs = [
      await aMailbox(db, tenantId, { ownerUserId: leaver.id }),
      await aMailbox(db, tenantId, { ownerUserId: leaver.id }),
    ].map(({ sourceId }) => sourceId);
    await aMailbox(db, tenantId, { ownerUserId: heir.id });
    const older = await copyDatabase(database);
    const file = join(directory, `${tenantId}.ndjson`);
    const ask = () =>
      db.inTenant(tenantId, async (sql) => {
        await lockTenantForWriting(sql, tenantId);
        const wish = { userId: leaver.id, reassignTo: heir.id, mailboxes };
        return askForUser(sql, tenantId, { wish, actor: 'system' });
      });
    expect((await ask()).id).toBe((await ask()).id);
    await createErasureMirror(db, file).compare();

    const pending = await replayErasures(older.db, createErasureMirror(older.db, file));
    expect(pending).toBe(goes + 1);
    const going = await older.db.inTenant(tenantId, (sql) =>
      sql.query<{ id: string }>(
        'SELECT id FROM source WHERE tenant_id = $1 AND deletion_id IS NOT NULL ORDER BY created_at',
        [tenantId],
      ),
    );
    expect(going.map(({ id }) => id).sort()).toEqual(goes === 0 ? [] : theirs.sort());
    await older.drop();
  },
);

const ask = (db: Database, tenantId: string, wish: UserWish) =>
  db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    return askForUser(sql, tenantId, { wish, actor: 'system' });
  });

/** Works on all deletions of users of a tenant, as their workflows would. */
async function carryOutAll(db: Database, tenantId: string): Promise<void> {
  const played: Partial<ActivityContext> = {
    db,
    limits: defaultLimits,
    erasures: { compare: () => Promise.resolve([]) },
  };
  for (const cascade of await unfinishedCascades(db)) {
    if (cascade.tenantId !== tenantId) continue;
    for (;;) {
      const share = await deleteCascade(played as ActivityContext, run, cascade);
      if (share.kind === 'done') break;
      if (share.kind !== 'more') throw new Error(`the deletion ended with ${share.kind}`);
    }
  }
}

const ownersOf = (db: Database, tenantId: string) =>
  db.inTenant(tenantId, (sql) =>
    sql.query<{ id: string; owner: string | null }>(
      'SELECT id, owner_user_id AS owner FROM source WHERE tenant_id = $1',
      [tenantId],
    ),
  );

test.each([
  { heirLeaves: 'stays', goesTo: 'first' },
  { heirLeaves: 'is erased later and gives them on', goesTo: 'second' },
  { heirLeaves: 'came after the state that is restored', goesTo: 'nobody' },
] as const)('after a restore mailboxes go to whom they went before, where the heir $heirLeaves', async ({ goesTo }) => {
  const { db } = database;
  const tenantId = await database.newTenant();
  const leaver = await aUser(db, tenantId);
  const second = await aUser(db, tenantId);
  const before = goesTo === 'nobody' ? null : await aUser(db, tenantId);
  const { sourceId } = await aMailbox(db, tenantId, { ownerUserId: leaver.id });
  const older = await copyDatabase(database);
  const first = before ?? (await aUser(db, tenantId));
  const file = join(directory, `${tenantId}.ndjson`);
  await ask(db, tenantId, { userId: leaver.id, reassignTo: first.id, mailboxes: 'reassign' });
  await carryOutAll(db, tenantId);
  if (goesTo === 'second') {
    await ask(db, tenantId, { userId: first.id, reassignTo: second.id, mailboxes: 'reassign' });
    await carryOutAll(db, tenantId);
  }
  await createErasureMirror(db, file).compare();

  await replayErasures(older.db, createErasureMirror(older.db, file));
  await carryOutAll(older.db, tenantId);
  const owner = { first: first.id, second: second.id, nobody: null }[goesTo];
  expect(await ownersOf(older.db, tenantId)).toEqual([{ id: sourceId, owner }]);
  await older.drop();
});

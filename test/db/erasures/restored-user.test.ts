import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { askForUser } from '../../../src/db/deletion/cascade/ask';
import { createErasureMirror } from '../../../src/db/erasures/mirror';
import { replayErasures } from '../../../src/db/erasures/replay';
import { createSecretBox } from '../../../src/db/secret-box';
import { lockTenantForWriting } from '../../../src/db/tenant-lock';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { copyDatabase } from '../../support/database-copy';
import { aMailbox, aUser } from '../../support/mail-rows';

const { fingerprintsOf } = createSecretBox([{ id: 'test', key: Buffer.alloc(32, 7) }]);

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

    const pending = await replayErasures(older.db, { mirror: createErasureMirror(older.db, file), fingerprintsOf });
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

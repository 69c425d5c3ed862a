import fc from 'fast-check';

import type { Sql } from '../../src/db/database';
import { writeLinks } from '../../src/db/link-write';
import { matchDifferences } from '../../src/db/match-stored';
import { rematchOfUsers } from '../../src/db/own-domains';
import { keysOfRecords } from '../../src/db/record-keys';
import { queueRematch, type QueuedRematch } from '../../src/db/records-rematch';
import { runRematch } from '../../src/db/rematch-job';
import { lockTenantForWriting } from '../../src/db/tenant-lock';
import { insertTimelines } from '../../src/db/timeline-write';
import { numberKeys } from '../../src/domain/matching';
import { defaultPolicy } from '../../src/domain/policy';
import { insertMessage, insertRecord, insertSource, matchAddresses } from '../support/correspondence';
import { createTestDatabase, type TestDatabase } from '../support/database';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const ours = ['me@own.example', '2.me@own.example'];
const arrivals = ['1.me@own.example', '2.me@own.example', '1.2.me@own.example', '3.me@own.example'];
const numbers = [null, '1', '2', '1.2', '3'];
const records = ['project', 'opportunity'] as const;
type RecordType = (typeof records)[number];

type Step =
  | { kind: 'arrival'; address: string }
  | { kind: 'number'; record: RecordType; number: string | null }
  | { kind: 'ours'; address: string; to: 'ours' | 'none' }
  | { kind: 'merged' | 'deleted'; to: 'gone' | 'there' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('arrival'), address: fc.constantFrom(...arrivals) }) },
  fc.record({
    kind: fc.constant('number'),
    record: fc.constantFrom(...records),
    number: fc.constantFrom(...numbers),
  }),
  fc.record({ kind: fc.constant('ours'), address: fc.constantFrom(...ours), to: fc.constantFrom('ours', 'none') }),
  fc.record({ kind: fc.constantFrom('merged', 'deleted'), to: fc.constantFrom('gone', 'there') }),
);

interface World {
  tenantId: string;
  sourceId: string;
  ids: Record<RecordType, string>;
  messages: string[];
}

/** One address is ours, and each record has a number: nearly every step means something. */
async function newWorld(): Promise<World> {
  const tenantId = await database.newTenant();
  return database.db.inTenant(tenantId, async (sql) => {
    const ids = { project: await insertRecord(sql, tenantId), opportunity: await insertRecord(sql, tenantId) };
    for (const [n, type] of records.entries())
      await sql.execute('UPDATE record SET type = $2, number = $3 WHERE id = $1', [ids[type], type, String(n + 1)]);
    await sql.execute(
      `INSERT INTO app_user (tenant_id, id, principal, role, name) VALUES ($1, $1, 1, 'member', 'Rep')`,
      [tenantId],
    );
    await sql.execute('INSERT INTO user_address (tenant_id, user_id, address_key) VALUES ($1, $1, $2)', [
      tenantId,
      ours[0],
    ]);
    return { tenantId, sourceId: await insertSource(sql, tenantId), ids, messages: [] };
  });
}

async function take(world: World, one: Step): Promise<void> {
  const { tenantId } = world;
  const job = await database.db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    if (one.kind === 'arrival') return arrive(sql, world, one.address);
    if (one.kind === 'ours') return changeOurs(sql, tenantId, one);
    return queueRematch(sql, tenantId, await changeRecord(sql, world, one));
  });
  if (job !== null) await runRematch(database.db, { tenantId, operationId: job.operationId });
}

async function arrive(sql: Sql, { tenantId, sourceId, messages }: World, addressKey: string): Promise<null> {
  const { messageId } = await insertMessage(sql, tenantId, { sourceId, addresses: [['to', addressKey]] });
  const wanted = { messageId, addresses: [{ role: 'to', addressKey }], policy: defaultPolicy };
  await writeLinks(sql, tenantId, await matchAddresses(sql, tenantId, wanted));
  await insertTimelines(sql, tenantId, [messageId]);
  messages.push(messageId);
  return null;
}

async function changeOurs(
  sql: Sql,
  tenantId: string,
  { address, to }: Extract<Step, { kind: 'ours' }>,
): Promise<QueuedRematch | null> {
  await sql.execute('DELETE FROM user_address WHERE address_key = $1', [address]);
  if (to === 'ours')
    await sql.execute('INSERT INTO user_address (tenant_id, user_id, address_key) VALUES ($1, $1, $2)', [
      tenantId,
      address,
    ]);
  return rematchOfUsers(sql, tenantId, [address]);
}

/** The opportunity may become a part of the project, which may be deleted. Returns whose mail it concerns. */
async function changeRecord(
  sql: Sql,
  { tenantId, ids }: World,
  one: Exclude<Step, { kind: 'arrival' | 'ours' }>,
): Promise<string[]> {
  if (one.kind === 'number') {
    const [before] = await sql.query<{ number: string | null }>('SELECT number FROM record WHERE id = $1', [
      ids[one.record],
    ]);
    await sql.execute('UPDATE record SET number = $2 WHERE id = $1', [ids[one.record], one.number]);
    return [before?.number ?? null, one.number].flatMap((number) => numberKeys({ type: one.record, number }));
  }
  const goneAt = one.to === 'gone' ? 'now()' : 'NULL';
  if (one.kind === 'deleted') {
    await sql.execute(`UPDATE record SET deleted_at = ${goneAt} WHERE id = $1`, [ids.project]);
    return keysOfRecords(sql, tenantId, [ids.project]);
  }
  await sql.execute(`UPDATE record SET deleted_at = ${goneAt}, merged_into = $2 WHERE id = $1`, [
    ids.opportunity,
    one.to === 'gone' ? ids.project : null,
  ]);
  return keysOfRecords(sql, tenantId, [ids.project, ids.opportunity]);
}

test('any order of mail with numbers and of what they mean, also at the same moment, ends in the links of matching all', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(step, { minLength: 1, maxLength: 2 }), { minLength: 3, maxLength: 8 }),
      async (rounds) => {
        const world = await newWorld();
        for (const steps of rounds) await Promise.all(steps.map((one) => take(world, one)));
        const found = await database.db.inTenant(world.tenantId, (sql) =>
          matchDifferences(sql, world.tenantId, world.messages),
        );
        expect(found).toEqual({ missing: [], stale: [] });
      },
    ),
    { numRuns: 40 },
  );
});

import fc from 'fast-check';

import { writeLinks } from '../../src/db/link-write';
import { queueRematch } from '../../src/db/records-rematch';
import { runRematch } from '../../src/db/rematch-job';
import { lockTenantForWriting } from '../../src/db/tenant-lock';
import { insertTimelines } from '../../src/db/timeline-write';
import { defaultPolicy, type AddressKind, type Policy } from '../../src/domain/policy';
import {
  addAddress,
  insertMessage,
  insertRecord,
  insertSource,
  matchAddresses,
  removeAddress,
} from '../support/correspondence';
import { createTestDatabase, type TestDatabase } from '../support/database';

let testDatabase: TestDatabase;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
});

afterAll(() => testDatabase.drop());

const policies: Partial<Policy>[] = [{}, { matchKinds: ['business'], matchHeaders: ['From', 'Cc'] }];
const roles = ['from', 'to', 'cc', 'delivered-to'] as const;

interface Arrival {
  kind: 'arrival';
  source: number;
  addresses: [role: string, key: number][];
}

/** Gives a record an address of this kind, or takes it away. */
interface Change {
  kind: 'change';
  record: number;
  key: number;
  to: AddressKind | 'none';
}

type Step = Arrival | Change;

const arrival: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('arrival'),
  source: fc.nat(1),
  addresses: fc.uniqueArray(fc.tuple(fc.constantFrom(...roles), fc.nat(2)), {
    minLength: 1,
    maxLength: 4,
    selector: ([role, key]) => `${role} ${String(key)}`,
  }),
});

const change: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('change'),
  record: fc.nat(1),
  key: fc.nat(2),
  to: fc.constantFrom('none', 'none', 'business', 'private'),
});

/** Steps of a round happen at the same time; of changes of the same address of a record only one, or the end would not be known. */
const round = fc.uniqueArray(fc.oneof(arrival, change), {
  maxLength: 4,
  selector: (step) => (step.kind === 'arrival' ? Symbol('any') : `${String(step.record)} ${String(step.key)}`),
});

const keyOf = (key: number) => `a${String(key)}@customer.example`;

interface World {
  tenantId: string;
  sources: string[];
  records: string[];
  arrived: { messageId: string; arrival: Arrival }[];
}

async function newWorld(): Promise<World> {
  const tenantId = await testDatabase.newTenant();
  const ids = await testDatabase.db.inTenant(tenantId, async (sql) => {
    const sources = [await insertSource(sql, tenantId, policies[0]), await insertSource(sql, tenantId, policies[1])];
    return { sources, records: [await insertRecord(sql, tenantId), await insertRecord(sql, tenantId)] };
  });
  return { tenantId, ...ids, arrived: [] };
}

/** As an ingest does it: recorded and matched in one transaction under the tenant's lock. */
async function arrive(world: World, step: Arrival): Promise<void> {
  const { tenantId } = world;
  const messageId = await testDatabase.db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    const addresses = step.addresses.map(([role, key]): [string, string] => [role, keyOf(key)]);
    const made = await insertMessage(sql, tenantId, { sourceId: world.sources[step.source] ?? '', addresses });
    const policy = { ...defaultPolicy, ...policies[step.source] };
    const wanted = {
      messageId: made.messageId,
      addresses: addresses.map(([role, addressKey]) => ({ role, addressKey })),
      policy,
    };
    await writeLinks(sql, tenantId, await matchAddresses(sql, tenantId, wanted));
    await insertTimelines(sql, tenantId, [made.messageId]);
    return made.messageId;
  });
  world.arrived.push({ messageId, arrival: step });
}

async function changeAddress(world: World, step: Change): Promise<void> {
  const { tenantId } = world;
  const address = { recordId: world.records[step.record] ?? '', addressKey: keyOf(step.key) };
  const job = await testDatabase.db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    await removeAddress(sql, tenantId, address);
    if (step.to !== 'none') await addAddress(sql, tenantId, { ...address, kind: step.to });
    return queueRematch(sql, tenantId, [address.addressKey]);
  });
  if (job !== null) await runRematch(testDatabase.db, { tenantId, operationId: job.operationId });
}

/** What should be linked in the end, from nothing but the last state. */
function wanted(world: World, rounds: Step[][]): string[] {
  const kinds = new Map<string, Change>();
  for (const step of rounds.flat())
    if (step.kind === 'change') kinds.set(`${String(step.record)} ${String(step.key)}`, step);
  return world.arrived.flatMap(({ messageId, arrival: { source, addresses } }) => {
    const policy: Policy = { ...defaultPolicy, ...policies[source] };
    const counting = policy.matchHeaders.map((header) => header.toLowerCase());
    return addresses.flatMap(([role, key]) =>
      [...kinds.values()]
        .filter((step) => step.key === key && step.to !== 'none' && policy.matchKinds.includes(step.to))
        .filter(() => counting.includes(role))
        .map((step) => `${messageId} ${world.records[step.record] ?? ''} ${role}:${keyOf(key)}`),
    );
  });
}

async function found(world: World): Promise<{ reasons: string[]; linked: string[]; shown: string[] }> {
  return testDatabase.db.inTenant(world.tenantId, async (sql) => {
    const texts = async (text: string) => (await sql.query<{ text: string }>(text)).map((row) => row.text).sort();
    return {
      reasons: await texts(
        `SELECT concat_ws(' ', l.message_id, l.record_id, lr.key) AS text FROM link l JOIN link_reason lr ON lr.link_id = l.id`,
      ),
      linked: await texts(`SELECT concat_ws(' ', message_id, record_id) AS text FROM link`),
      shown: await texts(
        `SELECT concat_ws(' ', message_id, record_id) AS text FROM timeline WHERE principal = -1 AND record_id::text NOT LIKE '00000000-%'`,
      ),
    };
  });
}

test('any order of arrivals and address changes, also at the same moment, ends in the same links', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(round, { maxLength: 6 }), async (rounds) => {
      const world = await newWorld();
      for (const steps of rounds) {
        await Promise.all(
          steps.map((step) => (step.kind === 'arrival' ? arrive(world, step) : changeAddress(world, step))),
        );
      }
      const reasons = wanted(world, rounds).sort();
      const linked = [...new Set(reasons.map((reason) => reason.split(' ').slice(0, 2).join(' ')))];
      expect(await found(world)).toEqual({ reasons, linked, shown: linked });
    }),
    { numRuns: 40 },
  );
}, 120_000);

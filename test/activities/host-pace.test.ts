import { createHostPace } from '../../src/activities/host-pace';
import { createGate } from '../../src/domain/gate';
import { reserveConnections } from '../../src/db/watch/host-pace';
import { createTestDatabase, type TestDatabase } from '../support/database';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(() => database.drop());

/** Two workers that connect to the same host. */
function twoWorkers(perSecond: number) {
  const worker = () =>
    createHostPace({ reserve: (wanted) => reserveConnections(database.db, wanted), perSecondOf: () => perSecond });
  return [worker(), worker()] as const;
}

test('connections to a host are spaced over all workers', async () => {
  const perSecond = 50;
  const times: number[] = [];
  const turns = twoWorkers(perSecond).flatMap((pace) =>
    Array.from({ length: 60 }, async () => {
      await pace.turn('mail.example');
      times.push(Date.now());
    }),
  );
  const begun = Date.now();
  await Promise.all(turns);
  // 120 turns at 50 a second, a quarter of a second's worth of them at once.
  expect(Date.now() - begun).toBeGreaterThanOrEqual(1_900);
  times.sort((a, b) => a - b);
  const withinASecond = times.map((from) => times.filter((at) => at >= from && at < from + 1_000).length);
  expect(Math.max(...withinASecond)).toBeLessThanOrEqual(perSecond * 1.5);
});

test('a host that was left alone is connected to at once, and one host does not wait for another', async () => {
  const [pace] = twoWorkers(1);
  await pace.turn('one.example');
  const begun = Date.now();
  await pace.turn('two.example');
  expect(Date.now() - begun).toBeLessThan(900);
  await pace.turn('One.Example');
  expect(Date.now() - begun).toBeGreaterThan(500);
});

test('a clock that went back blocks a host for a minute at most', async () => {
  const reserve = () => reserveConnections(database.db, { host: 'back.example', count: 1, perSecond: 10 });
  await reserve();
  await database.db.asWatcher((sql) =>
    sql.execute(`UPDATE host_pace SET next_at = next_at + interval '1 hour' WHERE host = 'back.example'`),
  );
  expect(await reserve()).toBeLessThanOrEqual(60_000);
  await database.db.asWatcher((sql) =>
    sql.execute(`UPDATE host_pace SET next_at = clock_timestamp() + interval '30 seconds' WHERE host = 'back.example'`),
  );
  expect(await reserve()).toBeGreaterThan(20_000);
});

test('who no longer waits is told so', async () => {
  const [pace] = twoWorkers(1);
  const leaving = new AbortController();
  await pace.turn('busy.example');
  const turn = pace.turn('busy.example', leaving.signal);
  leaving.abort(new Error('let go'));
  await expect(turn).rejects.toThrow('let go');
});

test('where turns cannot be reserved nobody connects', async () => {
  const pace = createHostPace({ reserve: () => Promise.reject(new Error('no database')), perSecondOf: () => 10 });
  await expect(pace.turn('mail.example')).rejects.toThrow('no database');
});

test('a gate lets so many through for each host', async () => {
  const gate = createGate(2);
  const inside: Record<string, number> = { a: 0, b: 0 };
  let most = 0;
  const pass = (key: string) =>
    gate.pass(key, async () => {
      inside[key] = (inside[key] ?? 0) + 1;
      most = Math.max(most, inside[key]);
      await new Promise((resolve) => setTimeout(resolve, 5));
      inside[key] -= 1;
    });
  await Promise.all([...Array.from({ length: 9 }, () => pass('a')), pass('b'), pass('b')]);
  expect(most).toBe(2);
});

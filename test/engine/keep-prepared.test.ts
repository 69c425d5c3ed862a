import { setTimeout as sleep } from 'node:timers/promises';

import pino from 'pino';

import { keepPrepared } from '../../src/engine/keep-prepared';
import { schedules } from '../../src/workflows/contract';
import { createTestNamespace } from '../support/temporal';

let engine: Awaited<ReturnType<typeof createTestNamespace>>;

beforeAll(async () => {
  engine = await createTestNamespace();
});
afterAll(async () => {
  await deleteSchedules();
  await engine.close();
});

const deleteSchedules = () =>
  Promise.all(schedules.map(({ id }) => engine.client.schedule.getHandle(id).delete())).catch(() => undefined);

const isThere = (id: string) =>
  engine.client.schedule
    .getHandle(id)
    .describe()
    .then(
      () => true,
      () => false,
    );

async function untilAllAreThere(): Promise<boolean> {
  for (let tries = 0; tries < 600; tries += 1) {
    if ((await Promise.all(schedules.map(({ id }) => isThere(id)))).every((there) => there)) return true;
    await sleep(100);
  }
  return false;
}

test('schedules that are lost come back while a worker runs', async () => {
  await deleteSchedules();
  expect(await isThere('reconcile')).toBe(false);
  const stop = keepPrepared(engine.client, { log: pino({ level: 'silent' }), everyMs: 200 });
  expect(await untilAllAreThere()).toBe(true);
  stop();
});

test('a Temporal that is away is looked after when it is back, and disturbs nobody meanwhile', async () => {
  let calls = 0;
  const away = new Proxy(engine.client, {
    get: (target, name) => {
      if (name !== 'workflowService') return Reflect.get(target, name) as unknown;
      calls += 1;
      return { describeNamespace: () => Promise.reject(new Error('away')) };
    },
  });
  const stop = keepPrepared(away, { log: pino({ level: 'silent' }), everyMs: 20 });
  for (let tries = 0; tries < 3_000 && calls < 3; tries += 1) await sleep(20);
  stop();
  expect(calls).toBeGreaterThanOrEqual(3);
});

import { setTimeout as sleep } from 'node:timers/promises';

import { Poker, type ShardPoke } from '../../../src/activities/shard/poker';
import { until } from '../../support/shard-bench';

const spacingMs = 200;

function poker(send: (reason: ShardPoke) => Promise<void>): Poker {
  return new Poker({ send, now: Date.now, spacingMs });
}

test('the first goes at once, all others within the spacing are one', async () => {
  const sent: number[] = [];
  const one = poker(() => {
    sent.push(Date.now());
    return Promise.resolve();
  });
  for (let i = 0; i < 50; i += 1) one.poke('arrival');
  expect(sent).toHaveLength(1);
  await until(() => sent.length === 2);
  await sleep(spacingMs * 2);
  expect(sent).toHaveLength(2);
  expect((sent[1] ?? 0) - (sent[0] ?? 0)).toBeGreaterThanOrEqual(spacingMs - 5);
});

test('one is under way at most', async () => {
  let underWay = 0;
  let most = 0;
  let sent = 0;
  const one = poker(async () => {
    underWay += 1;
    most = Math.max(most, underWay);
    await sleep(spacingMs * 2);
    underWay -= 1;
    sent += 1;
  });
  for (let i = 0; i < 5; i += 1) {
    one.poke('arrival');
    await sleep(spacingMs);
  }
  await until(() => sent >= 2);
  expect(most).toBe(1);
  one.end();
});

test('what Temporal did not take is sent until it does', async () => {
  let tries = 0;
  const one = poker(() => {
    tries += 1;
    return tries < 3 ? Promise.reject(new Error('away')) : Promise.resolve();
  });
  one.poke('arrival');
  await until(() => tries === 3);
});

test('news is not hidden by a lost connection that waits to be told', async () => {
  const sent: ShardPoke[] = [];
  const one = poker((reason) => {
    sent.push(reason);
    return Promise.resolve();
  });
  one.poke('arrival');
  one.poke('arrival');
  one.poke('watch');
  await until(() => sent.length === 2);
  expect(sent).toEqual(['arrival', 'arrival']);
});

test('after its end nothing is sent', async () => {
  let sent = 0;
  const one = poker(() => {
    sent += 1;
    return Promise.resolve();
  });
  one.poke('arrival');
  one.poke('arrival');
  one.end();
  await sleep(spacingMs * 2);
  expect(sent).toBe(1);
});

import fc from 'fast-check';

import { assignThreads, type ThreadCandidate } from '../../src/domain/threads';

function counter(): () => string {
  let number = 0;
  return () => {
    number += 1;
    return `t${String(number).padStart(4, '0')}`;
  };
}

/** Records batches one after the other, as the database would, and says which messages ended up together. */
function record(batches: { key: string; refs: string[] }[][]): string[][] {
  const known = new Map<string, string>();
  const threadOf = new Map<string, string>();
  const newId = counter();
  for (const batch of batches) {
    const candidates: ThreadCandidate[] = batch.map((message) => ({ ...message, threadId: null }));
    const assignment = assignThreads(candidates, known, newId);
    for (const [loser, winner] of assignment.merged) {
      for (const [key, thread] of threadOf) if (thread === loser) threadOf.set(key, winner);
      for (const [ref, thread] of known) if (thread === loser) known.set(ref, winner);
    }
    for (const [ref, thread] of assignment.refs) known.set(ref, thread);
    for (const [key, thread] of assignment.threadOf) threadOf.set(key, thread);
  }
  const groups = new Map<string, string[]>();
  for (const [key, thread] of threadOf) groups.set(thread, [...(groups.get(thread) ?? []), key].sort());
  return [...groups.values()].sort();
}

test('a reply joins the thread of the message it answers', () => {
  expect(
    record([[{ key: 'first', refs: ['a'] }], [{ key: 'reply', refs: ['b', 'a'] }], [{ key: 'other', refs: ['c'] }]]),
  ).toEqual([['first', 'reply'], ['other']]);
});

test('a parent that comes late joins the threads of its answers, and the older id wins', () => {
  const known = new Map([
    ['b', 't0001'],
    ['c', 't0002'],
  ]);
  const assignment = assignThreads([{ key: 'parent', refs: ['a', 'b', 'c'], threadId: null }], known, counter());
  expect(assignment.threadOf.get('parent')).toBe('t0001');
  expect(assignment.merged).toEqual(new Map([['t0002', 't0001']]));
  expect(assignment.refs).toEqual(
    new Map([
      ['a', 't0001'],
      ['c', 't0001'],
    ]),
  );
});

test('a loop of references is one thread', () => {
  expect(
    record([
      [
        { key: 'x', refs: ['x', 'y'] },
        { key: 'y', refs: ['y', 'x'] },
      ],
    ]),
  ).toEqual([['x', 'y']]);
});

test('any order of arrival, in any batches, gives the same threads', () => {
  const message = fc.record({
    key: fc.integer({ min: 0, max: 25 }).map((n) => `m${String(n)}`),
    refs: fc.uniqueArray(
      fc.integer({ min: 0, max: 25 }).map((n) => `m${String(n)}`),
      { maxLength: 4 },
    ),
  });
  const messages = fc.uniqueArray(message, { selector: (one) => one.key, maxLength: 20 });
  const scenario = messages.chain((all) =>
    fc.tuple(
      fc.constant(all.map(({ key, refs }) => ({ key, refs: [key, ...refs] }))),
      fc.shuffledSubarray(
        all.map((_, index) => index),
        { minLength: all.length },
      ),
      fc.integer({ min: 1, max: 5 }),
    ),
  );
  fc.assert(
    fc.property(scenario, ([all, order, size]) => {
      const shuffled = order.flatMap((index) => all[index] ?? []);
      const batches = [];
      for (let at = 0; at < shuffled.length; at += size) batches.push(shuffled.slice(at, at + size));
      expect(record(batches)).toEqual(record([all]));
    }),
  );
});

import fc from 'fast-check';

import { absentFrom, outside, rangesOf, sizeOf } from '../../src/domain/uid-set';

const uids = fc
  .uniqueArray(fc.integer({ min: 1, max: 300 }))
  .map((list) => [...list].sort((one, other) => one - other));

test('neighbours become one range, and a number that stands twice counts once', () => {
  expect(rangesOf([1, 2, 3, 3, 7, 9, 10])).toEqual([
    { from: 1, to: 3 },
    { from: 7, to: 7 },
    { from: 9, to: 10 },
  ]);
});

test('the difference is exactly the numbers that the ledger does not have', () => {
  fc.assert(
    fc.property(uids, uids, (server, ledger) => {
      const has = new Set(ledger);
      expect(outside(server, rangesOf(ledger))).toEqual(server.filter((uid) => !has.has(uid)));
    }),
  );
});

test('what is absent is exactly the numbers that the server does not show', () => {
  fc.assert(
    fc.property(uids, uids, (server, ledger) => {
      const shown = new Set(server);
      expect(absentFrom(rangesOf(ledger), server)).toEqual(ledger.filter((uid) => !shown.has(uid)));
    }),
  );
});

test('ranges hold as many numbers as they were made of', () => {
  fc.assert(fc.property(uids, (list) => sizeOf(rangesOf(list)) === list.length));
});

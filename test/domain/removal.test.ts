import fc from 'fast-check';

import {
  decideRemovals,
  mergeEvidence,
  noEvidence,
  thrownAwayAmong,
  type Evidence,
  type RemovalCandidate,
  type RemovalRule,
  type Traits,
} from '../../src/domain/removal';

const traits: fc.Arbitrary<Traits> = fc.record({
  providerId: fc.option(fc.constantFrom('a', 'b', 'c')),
  messageIdHash: fc.option(fc.constantFrom('1a', '2b', '3c')),
  size: fc.option(fc.integer({ min: 1, max: 6 })),
  internalDate: fc.option(fc.integer({ min: 1, max: 6 })),
});
const sighting = fc
  .tuple(traits, fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 9 }))
  .map(([of, genId, uid]) => ({ ...of, genId, uid, is: uid % 2 === 0 ? ('passing' as const) : ('standing' as const) }));
const evidence: fc.Arbitrary<Evidence> = fc.record({
  proven: fc.boolean(),
  seen: fc.array(sighting, { maxLength: 5 }),
});
const candidates: fc.Arbitrary<RemovalCandidate[]> = fc
  .array(
    fc.record({
      state: fc.constantFrom('waiting' as const, 'asked' as const, 'confirmed' as const),
      livePlacements: fc.integer({ min: 0, max: 2 }),
      traits: fc.array(traits, { maxLength: 2 }),
      isDue: fc.boolean(),
      overdueMs: fc.integer({ min: 0, max: 9 }),
    }),
    { maxLength: 12 },
  )
  .map((all) => all.map((one, at) => ({ ...one, copyId: `copy ${String(at)}` })));
const rule: fc.Arbitrary<RemovalRule> = fc
  .record({
    above: fc.integer({ min: 0, max: 8 }),
    percent: fc.integer({ min: 0, max: 100 }),
    alive: fc.integer({ min: 0, max: 30 }),
    unknownAfterMs: fc.integer({ min: 1, max: 9 }),
    thrown: fc.array(fc.integer({ min: 0, max: 11 })),
  })
  .map(({ thrown, ...of }) => ({ ...of, thrownAway: new Set(thrown.map((at) => `copy ${String(at)}`)) }));

test('what has a live placement is never removed, nor asked about', () => {
  fc.assert(
    fc.property(candidates, evidence, rule, (all, shown, by) => {
      const verdicts = decideRemovals(all, shown, by);
      const standing = all.filter(({ livePlacements }) => livePlacements > 0);
      expect(standing.map(({ copyId }) => verdicts.get(copyId))).toEqual(standing.map(() => 'alive'));
    }),
  );
});

test('nothing is removed without proof', () => {
  fc.assert(
    fc.property(candidates, evidence, rule, (all, shown, by) => {
      const verdicts = decideRemovals(all, { ...shown, proven: false }, by);
      expect([...verdicts.values()]).not.toContain('remove');
      expect([...verdicts.values()]).not.toContain('ask');
    }),
  );
});

test('a message that the server shows somewhere, and that no copy stands for, is not removed', () => {
  fc.assert(
    fc.property(candidates, evidence, rule, (all, shown, by) => {
      const verdicts = decideRemovals(all, shown, by);
      const isSeen = ({ traits: own }: RemovalCandidate) =>
        shown.seen.some((one) =>
          own.some(
            (other) =>
              (one.providerId !== null && one.providerId === other.providerId) ||
              (one.messageIdHash !== null && one.messageIdHash === other.messageIdHash) ||
              (one.messageIdHash === null && one.size !== null && one.size === other.size) ||
              (one.messageIdHash === null && one.internalDate !== null && one.internalDate === other.internalDate),
          ),
        );
      const fates = all.filter(isSeen).map(({ copyId }) => verdicts.get(copyId));
      expect(fates.filter((fate) => fate !== 'wait' && fate !== 'alive')).toEqual([]);
    }),
  );
});

test('each candidate gets one verdict, whatever the order', () => {
  fc.assert(
    fc.property(candidates, evidence, rule, (all, shown, by) => {
      const verdicts = decideRemovals(all, shown, by);
      expect([...decideRemovals([...all].reverse(), shown, by)].sort()).toEqual([...verdicts].sort());
      expect(verdicts.size).toBe(all.length);
    }),
  );
});

test('evidence is the same in whatever order, and however often, it is joined', () => {
  fc.assert(
    fc.property(evidence, evidence, evidence, (a, b, c) => {
      expect(mergeEvidence(a, b)).toEqual(mergeEvidence(b, a));
      expect(mergeEvidence(mergeEvidence(a, b), c)).toEqual(mergeEvidence(a, mergeEvidence(b, c)));
      const joined = mergeEvidence(a, b);
      expect(mergeEvidence(joined, a)).toEqual(joined);
      expect(mergeEvidence(joined, noEvidence)).toEqual(joined);
    }),
  );
});

test('more evidence never removes what less would have kept', () => {
  fc.assert(
    fc.property(candidates, evidence, evidence, (all, less, more) => {
      const by: RemovalRule = { above: 1_000, percent: 100, alive: 0, thrownAway: new Set(), unknownAfterMs: 5 };
      const before = decideRemovals(all, less, by);
      const after = decideRemovals(all, mergeEvidence(less, more), by);
      const removed = [...after].filter(([, verdict]) => verdict === 'remove');
      expect(removed.filter(([copyId]) => before.get(copyId) !== 'remove')).toEqual([]);
    }),
  );
});

const gone = (count: number, of: Partial<RemovalCandidate> = {}): RemovalCandidate[] =>
  Array.from({ length: count }, (_, at) => ({
    copyId: `copy ${String(at)}`,
    state: 'waiting',
    livePlacements: 0,
    traits: [{ providerId: null, messageIdHash: null, size: at + 1, internalDate: at }],
    isDue: true,
    overdueMs: 0,
    ...of,
  }));
const limits = { above: 50, percent: 20, unknownAfterMs: 1_000, thrownAway: new Set<string>() };
const verdictsOf = (all: RemovalCandidate[], by: RemovalRule) => new Set(decideRemovals(all, noEvidence, by).values());

test.each([
  [50, 0, 'remove'],
  [51, 204, 'remove'],
  [51, 203, 'ask'],
])('%i that go while %i stay: %s', (count, alive, verdict) => {
  expect(verdictsOf(gone(count), { ...limits, alive })).toEqual(new Set([verdict]));
});

test('what lies in Trash or Junk does not count among the many, and goes', () => {
  const all = gone(60);
  const thrownAway = new Set(all.slice(0, 10).map(({ copyId }) => copyId));
  expect(verdictsOf(all, { ...limits, alive: 0, thrownAway })).toEqual(new Set(['remove']));
});

test('many that are confirmed go, before their grace is over too', () => {
  expect(verdictsOf(gone(100, { state: 'confirmed', isDue: false }), { ...limits, alive: 0 })).toEqual(
    new Set(['remove']),
  );
});

test('a message in Trash is told by its provider id, or by size and date together', () => {
  const [first, second, third] = gone(3);
  const all = [first, second, third].filter((one) => one !== undefined);
  const shown = [
    { providerId: null, messageIdHash: null, size: 1, internalDate: 0 },
    { providerId: null, messageIdHash: null, size: 2, internalDate: 999 },
  ];
  expect(thrownAwayAmong(all, shown)).toEqual(new Set(['copy 0']));
});

describe('a message that is gone, with a Message-ID, while the server shows one that no copy stands for', () => {
  const of = { providerId: null, size: 700, internalDate: 1_000 };
  const candidate = gone(1, { traits: [{ ...of, messageIdHash: 'aa' }] });
  const fateBeside = (shown: Partial<Traits>) => {
    const seen = [{ genId: 1, uid: 1, is: 'standing' as const, ...of, messageIdHash: null, ...shown }];
    return decideRemovals(candidate, { proven: true, seen }, { ...limits, alive: 9 }).get('copy 0');
  };

  test.each([
    ['with another Message-ID, of the same size and date', { messageIdHash: 'bb' }, 'remove'],
    ['with its Message-ID, of another size and date', { messageIdHash: 'aa', size: 1, internalDate: 1 }, 'wait'],
    ['without a Message-ID, of its size', { internalDate: 1 }, 'wait'],
    ['without a Message-ID, of its date', { size: 1 }, 'wait'],
    ['without a Message-ID, of another size and date', { size: 1, internalDate: 1 }, 'remove'],
    ['of which nothing is known', { size: null, internalDate: null }, 'wait'],
  ])('%s', (_, shown, fate) => {
    expect(fateBeside(shown)).toBe(fate);
  });
});

describe('beside a message of which the server says nothing at all, a message that is gone', () => {
  const nothing = { providerId: null, messageIdHash: null, size: null, internalDate: null };
  type State = RemovalCandidate['state'];

  test.each<[State, number, 'passing' | 'standing', string]>([
    ['waiting', 999, 'standing', 'wait'],
    ['waiting', 1_000, 'standing', 'ask'],
    ['asked', 1_000, 'standing', 'ask'],
    ['confirmed', 999, 'standing', 'wait'],
    ['confirmed', 1_000, 'standing', 'remove'],
    ['waiting', 1_000, 'passing', 'wait'],
    ['confirmed', 1_000, 'passing', 'wait'],
  ])('%s for %i ms, the other %s: %s', (state, overdueMs, is, verdict) => {
    const seen = [{ genId: 1, uid: 1, is, ...nothing }];
    const verdicts = decideRemovals(gone(1, { state, overdueMs }), { proven: true, seen }, { ...limits, alive: 9 });
    expect(verdicts.get('copy 0')).toBe(verdict);
    const unproven = decideRemovals(gone(1, { state, overdueMs }), { proven: false, seen }, { ...limits, alive: 9 });
    expect(unproven.get('copy 0')).toBe('wait');
    const likeIt = [...seen, { genId: 1, uid: 2, is, ...nothing, size: 1 }];
    const beside = decideRemovals(
      gone(1, { state, overdueMs }),
      { proven: true, seen: likeIt },
      { ...limits, alive: 9 },
    );
    expect(beside.get('copy 0')).toBe('wait');
  });
});

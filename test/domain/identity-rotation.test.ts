import { identityPart, newestPart } from '../../src/domain/identity-rotation';

const upTo = (count: number) => Array.from({ length: count }, (_, at) => at + 1);

test.each([1_000, 1_001, 2_500, 70_000])(
  'all of %d messages have their turn within the days, each time with the newest',
  (count) => {
    const days = 30;
    const uids = upTo(count);
    const seen = new Set<number>();
    let after = 0;
    let audits = 0;
    for (let isEnd = false; !isEnd; audits += 1) {
      const part = identityPart(uids, { after, days });
      expect(part.uids.slice(-1_000)).toEqual(uids.slice(-1_000));
      for (const uid of part.uids) seen.add(uid);
      after = part.to;
      isEnd = part.isEnd;
    }
    expect(seen.size).toBe(count);
    expect(audits).toBeLessThanOrEqual(days);
    expect(after).toBe(0);
  },
);

test('the rotation begins anew where what was next is no more', () => {
  const part = identityPart(upTo(5_000), { after: 9_000, days: 30 });
  expect(part.uids[0]).toBe(1);
  expect(part.to).toBe(1_000);
});

test('the newest alone do not move it, unless there are no others', () => {
  expect(newestPart(upTo(5_000), 2_000)).toMatchObject({ to: 2_000, isEnd: false });
  expect(newestPart(upTo(1_000), 2_000)).toMatchObject({ to: 0, isEnd: true });
});

import { isPartialView, unlessWindow, withOtherRoutes } from '../../src/domain/partial-listing';

const upTo = (count: number, from = 1) => Array.from({ length: count }, (_, at) => from + at);
const whole = (count: number, from = 1) => ({ proven: true as const, uids: upTo(count, from) });

test.each([1_000, 2_000, 5_000, 10_000])('at Gmail a folder with exactly %d messages may be limited', (count) => {
  expect(unlessWindow(whole(count), { live: [], gmail: true })).toMatchObject({
    proven: false,
    reason: 'message-limit',
  });
  expect(unlessWindow(whole(count - 1), { live: [], gmail: true })).toMatchObject({ proven: true });
  expect(unlessWindow(whole(count), { live: [], gmail: false })).toMatchObject({ proven: true });
});

test('a round number of messages above one that was there is a window, another number is a removal', () => {
  const live = [{ from: 1, to: 3_000 }];
  expect(unlessWindow(whole(3_000, 2), { live, gmail: false })).toMatchObject({ proven: false });
  expect(unlessWindow(whole(2_999, 2), { live, gmail: false })).toMatchObject({ proven: true });
  expect(unlessWindow(whole(3_000), { live, gmail: false })).toMatchObject({ proven: true });
});

test('what ways show together is all only where the server counts as many, and more than it showed at once', () => {
  const listing = { proven: false as const, uids: [8, 9], reason: 'message-limit' as const };
  expect(withOtherRoutes(listing, { uids: [7, 8, 9], counted: 3 })).toMatchObject({ reason: 'shown-in-parts' });
  expect(withOtherRoutes(listing, { uids: [7, 8, 9], counted: 4 })).toMatchObject({ reason: 'routes-disagree' });
  expect(withOtherRoutes(listing, { uids: [8, 9], counted: 2 })).toEqual(listing);
  expect(withOtherRoutes(listing, { uids: [8, 9], counted: 4 })).toEqual(listing);
});

test('a part that is known to be one is a partial view', () => {
  expect(['message-limit', 'routes-disagree', 'shown-in-parts', null].map(isPartialView)).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

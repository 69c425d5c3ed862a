import { newUuid } from '../../src/db/new-id';

afterEach(() => jest.useRealTimers());

test('an id is a UUID of version 7 with the time in front', () => {
  const before = Date.now();
  const id = newUuid();
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const time = parseInt(id.replace('-', '').slice(0, 12), 16);
  expect(time).toBeGreaterThanOrEqual(before);
  expect(time).toBeLessThan(before + 1_000);
});

test('each id is greater than all before it, also a hundred thousand in one millisecond', () => {
  jest.useFakeTimers({ now: Date.now() });
  const ids = Array.from({ length: 100_000 }, newUuid);
  expect(ids).toEqual([...ids].sort());
  expect(new Set(ids).size).toBe(ids.length);
});

test('ids go on rising when the clock steps back', () => {
  const first = newUuid();
  jest.useFakeTimers({ now: Date.now() - 3_600_000 });
  expect(newUuid() > first).toBe(true);
});

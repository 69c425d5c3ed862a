import { nothingToStop, saidOf } from '../../src/domain/stop';

test.each([
  [{ rounds: 1, imports: 0, audits: 0 }, 'drained; in flight: 1 round'],
  [{ rounds: 0, imports: 1, audits: 2 }, 'drained; in flight: 1 import, 2 audits'],
])('a stop says what was in flight as one would: %j', (inFlight, said) => {
  expect(saidOf({ ended: 'drained', inFlight })).toBe(said);
});

test('a stop that found nothing says so', () => {
  expect(saidOf(nothingToStop)).toBe('drained; in flight: nothing');
});

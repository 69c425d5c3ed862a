import { liesInFuture, startQuestion } from '../../src/domain/start-point';

const startedAt = new Date('2026-05-01T10:00:00.900Z');
const thatSecond = new Date('2026-05-01T10:00:00Z');

test('now is the moment of connecting, however late the first listing comes', () => {
  for (const firstRound of [true, false]) {
    expect(startQuestion({ from: 'now' }, { startedAt, firstRound })).toEqual({ ask: 'since', notBefore: thatSecond });
  }
});

test('unread asks for unread mail once, and for what arrived since in folders that appear later', () => {
  expect(startQuestion({ from: 'unread' }, { startedAt, firstRound: true })).toEqual({
    ask: 'unseen-or-since',
    notBefore: thatSecond,
  });
  expect(startQuestion({ from: 'unread' }, { startedAt, firstRound: false })).toEqual({
    ask: 'since',
    notBefore: thatSecond,
  });
});

test('everything wants all, a date wants what is not before it', () => {
  expect(startQuestion({ from: 'everything' }, { startedAt, firstRound: false })).toEqual({ ask: 'nothing' });
  expect(startQuestion({ from: 'date', date: '2026-01-01T00:00:00Z' }, { startedAt, firstRound: true })).toEqual({
    ask: 'since',
    notBefore: new Date('2026-01-01T00:00:00Z'),
  });
});

test.each([
  ['2026-05-01', false],
  ['2026-05-02', false],
  ['2026-05-03', true],
  ['2026-05-01T09:59:59Z', false],
  ['2026-05-01T12:00:00+02:00', false],
  ['2026-05-01T10:00:01Z', true],
  ['2026-05-01T12:00:01+02:00', true],
])('%s, asked at 10:00 UTC of the first of May, lies in the future: %p', (date, expected) => {
  expect(liesInFuture(date, new Date('2026-05-01T10:00:00Z'))).toBe(expected);
});

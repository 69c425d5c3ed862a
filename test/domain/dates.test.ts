import fc from 'fast-check';

import { parseDateHeader, sortAt } from '../../src/domain/dates';

test.each([
  ['Fri, 21 Nov 1997 09:55:06 -0600', '1997-11-21T15:55:06.000Z'],
  ['21 Nov 1997 09:55:06 -0600', '1997-11-21T15:55:06.000Z'],
  ['Fri, 21 Nov 1997 09:55 -0600', '1997-11-21T15:55:00.000Z'],
  ['Fri,21 Nov 1997 09:55:06 -0600', '1997-11-21T15:55:06.000Z'],
  [
    'Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n               -0330 (Newfoundland Time)',
    '1969-02-14T03:02:00.000Z',
  ],
  ['Fri, 21 Nov 97 09(comment):   55  :  06 -0600', '1997-11-21T15:55:06.000Z'],
  ['Fri, 21 Nov 1997 09:55:06 -0600 (CST (nested))', '1997-11-21T15:55:06.000Z'],
  ['Fri, 21 Nov 1997 09:55:06 GMT', '1997-11-21T09:55:06.000Z'],
  ['Fri, 21 Nov 1997 09:55:06 EST', '1997-11-21T14:55:06.000Z'],
  ['Fri, 21 Nov 1997 09:55:06 PDT', '1997-11-21T16:55:06.000Z'],
  ['Fri, 21 Nov 1997 09:55:06 CET', '1997-11-21T08:55:06.000Z'],
  ['Fri, 21 Nov 1997 09:55:06 CEST', '1997-11-21T07:55:06.000Z'],
  ['Fri, 21 Nov 1997 09:55:06 XYZ', '1997-11-21T09:55:06.000Z'],
  ['Fri, 21 Nov 1997 09:55:06 K', '1997-11-21T09:55:06.000Z'],
  ['Fri, 21 Nov 1997 09:55:06', '1997-11-21T09:55:06.000Z'],
  ['Fri, 21 Nov 1997 09:55:06 +0200 (CEST', '1997-11-21T07:55:06.000Z'],
  ['Fri, 21 Nov 1997 09:55:06 GMT+0200', '1997-11-21T07:55:06.000Z'],
  ['Fri, 21 Nov 1997 09:55:06 +02:00', '1997-11-21T07:55:06.000Z'],
  ['Fr, 21 Nov 1997 09:55:06 +0000', '1997-11-21T09:55:06.000Z'],
  ['21-Nov-1997 09:55:06 +0000', '1997-11-21T09:55:06.000Z'],
  ['Fri, 21 Nov 49 09:55:06 +0000', '2049-11-21T09:55:06.000Z'],
  ['Fri, 21 Nov 50 09:55:06 +0000', '1950-11-21T09:55:06.000Z'],
  ['Fri, 21 Nov 102 09:55:06 +0000', '2002-11-21T09:55:06.000Z'],
  ['Sat, 31 Dec 2016 23:59:60 +0000', '2016-12-31T23:59:59.000Z'],
  ['29 Feb 2024 00:00:00 +0000', '2024-02-29T00:00:00.000Z'],
  ['21 November 1997 09:55:06 +0000', '1997-11-21T09:55:06.000Z'],
  ['Fri Nov 21 09:55:06 1997', '1997-11-21T09:55:06.000Z'],
  ['Fri Nov 21 09:55:06 EST 1997', '1997-11-21T14:55:06.000Z'],
  ['1997-11-21T09:55:06Z', '1997-11-21T09:55:06.000Z'],
  ['1997-11-21 09:55:06 +0100', '1997-11-21T08:55:06.000Z'],
  ['Mon, 01 Jan 2024 12:00:00 -9959', '2024-01-01T12:00:00.000Z'],
])('%p is %p', (header, instant) => {
  expect(parseDateHeader(header)?.toISOString()).toBe(instant);
});

test.each([
  '',
  'now',
  'Invalid Date',
  'Fr, 21 Okt 1997 09:55:06 +0200',
  'Di 21. März 2023 um 09:55',
  '2023年11月21日 09:55',
  'Fri, 30 Feb 2024 00:00:00 +0000',
  'Fri, 00 Nov 1997 09:55:06 +0000',
  'Fri, 32 Nov 1997 09:55:06 +0000',
  'Fri, 21 Nov 1997 24:55:06 +0000',
  'Fri, 21 Nov 1997 09:61:06 +0000',
  'Fri, 21 Nov 1997',
  'Tue, 7 Apr 2026 10:00:t <x@example.test>',
  '21/11/1997 09:55',
  '0000-00-00 00:00:00',
  '1700000000',
  '21 Nov 1600 09:55:06 +0000',
  '(all of it a comment',
])('%p is no date', (header) => {
  expect(parseDateHeader(header)).toBeNull();
});

test('every instant written as RFC 5322 wants is read back', () => {
  const instants = fc.date({ min: new Date('1970-01-01'), max: new Date('2099-12-31'), noInvalidDate: true });
  fc.assert(
    fc.property(instants, (instant) => {
      const seconds = new Date(Math.floor(instant.getTime() / 1000) * 1000);
      expect(parseDateHeader(seconds.toUTCString())).toEqual(seconds);
    }),
  );
});

test('no text makes it fail or takes long', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const date = parseDateHeader(text);
      expect(date === null || !Number.isNaN(date.getTime())).toBe(true);
    }),
  );
});

const noon = new Date('2024-05-01T12:00:00Z');
const hours = (count: number) => new Date(noon.getTime() + count * 3_600_000);

test('a message stands where its Date header says', () => {
  expect(sortAt(hours(-3), noon)).toEqual(hours(-3));
});

test('a Date header exactly a day off still counts', () => {
  expect(sortAt(hours(24), noon)).toEqual(hours(24));
});

test.each([-25, 25, 24 * 365 * 75])('a Date header %p hours from INTERNALDATE does not count', (offset) => {
  expect(sortAt(hours(offset), noon)).toEqual(noon);
});

test('without a Date header a message stands at its INTERNALDATE', () => {
  expect(sortAt(null, noon)).toEqual(noon);
});

test('without INTERNALDATE the Date header counts, whatever it says', () => {
  expect(sortAt(hours(24 * 365 * 75), null)).toEqual(hours(24 * 365 * 75));
});

test('with neither there is no place', () => {
  expect(sortAt(null, null)).toBeNull();
});

test.each(['Fri, 31 Dec 9999 23:59:59 -1500', 'Fri, 31 Dec 9999 23:59:60 -0001'])(
  'a Date header of a year that UTC writes with five digits is none: %p',
  (value) => {
    expect(parseDateHeader(value)).toBeNull();
  },
);

test('the last second of the year 9999 is a date', () => {
  expect(parseDateHeader('Fri, 31 Dec 9999 23:59:59 +0000')).toEqual(new Date('9999-12-31T23:59:59Z'));
});

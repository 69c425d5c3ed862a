import { z } from 'zod';

import { messagePageSchema } from '../../src/api/messages/schemas';
import { decodeCursor, encodeCursor, pageFrom } from '../../src/api/paging';
import { Problem } from '../../src/api/problem';

const key = z.strictObject({ id: z.int() });

test('a cursor comes back as it was, with its filter', () => {
  expect(decodeCursor(encodeCursor({ id: 7 }, { state: null }), { state: null }, key)).toEqual({ id: 7 });
  expect(decodeCursor(undefined, {}, key)).toBeNull();
});

test.each([
  'x',
  '{}',
  Buffer.from('null').toString('base64url'),
  Buffer.from('{"v":1}').toString('base64url'),
  encodeCursor({ id: 'seven' }, {}),
  encodeCursor({ id: 7, more: 1 }, {}),
  encodeCursor({ id: 7 }, { state: 'live' }),
])('anything else is refused by name: %#', (cursor) => {
  const refused = () => decodeCursor(cursor, {}, key);
  expect(refused).toThrow(Problem);
  expect(refused).toThrow(/cursor/);
});

test('the last page has no cursor, a full one that is the last neither', () => {
  const page = { limit: 2, filter: {}, keyOf: (row: number) => ({ id: row }), present: (row: number) => row };
  expect(pageFrom([], page)).toEqual({ items: [], nextCursor: null });
  expect(pageFrom([1, 2], page)).toEqual({ items: [1, 2], nextCursor: null });
  const more = pageFrom([1, 2, 3], page);
  expect(more.items).toEqual([1, 2]);
  expect(decodeCursor(more.nextCursor ?? undefined, {}, key)).toEqual({ id: 2 });
});

test('a list whose pages may be short says where its end is', () => {
  const described = z.toJSONSchema(messagePageSchema).properties?.['nextCursor'];
  expect(described).toMatchObject({
    description: expect.stringContaining('fewer items than were asked for') as string,
  });
});

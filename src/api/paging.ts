import { createHash } from 'node:crypto';

import { z } from 'zod';

import { invalidRequest } from './problems';

const defaultPageSize = 50;

/** The fields of a query that asks for pages. `maxPageSize` is the setting. */
export function pageQuery(maxPageSize: number) {
  return {
    limit: z.coerce.number().int().min(1).max(maxPageSize).default(Math.min(defaultPageSize, maxPageSize)),
    cursor: z.string().min(1).max(2_000).optional().describe('`nextCursor` of the page before'),
  };
}

/** The schema of one page. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() });
}

/** `nextCursor` of what is read in windows: filters, and what a reader has just lost, may leave nothing of one. */
export const cursorOfShortPages = z
  .string()
  .nullable()
  .describe('Null at the end, and only there: a page may have fewer items than were asked for, or none, and yet go on');

const cursorText = z.strictObject({ v: z.literal(1), f: z.string(), k: z.unknown() });

/** Where the next page begins, bound to the filter it was made with. `key` must survive JSON. */
export function encodeCursor(key: unknown, filter: unknown): string {
  return Buffer.from(JSON.stringify({ v: 1, f: fingerprint(filter), k: key })).toString('base64url');
}

/**
 * The key in a cursor, or null where there is no cursor.
 * @throws Problem 400 where it is not one of ours, or was made with another filter
 */
export function decodeCursor<Key extends z.ZodType>(
  cursor: string | undefined,
  filter: unknown,
  key: Key,
): z.output<Key> | null {
  if (cursor === undefined) return null;
  const read = cursorText.safeParse(jsonOf(cursor));
  if (!read.success) throw refusedCursor('is not a cursor of this call.');
  if (read.data.f !== fingerprint(filter)) throw refusedCursor('was made with other filters.');
  const found = key.safeParse(read.data.k);
  if (!found.success) throw refusedCursor('is not a cursor of this call.');
  return found.data;
}

/** One page of rows that were read with `limit + 1`, and the cursor of the next. */
export function pageFrom<Row, Item>(
  rows: Row[],
  page: { limit: number; filter: unknown; keyOf: (row: Row) => unknown; present: (row: Row) => Item },
): { items: Item[]; nextCursor: string | null } {
  const shown = rows.slice(0, page.limit);
  const last = shown.at(-1);
  const more = rows.length > page.limit && last !== undefined;
  return { items: shown.map(page.present), nextCursor: more ? encodeCursor(page.keyOf(last), page.filter) : null };
}

function fingerprint(filter: unknown): string {
  return createHash('sha256').update(JSON.stringify(filter)).digest('base64url').slice(0, 12);
}

function jsonOf(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return null;
  }
}

function refusedCursor(reason: string) {
  return invalidRequest([
    {
      in: 'query',
      field: 'cursor',
      reason,
      remedy: 'Use `nextCursor` of the last answer with the same filters, or begin again without.',
    },
  ]);
}

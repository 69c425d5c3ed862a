import pg from 'pg';

// Numbers of types in pg_type, the same in every database.
const int8 = 20;
const int8Array = 1016;

type TextParser = (text: string) => unknown;

// The library declares the types it knows as an enum, but asks about whatever number a column has.
const parserOf = pg.types.getTypeParser as (oid: number, format?: 'text' | 'binary') => TextParser;
const bigintTexts = parserOf(int8Array) as (text: string) => string[];

function parserHere(oid: number, format: 'text' | 'binary' = 'text'): TextParser {
  if (format === 'text' && oid === int8) return safeInteger;
  if (format === 'text' && oid === int8Array) return (text) => bigintTexts(text).map(safeInteger);
  return parserOf(oid, format);
}

/** How values of our connections are read; all other types as the driver does by itself (numeric as text, timestamptz as Date). */
export const ledgerTypes: pg.CustomTypesConfig = { getTypeParser: parserHere };

/** bigint as number: UIDs, sizes and counts stay far below 2^53, and one that does not must not be rounded in silence. */
function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError('a bigint of the database is too large for a number');
  return value;
}

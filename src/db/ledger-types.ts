import pg from 'pg';

const { builtins, getTypeParser } = pg.types;
const int8Array = 1016;

/** bigint as number: UIDs, sizes and counts stay far below 2^53, and one that does not must not be rounded in silence. */
function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError('a bigint of the database is too large for a number');
  return value;
}

const bigintTexts = getTypeParser(int8Array as number, 'text') as (text: string) => string[];

/** How values of our connections are read; all other types as the driver does by itself (numeric as text, timestamptz as Date). */
export const ledgerTypes: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format: 'text' | 'binary' = 'text') => {
    if (format === 'text' && oid === Number(builtins.INT8)) return safeInteger;
    if (format === 'text' && oid === int8Array) return (text: string) => bigintTexts(text).map(safeInteger);
    return getTypeParser(oid, format) as (text: string) => unknown;
  }) as typeof getTypeParser,
};

import { normaliseAddress } from '../../domain/address';
import type { Sql } from '../database';
import { addressPatterns } from './address-patterns';
import { isLater, isOfLaterMail } from './later-mail';
import { wordsOfPeople } from './words';

/** An erased person: all addresses, and when that was. Mail that came later is not counted. */
export interface ErasedPerson {
  tenantId: string;
  addressKeys: string[];
  at: Date;
}

/** These hold addresses of the tenant's own people, or of the erasure itself. */
const notOfPeople = ['user_address', 'source', 'deletion_address'];

/**
 * Counts the rows with an address of the person in every table of the database with a column `address_key`, as the catalogue knows them: one
 * that is added later is counted too.
 */
export async function countAddresses(
  sql: Sql,
  person: ErasedPerson,
): Promise<{ tables: string[]; left: Record<string, number> }> {
  const tables = await tablesOfAddresses(sql);
  const left: Record<string, number> = {};
  for (const name of tables) {
    const count = name === 'copy_address' ? await countInCopies(sql, person) : await countIn(sql, name, person);
    if (count > 0) left[name] = count;
  }
  return { tables, left };
}

/** The tables with addresses of people, as the catalogue knows them. */
export async function tablesOfAddresses(sql: Sql): Promise<string[]> {
  const tables = await sql.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'address_key' AND NOT a.attisdropped
     JOIN pg_attribute t ON t.attrelid = c.oid AND t.attname = 'tenant_id' AND NOT t.attisdropped
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> ALL ($1) ORDER BY 1`,
    [notOfPeople],
  );
  return tables.map(({ name }) => name);
}

async function countIn(sql: Sql, name: string, { tenantId, addressKeys }: ErasedPerson): Promise<number> {
  const [row] = await sql.query<{ count: number }>(
    `SELECT count(*) AS count FROM "${name}" WHERE tenant_id = $1 AND address_key = ANY ($2::text[])`,
    [tenantId, addressKeys],
  );
  return row?.count ?? 0;
}

async function countInCopies(sql: Sql, { tenantId, addressKeys, at }: ErasedPerson): Promise<number> {
  const [row] = await sql.query<{ count: number }>(
    `SELECT count(*) AS count FROM copy_address ca WHERE ca.tenant_id = $1 AND ca.address_key = ANY ($2::text[]) AND NOT EXISTS (
       SELECT FROM copy c JOIN message m ON m.tenant_id = $1 AND m.id = c.message_id
       WHERE c.tenant_id = $1 AND c.id = ca.copy_id AND ${isLater('$3')})`,
    [tenantId, addressKeys, at],
  );
  return row?.count ?? 0;
}

/** Where addresses stand as the mail wrote them. Names beside them are words of whoever wrote the mail. */
const written = [
  {
    place: 'message.participants',
    rows: `message m CROSS JOIN LATERAL jsonb_path_query(m.participants, '$.*[*].address') AS a(said)`,
    text: 'm.participants::text',
    address: `a.said #>> '{}'`,
  },
  {
    place: 'copy.bcc',
    rows: `copy c JOIN message m ON m.tenant_id = c.tenant_id AND m.id = c.message_id
      CROSS JOIN LATERAL jsonb_path_query(c.bcc, '$[*].address') AS a(said)`,
    text: 'c.bcc::text',
    address: `a.said #>> '{}'`,
  },
  {
    place: 'copy.delivered_to',
    rows: `copy c JOIN message m ON m.tenant_id = c.tenant_id AND m.id = c.message_id
      CROSS JOIN LATERAL unnest(c.delivered_to) AS a(said)`,
    text: 'c.delivered_to::text',
    address: 'a.said',
  },
] as const;

/** The tables that `countWords` reads. */
export const tablesOfWords: readonly string[] = [
  ...new Set([...written.map(({ place }) => place.split('.')[0] ?? ''), ...wordsOfPeople.map(({ name }) => name)]),
];

/** Counts what holds an address of the person in words. Reads these tables of the tenant once: not to be called under its lock. */
export async function countWords(sql: Sql, person: ErasedPerson): Promise<Record<string, number>> {
  const { tenantId, addressKeys, at } = person;
  const patterns = addressPatterns(addressKeys);
  const left: Record<string, number> = {};
  const note = (place: string, count: number) => {
    if (count > 0) left[place] = count;
  };
  for (const place of written) note(place.place, await countWritten(sql, place, person));
  for (const { name, column, text } of wordsOfPeople) {
    const stays = name === 'link_reason' ? isOfLaterMail('$3') : '$3::timestamptz IS NULL';
    const [row] = await sql.query<{ count: number }>(
      `SELECT count(*) AS count FROM "${name}" WHERE tenant_id = $1 AND lower(${text}) ~ ANY ($2::text[]) AND NOT (${stays})`,
      [tenantId, patterns, at],
    );
    note(`${name}.${column}`, row?.count ?? 0);
  }
  return left;
}

/** An address that only holds the person's, as `"ada@x.example"@y.example` does, is another's: what was found is compared as addresses are. */
async function countWritten(
  sql: Sql,
  { rows, text, address }: (typeof written)[number],
  { tenantId, addressKeys, at }: ErasedPerson,
): Promise<number> {
  const found = await sql.query<{ address: string; count: number }>(
    `SELECT ${address} AS address, count(DISTINCT m.id) AS count FROM ${rows}
     WHERE m.tenant_id = $1 AND lower(${text}) ~ ANY ($2::text[]) AND lower(${address}) ~ ANY ($2::text[]) AND NOT ${isLater('$3')}
     GROUP BY 1`,
    [tenantId, addressPatterns(addressKeys), at],
  );
  return found
    .filter((one) => addressKeys.includes(normaliseAddress(one.address) ?? ''))
    .reduce((sum, one) => sum + one.count, 0);
}

import type { Database, Sql } from '../database';
import { lockTenantForWriting } from '../tenant-lock';
import { tablesOfAddresses } from './addresses-left';
import { nameAddresses, type PersonRef } from './begin-erasure';
import { wordsOfPeople } from './words';

/** An erasure that was taken from the journal's file, and of which nobody has looked yet whose it is. */
export interface UnknownPerson {
  deletionId: string;
  /** As in the journal. */
  addressHashes: string[];
}

const unknown = `d.kind = 'person' AND d.state NOT IN ('done', 'cancelled') AND d.total IS NULL`;

/** The tenant's erasures of people who are not looked for yet. */
export function unknownPeople(db: Database, tenantId: string): Promise<UnknownPerson[]> {
  return db.inTenant(tenantId, (sql) =>
    sql.query<UnknownPerson>(
      `SELECT d.id AS "deletionId", e.address_hashes AS "addressHashes"
       FROM deletion d JOIN erasure e ON e.tenant_id = $1 AND e.id = d.id WHERE d.tenant_id = $1 AND ${unknown}`,
      [tenantId],
    ),
  );
}

const addressesAtOnce = 5_000;
/** A text may be long. */
const textsAtOnce = 100;
/** A whole table may take longer than a statement usually may. */
const readTimeoutMs = 1_800_000;

/** Hands over the addresses of all tables that have any, some at a time. */
export function readAddresses(db: Database, tenantId: string, take: (keys: string[]) => void): Promise<void> {
  return db.inTenant(tenantId, async (sql) => {
    for (const name of await tablesOfAddresses(sql)) {
      const select = `SELECT DISTINCT address_key AS text FROM "${name}" WHERE tenant_id = $1`;
      await readEach(sql, select, { tenantId, atOnce: addressesAtOnce, take });
    }
  });
}

/** Hands over the texts in which addresses may stand among other words, some at a time. */
export function readWords(db: Database, tenantId: string, take: (texts: string[]) => void): Promise<void> {
  return db.inTenant(tenantId, async (sql) => {
    for (const { name, text } of wordsOfPeople) {
      const select = `SELECT DISTINCT ${text} AS text FROM "${name}" WHERE tenant_id = $1 AND ${text} LIKE '%@%'`;
      await readEach(sql, select, { tenantId, atOnce: textsAtOnce, take });
    }
  });
}

async function readEach(
  sql: Sql,
  select: string,
  { tenantId, atOnce, take }: { tenantId: string; atOnce: number; take: (texts: string[]) => void },
): Promise<void> {
  await sql.execute(`SET LOCAL statement_timeout = ${String(readTimeoutMs)}`);
  await sql.execute(`DECLARE each_text NO SCROLL CURSOR FOR ${select}`, [tenantId]);
  for (;;) {
    const rows = await sql.query<{ text: string | null }>(`FETCH ${String(atOnce)} FROM each_text`);
    take(rows.flatMap(({ text }) => (text === null ? [] : [text])));
    if (rows.length < atOnce) break;
  }
  await sql.execute('CLOSE each_text');
}

/**
 * Notes which addresses were found of whom. Of whom there are none nothing is here to erase: that deletion is let go of, and the journal
 * keeps the erasure. Second run: no change.
 */
export async function noteFound(
  db: Database,
  tenantId: string,
  found: ReadonlyMap<string, ReadonlySet<string>>,
): Promise<void> {
  await db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    const open = await sql.query<{ id: string }>(
      `SELECT d.id FROM deletion d WHERE d.tenant_id = $1 AND d.id = ANY ($2::uuid[]) AND ${unknown}`,
      [tenantId, [...found.keys()]],
    );
    const none = open.filter(({ id }) => found.get(id)?.size === 0);
    await sql.execute('DELETE FROM deletion WHERE tenant_id = $1 AND id = ANY ($2::uuid[])', [
      tenantId,
      none.map(({ id }) => id),
    ]);
    for (const { id } of open.filter((one) => !none.includes(one))) {
      await nameAddresses(sql, { tenantId, deletionId: id }, [...(found.get(id) ?? [])]);
    }
  });
}

/** Whether there is such a deletion: not where nothing was found of the person. */
export async function isStillThere(db: Database, { tenantId, deletionId }: PersonRef): Promise<boolean> {
  const rows = await db.inTenant(tenantId, (sql) =>
    sql.query('SELECT FROM deletion WHERE tenant_id = $1 AND id = $2', [tenantId, deletionId]),
  );
  return rows.length > 0;
}

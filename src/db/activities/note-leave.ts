import type { Sql } from '../database';

/**
 * Takes a record that goes out of the next notes that name it, at most `limit`; notes of no other record go with it. How many. Second run: the
 * next ones; 0 where none is left.
 */
export async function leaveNotesOfRecord(
  sql: Sql,
  tenantId: string,
  { recordId, limit }: { recordId: string; limit: number },
): Promise<{ left: number; deleted: number }> {
  const [row] = await sql.query<{ left: number; deleted: number }>(
    `WITH named AS (
       DELETE FROM activity_note_record WHERE tenant_id = $1 AND ctid = ANY (ARRAY(
         SELECT ctid FROM activity_note_record WHERE tenant_id = $1 AND record_id = $2 LIMIT $3)) RETURNING note_id
     ), gone AS (
       DELETE FROM activity_note n WHERE n.tenant_id = $1 AND n.id = ANY (ARRAY(SELECT note_id FROM named)) AND NOT EXISTS (
         SELECT FROM activity_note_record o WHERE o.tenant_id = $1 AND o.note_id = n.id AND o.record_id <> $2) RETURNING 1
     ) SELECT (SELECT count(*) FROM named) AS left, (SELECT count(*) FROM gone) AS deleted`,
    [tenantId, recordId, limit],
  );
  return row ?? { left: 0, deleted: 0 };
}

/**
 * Gives the next notes of a user who goes to the heir; where there is none, they go. How many, at most `limit`. Second run: the next ones; 0
 * where none is left.
 */
export async function leaveNotesOfUser(
  sql: Sql,
  tenantId: string,
  { userId, heirId, limit }: { userId: string; heirId: string | null; limit: number },
): Promise<{ left: number; deleted: number }> {
  const next =
    'ctid = ANY (ARRAY(SELECT ctid FROM activity_note WHERE tenant_id = $1 AND owner_user_id = $2 LIMIT $3))';
  if (heirId !== null) {
    const given = `UPDATE activity_note SET owner_user_id = $4 WHERE tenant_id = $1 AND ${next}`;
    return { left: await sql.execute(given, [tenantId, userId, limit, heirId]), deleted: 0 };
  }
  const deleted = await sql.execute(`DELETE FROM activity_note WHERE tenant_id = $1 AND ${next}`, [
    tenantId,
    userId,
    limit,
  ]);
  return { left: deleted, deleted };
}

/**
 * The ids of the notes of a person's mail, each once, as far as it can be known: an address of a record that has one of theirs stood in that mail.
 * $1 is the tenant, `addressKeys` a parameter.
 */
export const notesOfPerson = (addressKeys: string): string =>
  `SELECT DISTINCT nr.note_id AS id FROM record_address ra
   JOIN activity_note_record nr ON nr.tenant_id = $1 AND nr.record_id = ra.record_id AND nr.takes_part
   WHERE ra.tenant_id = $1 AND ra.address_key = ANY (${addressKeys}::text[])`;

/** Deletes the next notes of a person's mail, at most `limit`, while records still have the addresses; how many. Second run: the next ones. */
export function deleteNotesOfPerson(
  sql: Sql,
  tenantId: string,
  { addressKeys, limit }: { addressKeys: string[]; limit: number },
): Promise<number> {
  return sql.execute(
    `DELETE FROM activity_note WHERE tenant_id = $1 AND id = ANY (ARRAY(${notesOfPerson('$2')} LIMIT $3))`,
    [tenantId, addressKeys, limit],
  );
}

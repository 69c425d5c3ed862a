import { deleteNotesOfPerson } from '../activities/note-leave';
import type { Database, Sql } from '../database';
import { noteStep, type RowCounts } from '../deletion/steps';
import { lockTenantForWriting } from '../tenant-lock';
import { addressesOf, type PersonRef } from './begin-erasure';
import { addressPatterns } from './address-patterns';
import { erasedRow, noteBlobs, stepOf } from './erase-messages';
import { erasedAt, isLater } from './later-mail';

/** What stands in a name that was nothing but the address. */
const nameOfErased = 'erased';

/** A text that holds one of the addresses ($2). */
const holds = (column: string) => `lower(${column}) ~ ANY ($2::text[])`;

/**
 * Deletes the next notes that are left of activities of the person's mail, while records still have the addresses; to be called when the mail is
 * gone. Second run: takes the next. Returns how many; 0 where none is left.
 */
export async function eraseNotes(db: Database, ref: PersonRef, limit: number): Promise<number> {
  return db.inTenant(ref.tenantId, async (sql) => {
    const addressKeys = await addressesOf(sql, ref);
    const deleted = await deleteNotesOfPerson(sql, ref.tenantId, { addressKeys, limit });
    if (deleted > 0) await noteStep(sql, stepOf(ref), { counts: { activity_note: deleted } });
    return deleted;
  });
}

/**
 * Takes the addresses from all that is not mail: records (which stay), reasons of links of earlier mail, links kept of removed mail, answers
 * kept for repeated requests, and what jobs still have to do. Second run: finds nothing left. Returns the counts by table.
 */
export async function eraseBeside(db: Database, ref: PersonRef): Promise<RowCounts> {
  return db.inTenant(ref.tenantId, async (sql) => {
    await lockTenantForWriting(sql, ref.tenantId);
    const addressKeys = await addressesOf(sql, ref);
    const patterns = addressPatterns(addressKeys);
    const erase = (statement: string) => sql.execute(statement, [ref.tenantId, patterns]);
    const counts: RowCounts = {
      record: await erase(
        `UPDATE record SET name = '${nameOfErased}', version = version + 1, updated_at = now() WHERE tenant_id = $1 AND ${holds('name')}`,
      ),
      record_address: await sql.execute(
        'DELETE FROM record_address WHERE tenant_id = $1 AND address_key = ANY ($2::text[])',
        [ref.tenantId, addressKeys],
      ),
      rematch_key: await sql.execute(
        'DELETE FROM rematch_key WHERE tenant_id = $1 AND address_key = ANY ($2::text[])',
        [ref.tenantId, addressKeys],
      ),
      link_reason: await sql.execute(
        `DELETE FROM link_reason r WHERE r.tenant_id = $1 AND ${holds('r.key')} AND NOT EXISTS (
           SELECT FROM link l JOIN message m ON m.tenant_id = $1 AND m.id = l.message_id
           WHERE l.tenant_id = $1 AND l.id = r.link_id AND ${isLater('$3')})`,
        [ref.tenantId, patterns, await erasedAt(sql, ref)],
      ),
      thread_link: await erase(`UPDATE thread_link SET note = NULL WHERE tenant_id = $1 AND ${holds('note')}`),
      audit: await erase(
        `UPDATE audit SET ids = ids - 'note' WHERE tenant_id = $1 AND ids ? 'note' AND ${holds(`ids ->> 'note'`)}`,
      ),
      removed_link: await erase(`DELETE FROM removed_link WHERE tenant_id = $1 AND ${holds('reasons::text')}`),
      idempotency_key: await erase(`DELETE FROM idempotency_key WHERE tenant_id = $1 AND ${holds('response::text')}`),
      operation: await erase(eraseFromTasks),
    };
    await noteStep(sql, stepOf(ref), { counts });
    return counts;
  });
}

/**
 * A job that links mail of these addresses again has nothing left to link; one that hands out a person's data is void. One that takes mail
 * from a user's sight comes to its end first.
 */
const eraseFromTasks = `UPDATE operation SET task = NULL, state = CASE WHEN state IN ('waiting', 'running') THEN 'superseded' ELSE state END,
    finished_at = coalesce(finished_at, now())
  WHERE tenant_id = $1 AND kind <> 'visibility' AND task IS NOT NULL AND ${holds('task::text')}`;

/** Parked mail: nobody has read it, but its bytes may hold the address. */
export interface ParkedMail {
  genId: number;
  uid: number;
  blobId: string;
}

/** The next parked mail that has bytes and did not come after the erasure, after a position. */
export function parkedMail(
  db: Database,
  ref: PersonRef,
  page: { after: Pick<ParkedMail, 'genId' | 'uid'> | null; limit: number },
): Promise<ParkedMail[]> {
  const { tenantId } = ref;
  return db.inTenant(tenantId, async (sql) =>
    sql.query<ParkedMail>(
      `SELECT p.gen_id AS "genId", p.uid, p.blob_id AS "blobId" FROM placement p JOIN source s ON s.id = p.source_id AND s.tenant_id = $1
       WHERE p.tenant_id = $1 AND p.outcome IN (1, 5) AND p.blob_id IS NOT NULL AND (p.gen_id, p.uid) > ($2, $3)
         AND (p.internal_date IS NULL OR least(p.internal_date, p.recorded_at) <= $5)
       ORDER BY p.gen_id, p.uid LIMIT $4`,
      [tenantId, page.after?.genId ?? 0, page.after?.uid ?? 0, page.limit, await erasedAt(sql, ref)],
    ),
  );
}

/** Erases parked mail that holds an address of the person: its failure, its bytes, and all that its ledger row knows of it. Second run: no change. */
export async function eraseParked(db: Database, ref: PersonRef, { genId, uid, blobId }: ParkedMail): Promise<void> {
  await db.inTenant(ref.tenantId, async (sql: Sql) => {
    await lockTenantForWriting(sql, ref.tenantId);
    const values = [ref.tenantId, genId, uid];
    const placement = await sql.execute(
      `UPDATE placement SET ${erasedRow} WHERE tenant_id = $1 AND gen_id = $2 AND uid = $3 AND blob_id = $4`,
      [...values, blobId],
    );
    if (placement === 0) return;
    const failure = await sql.execute('DELETE FROM failure WHERE tenant_id = $1 AND gen_id = $2 AND uid = $3', values);
    await noteBlobs(sql, ref, [blobId]);
    await noteStep(sql, stepOf(ref), { counts: { placement, failure } });
  });
}

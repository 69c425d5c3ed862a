import { deleteNotesOfPerson } from '../activities/note-leave';
import type { Database, Sql } from '../database';
import { noteStep, type RowCounts } from '../deletion/steps';
import { lockTenantForWriting } from '../tenant-lock';
import { addressesOf, type PersonRef } from './begin-erasure';
import { addressPatterns } from './address-patterns';
import { erasedRow, noteBlobs, stepOf } from './erase-messages';
import { erasedAt, isOfLaterMail } from './later-mail';
import { textOfJson } from './words';

/** What stands where there was nothing but the address, or words with it. */
const erasedWords = 'erased';

/** A text that holds one of the addresses ($2). */
const holds = (text: string) => `lower(${text}) ~ ANY ($2::text[])`;

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
 * kept for repeated requests, what jobs and connectors still have to do, and what people wrote. Second run: finds nothing left. Returns the
 * counts by table.
 */
export async function eraseBeside(db: Database, ref: PersonRef): Promise<RowCounts> {
  return db.inTenant(ref.tenantId, async (sql) => {
    await lockTenantForWriting(sql, ref.tenantId);
    const addressKeys = await addressesOf(sql, ref);
    const patterns = addressPatterns(addressKeys);
    const counts: RowCounts = {
      ...(await eraseFromRecords(sql, ref.tenantId, { addressKeys, patterns })),
      rematch_key: await sql.execute(
        'DELETE FROM rematch_key WHERE tenant_id = $1 AND address_key = ANY ($2::text[])',
        [ref.tenantId, addressKeys],
      ),
      link_reason: await sql.execute(
        `DELETE FROM link_reason WHERE tenant_id = $1 AND ${holds('key')} AND NOT ${isOfLaterMail('$3')}`,
        [ref.tenantId, patterns, await erasedAt(sql, ref)],
      ),
    };
    for (const [table, statement] of Object.entries(eraseFromWords)) {
      counts[table] = await sql.execute(statement, [ref.tenantId, patterns]);
    }
    await noteStep(sql, stepOf(ref), { counts });
    return counts;
  });
}

/**
 * A record that loses an address, its name, its number or its id in another system has changed: who changes it as they knew it before is told
 * so. Without that id its CRM does not know it any more: what the CRM sends again of the person is a record of its own.
 */
async function eraseFromRecords(
  sql: Sql,
  tenantId: string,
  { addressKeys, patterns }: { addressKeys: string[]; patterns: string[] },
): Promise<RowCounts> {
  const [row] = await sql.query<{ record: number; record_address: number }>(
    `WITH address AS (
       DELETE FROM record_address WHERE tenant_id = $1 AND address_key = ANY ($3::text[]) RETURNING record_id
     ), changed AS (
       UPDATE record SET name = CASE WHEN ${holds('name')} THEN '${erasedWords}' ELSE name END,
         number = CASE WHEN ${holds('number')} THEN NULL ELSE number END,
         external_id = CASE WHEN ${holds('external_id')} THEN NULL ELSE external_id END, version = version + 1, updated_at = now()
       WHERE tenant_id = $1 AND (${['name', 'number', 'external_id'].map(holds).join(' OR ')} OR id IN (SELECT record_id FROM address)) RETURNING 1
     ) SELECT (SELECT count(*) FROM changed) AS record, (SELECT count(*) FROM address) AS record_address`,
    [tenantId, patterns, addressKeys],
  );
  return { ...row };
}

/** By table. A change of a link that a CRM has not been told of is not told any more: it would say of whose record it is. */
const eraseFromWords = {
  thread_link: `UPDATE thread_link SET note = NULL WHERE tenant_id = $1 AND ${holds('note')}`,
  audit: `UPDATE audit SET ids = ids - 'note' WHERE tenant_id = $1 AND ids ? 'note' AND ${holds(`ids ->> 'note'`)}`,
  removed_link: `DELETE FROM removed_link WHERE tenant_id = $1 AND ${holds(textOfJson('reasons'))}`,
  failure: `UPDATE failure SET accepted_reason = '${erasedWords}' WHERE tenant_id = $1 AND ${holds('accepted_reason')}`,
  connector: `UPDATE connector SET last_refused = (
      SELECT coalesce(jsonb_agg(one ORDER BY n), '[]') FROM jsonb_array_elements(last_refused) WITH ORDINALITY AS refused(one, n)
      WHERE NOT ${holds(textOfJson('one'))}) WHERE tenant_id = $1 AND ${holds(textOfJson('last_refused'))}`,
  connector_change: `DELETE FROM connector_change WHERE tenant_id = $1 AND ${holds(textOfJson('ids'))}`,
  idempotency_key: `DELETE FROM idempotency_key WHERE tenant_id = $1 AND ${holds(textOfJson('response'))}`,
  // A job that links mail of these addresses again has nothing left to link; one that hands out a person's data is void. One that takes mail
  // from a user's sight comes to its end first.
  operation: `UPDATE operation SET task = NULL, state = CASE WHEN state IN ('waiting', 'running') THEN 'superseded' ELSE state END,
      finished_at = coalesce(finished_at, now())
    WHERE tenant_id = $1 AND kind <> 'visibility' AND task IS NOT NULL AND ${holds(textOfJson('task'))}`,
};

/** Parked mail: nobody has read it, but its bytes may hold the address. */
export interface ParkedMail {
  genId: number;
  uid: number;
  blobId: string;
}

/** The next parked mail that has bytes and did not come after the erasure, after a position. */
export async function parkedMail(
  db: Database,
  ref: PersonRef,
  page: { after: Pick<ParkedMail, 'genId' | 'uid'> | null; limit: number },
): Promise<ParkedMail[]> {
  const until = await db.inTenant(ref.tenantId, (sql) => erasedAt(sql, ref));
  return parkedMailAfter(db, ref.tenantId, { ...page, until });
}

/** The same of a tenant, up to a time; null: whenever it came. */
export function parkedMailAfter(
  db: Database,
  tenantId: string,
  { after, limit, until }: { after: Pick<ParkedMail, 'genId' | 'uid'> | null; limit: number; until: Date | null },
): Promise<ParkedMail[]> {
  return db.inTenant(tenantId, (sql) =>
    sql.query<ParkedMail>(
      `SELECT p.gen_id AS "genId", p.uid, p.blob_id AS "blobId" FROM placement p JOIN source s ON s.id = p.source_id AND s.tenant_id = $1
       WHERE p.tenant_id = $1 AND p.outcome IN (1, 5) AND p.blob_id IS NOT NULL AND (p.gen_id, p.uid) > ($2, $3)
         AND ($5::timestamptz IS NULL OR p.internal_date IS NULL OR least(p.internal_date, p.recorded_at) <= $5)
       ORDER BY p.gen_id, p.uid LIMIT $4`,
      [tenantId, after?.genId ?? 0, after?.uid ?? 0, limit, until],
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

import type { Database, Sql } from '../database';
import type { DeletionReport } from '../deletion/deletions';
import { deleteAllRest } from '../deletion/rest';
import { endVerified, refuseRows, type DeletionEnd } from '../deletion/verified-end';
import { danglingRows } from '../deletion/verify';
import { lockTenantForWriting } from '../tenant-lock';
import { countAddresses, countWords, tablesOfWords, type ErasedPerson } from './addresses-left';
import { addressesOf, type PersonRef } from './begin-erasure';
import { stepOf } from './erase-messages';
import { erasedAt } from './later-mail';
import { findMentions, mentionedInBcc, type Mentions } from './mentions';

/**
 * Counts everything that carries an address of the person, but for mail that came after the erasure; where nothing is left, forgets the addresses and writes the report in the same
 * transaction, so that an erasure that says it is done is verified. Where rows are left, the deletion says which tables have them.
 * Second run: no change.
 */
export async function finishErasure(db: Database, ref: PersonRef): Promise<DeletionEnd> {
  const ended = await reportOfEnded(db, ref);
  if (ended !== null) return { kind: 'done', report: ended };
  const state: { mentions: Mentions } = { mentions: { messages: 0, messageIds: [] } };
  return endVerified(db, ref, {
    look: async (sql) => {
      const person = await personOf(sql, ref);
      const { addressKeys } = person;
      const beside = await mentionedInBcc(sql, ref.tenantId, addressKeys);
      state.mentions = await findMentions(sql, ref.tenantId, { addressKeys, beside });
      const { left } = await countAddresses(sql, person);
      const words = await countWords(sql, person);
      return { ...left, ...words, ...(await danglingRows(sql, ref.tenantId)) };
    },
    end: async (sql) => {
      await lockTenantForWriting(sql, ref.tenantId);
      // A mailbox that is just being deleted may have held mail of the person, of which the words are still there.
      await deleteAllRest(sql, ref.tenantId);
      const { tables, left } = await countAddresses(sql, await personOf(sql, ref));
      refuseRows({ ...left, ...(await countBytes(sql, ref)) });
      await sql.execute('DELETE FROM deletion_address WHERE tenant_id = $1 AND deletion_id = $2', [
        ref.tenantId,
        ref.deletionId,
      ]);
      const looked = [...new Set([...tables, ...tablesOfWords])].sort();
      return writeReport(sql, ref, { verifiedTables: looked, mentions: state.mentions });
    },
  });
}

async function personOf(sql: Sql, ref: PersonRef): Promise<ErasedPerson> {
  return { tenantId: ref.tenantId, addressKeys: await addressesOf(sql, ref), at: await erasedAt(sql, ref) };
}

async function reportOfEnded(db: Database, { tenantId, deletionId }: PersonRef): Promise<DeletionReport | null> {
  const [row] = await db.inTenant(tenantId, (sql) =>
    sql.query<{ report: DeletionReport }>(
      `SELECT report FROM deletion WHERE tenant_id = $1 AND id = $2 AND state = 'done'`,
      [tenantId, deletionId],
    ),
  );
  return row?.report ?? null;
}

/** Bytes that were let go of and are not freed yet. */
async function countBytes(sql: Sql, ref: PersonRef): Promise<Record<string, number>> {
  const { tenantId, sourceId } = stepOf(ref);
  const [row] = await sql.query<{ count: number }>(
    'SELECT count(*) AS count FROM deletion_blob WHERE tenant_id = $1 AND source_id = $2',
    [tenantId, sourceId],
  );
  const left = row?.count ?? 0;
  return left > 0 ? { deletion_blob: left } : {};
}

async function writeReport(
  sql: Sql,
  { tenantId, deletionId }: PersonRef,
  said: { verifiedTables: string[]; mentions: Mentions },
): Promise<DeletionReport> {
  const [row] = await sql.query<{ report: DeletionReport }>(
    `UPDATE deletion SET state = 'done', finished_at = now(), error = NULL, total = done,
       report = jsonb_build_object('tables', counts, 'messagesKept', 0, 'bytesFreed', bytes, 'seconds',
         round(extract(epoch FROM clock_timestamp() - started_at)::numeric, 1), 'verifiedTables', $3::jsonb, 'mentions', $4::jsonb,
         'verifiedAt', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
     WHERE tenant_id = $1 AND id = $2 RETURNING report`,
    [tenantId, deletionId, JSON.stringify(said.verifiedTables), JSON.stringify(said.mentions)],
  );
  if (row === undefined) throw new Error('a deletion that ends has no row');
  return row.report;
}

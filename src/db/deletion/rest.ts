import type { Database, Sql } from '../database';
import type { Catalogue, ChildTable } from './catalogue';
import { countOf, deletionOf } from './deletion-parts';
import type { DeletionRef } from './deletions';
import { neverMindTheDisk, noteStep, type RowCounts } from './steps';

/**
 * Tables that are found by the id of a message or copy and by nothing else, search by what a timeline says: when the message is gone nobody
 * reaches their rows, which go behind it. Addresses, timelines and links are found by what they say themselves, and go with the message.
 */
const restTables: readonly ChildTable[] = [
  { name: 'message_subject', column: 'message_id' },
  { name: 'message_body', column: 'message_id' },
  { name: 'message_search', column: 'message_id' },
  { name: 'copy_structure', column: 'copy_id' },
];

const parts = restTables.map((child) => ({ ...child, of: child.column === 'copy_id' ? 'rest_copy' : 'rest_message' }));

/** What of the catalogue goes with its parent, and not behind it. */
export function withoutRest(catalogue: Catalogue): Catalogue {
  const isNoRest = ({ name }: ChildTable) => restTables.every((rest) => rest.name !== name);
  return { ...catalogue, message: catalogue.message.filter(isNoRest), copy: catalogue.copy.filter(isNoRest) };
}

/** A condition that a row of `table`, read as `child`, is not one that a deletion has noted; $1 is the tenant. */
export function isNotRest(table: string): string {
  const rest = restTables.find(({ name }) => name === table);
  if (rest === undefined) return 'true';
  return `NOT EXISTS (SELECT FROM (SELECT unnest(${rest.column}s) AS id FROM deletion_rest WHERE tenant_id = $1) AS rest
    WHERE rest.id = child."${rest.column}")`;
}

/**
 * Deletes the rest of a chunk whose messages are gone, in a transaction of its own and without the tenant's lock: nobody waits for it.
 * Second run: takes the next. False where there is none.
 */
export function deleteRest(db: Database, { tenantId, sourceId }: DeletionRef): Promise<boolean> {
  return db.preparedInTenant(tenantId, async (sql) => {
    const [, isMore] = await Promise.all([neverMindTheDisk(sql), deleteNextRest(sql, tenantId, sourceId)]);
    return isMore;
  });
}

/** The same for all chunks of all deletions of the tenant, in this transaction: under the tenant's lock nobody notes another one. */
export async function deleteAllRest(sql: Sql, tenantId: string): Promise<void> {
  while (await deleteNextRest(sql, tenantId, null));
}

async function deleteNextRest(sql: Sql, tenantId: string, sourceId: string | null): Promise<boolean> {
  const [rest] = await sql.query<{ deletionId: string; deleted: number[] }>(
    `WITH rest AS (
       DELETE FROM deletion_rest WHERE tenant_id = $1 AND ctid = (
         SELECT ctid FROM deletion_rest WHERE tenant_id = $1 AND ($2::uuid IS NULL OR source_id = $2) ORDER BY source_id, id LIMIT 1 FOR UPDATE)
       RETURNING deletion_id, message_ids, copy_ids
     ), rest_message AS MATERIALIZED (
       SELECT unnest(message_ids) AS id FROM rest
     ), rest_copy AS MATERIALIZED (
       SELECT unnest(copy_ids) AS id FROM rest
     ), ${deletionOf(parts)}
     SELECT deletion_id AS "deletionId", ${countOf(parts)} AS deleted FROM rest`,
    [tenantId, sourceId],
  );
  if (rest === undefined) return false;
  const counts: RowCounts = Object.fromEntries(restTables.map(({ name }, n) => [name, rest.deleted[n] ?? 0]));
  await noteStep(sql, { tenantId, deletionId: rest.deletionId }, { counts });
  return true;
}

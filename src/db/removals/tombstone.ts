import type { Sql } from '../database';
import { standingPlacements } from './standing';

interface OfSource {
  tenantId: string;
  sourceId: string;
}

/** A placement that has just ended, or lives again. */
export interface Ended {
  gen_id: number;
  uid: number;
}

/**
 * Under the policy `mirror`, copies that have lost their last placement wait out their grace, and their placements are tombstoned. In the
 * transaction that ended them, so that no end can be forgotten. Second run: no change.
 */
export async function tombstone(sql: Sql, source: OfSource, ended: Ended[]): Promise<void> {
  if (ended.length === 0) return;
  const noted = await sql.query<{ copy_id: string }>(
    `INSERT INTO removal (tenant_id, copy_id, source_id, state, due_at)
     SELECT $1, lost.copy_id, $2, 'waiting', now() + (s.policy ->> 'removalGraceSeconds')::float8 * interval '1 second'
     FROM source s CROSS JOIN LATERAL (
       SELECT DISTINCT e.copy_id FROM unnest($3::bigint[], $4::bigint[]) AS gone(gen_id, uid)
       JOIN placement e ON e.gen_id = gone.gen_id AND e.uid = gone.uid WHERE e.copy_id IS NOT NULL
     ) lost
     WHERE s.tenant_id = $1 AND s.id = $2 AND s.policy ->> 'removals' = 'mirror'
       AND NOT EXISTS (SELECT FROM ${standingPlacements('lost.copy_id')})
     ORDER BY lost.copy_id ON CONFLICT DO NOTHING RETURNING copy_id`,
    [source.tenantId, source.sourceId, ended.map(({ gen_id }) => gen_id), ended.map(({ uid }) => uid)],
  );
  await markTombstoned(
    sql,
    noted.map(({ copy_id }) => copy_id),
  );
}

async function markTombstoned(sql: Sql, copyIds: string[]): Promise<void> {
  if (copyIds.length === 0) return;
  await sql.execute('UPDATE placement SET presence = 3 WHERE copy_id = ANY ($1::uuid[]) AND presence = 2', [copyIds]);
}

/** Copies whose placements live again are not removed: they are as they were, with their links. Second run: no change. */
export async function undelete(sql: Sql, tenantId: string, copyIds: string[]): Promise<void> {
  if (copyIds.length === 0) return;
  const values = [tenantId, copyIds];
  await sql.execute('DELETE FROM removal WHERE tenant_id = $1 AND copy_id = ANY ($2::uuid[])', values);
  await sql.execute(
    'UPDATE placement SET presence = 2 WHERE tenant_id = $1 AND copy_id = ANY ($2::uuid[]) AND presence = 3',
    values,
  );
}

/**
 * Where a mailbox is mirrored under another wish than when this was last asked, all copies without a standing placement wait for their
 * grace: also those that were removed on the server before it was mirrored. What a person has kept stays. Second run: no change.
 */
export async function catchUp(sql: Sql, source: OfSource & { generation: number }): Promise<void> {
  const values = [source.tenantId, source.sourceId];
  const noted = await sql.query<{ copy_id: string }>(
    `INSERT INTO removal (tenant_id, copy_id, source_id, state, due_at)
     SELECT $1, c.id, $2, 'waiting', now() + (s.policy ->> 'removalGraceSeconds')::float8 * interval '1 second'
     FROM copy c JOIN source s ON s.tenant_id = $1 AND s.id = $2
     WHERE c.tenant_id = $1 AND c.source_id = $2 AND NOT EXISTS (SELECT FROM ${standingPlacements('c.id')})
     ORDER BY c.id ON CONFLICT DO NOTHING RETURNING copy_id`,
    values,
  );
  await markTombstoned(
    sql,
    noted.map(({ copy_id }) => copy_id),
  );
  await sql.execute(
    `INSERT INTO mirroring (tenant_id, source_id, generation) VALUES ($1, $2, $3)
     ON CONFLICT (tenant_id, source_id) DO UPDATE SET generation = excluded.generation`,
    [...values, source.generation],
  );
}

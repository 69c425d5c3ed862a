import { z } from 'zod';

import type { Sql } from './database';
import { newUuid } from './new-id';

/** How far a job is. What it has to do are rows of `rematch_key`, which go when they are done; nobody outside the database knows them. */
export const rematchTask = z.object({
  /** The last copy that was looked at of the first address that is left. */
  after: z.string().nullable(),
  /** Of a job for whole domains, which walks through all mail: the source, and the hash of the last copy (hex). */
  walk: z.object({ sourceId: z.uuid(), sha: z.string() }).nullable(),
});
export type RematchTask = z.output<typeof rematchTask>;

const beginning: RematchTask = { after: null, walk: null };

/** Which job. */
export interface RematchRef {
  tenantId: string;
  operationId: string;
}

/** Writes a job that waits and has nothing to do yet. Returns its id. */
export async function insertRematch(sql: Sql, tenantId: string): Promise<string> {
  const operationId = newUuid();
  await sql.execute(
    `INSERT INTO operation (tenant_id, id, kind, state, total, task) VALUES ($1, $2, 'rematch', 'waiting', 0, $3)`,
    [tenantId, operationId, JSON.stringify(beginning)],
  );
  return operationId;
}

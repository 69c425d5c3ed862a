import { z } from 'zod';

import type { Database, Sql } from '../database';
import { newUuid } from '../new-id';

const exportTask = z.object({ addressKeys: z.array(z.string()), expiresAt: z.iso.datetime() });

/** What an export hands out; the addresses are kept for as long as it can be fetched. */
interface PersonExport {
  addressKeys: string[];
  expiresAt: Date;
}

/** Makes the operation under which a person's data can be fetched until `expiresAt`; its UUID. Nothing is gathered yet. */
export async function insertExport(
  sql: Sql,
  tenantId: string,
  { addressKeys, expiresAt }: PersonExport,
): Promise<string> {
  const id = newUuid();
  const task: z.output<typeof exportTask> = { addressKeys, expiresAt: expiresAt.toISOString() };
  await sql.execute(
    `INSERT INTO operation (tenant_id, id, kind, state, task, result, started_at, finished_at)
     VALUES ($1, $2, 'export', 'done', $3, jsonb_build_object('expiresAt', $4::text), now(), now())`,
    [tenantId, id, JSON.stringify(task), task.expiresAt],
  );
  return id;
}

/** The export with this id, or null where there is none that can still be fetched. */
export async function findExport(db: Database, tenantId: string, id: string): Promise<PersonExport | null> {
  const [row] = await db.inTenant(tenantId, (sql) =>
    sql.query<{ task: unknown }>(
      `SELECT task FROM operation WHERE tenant_id = $1 AND id = $2 AND kind = 'export' AND task IS NOT NULL
         AND (task ->> 'expiresAt')::timestamptz > now()`,
      [tenantId, id],
    ),
  );
  if (row === undefined) return null;
  const { addressKeys, expiresAt } = exportTask.parse(row.task);
  return { addressKeys, expiresAt: new Date(expiresAt) };
}

/** Forgets the addresses of exports that can no longer be fetched. Returns of how many. */
export function sweepExports(db: Database, tenantId: string): Promise<number> {
  return db.inTenant(tenantId, (sql) =>
    sql.execute(
      `UPDATE operation SET task = NULL WHERE tenant_id = $1 AND kind = 'export' AND (task ->> 'expiresAt')::timestamptz <= now()`,
      [tenantId],
    ),
  );
}

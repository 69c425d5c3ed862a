import type { Database, Sql } from './database';
import { newUuid } from './new-id';

/** A field of a line that cannot be accepted, in words for whoever sent it. */
export interface LineError {
  field: string;
  reason: string;
  remedy: string;
}

export interface RefusedLine {
  line: number;
  errors: LineError[];
}

/** How far an upload is. Ids are UUIDs. */
export interface Upload {
  id: string;
  actor: string;
  state: 'running' | 'interrupted' | 'done';
  /** The last line that is done with; 0 before the first. */
  line: number;
  /** Of all lines until that one; null where it went on at a line, so that nobody knows those before. */
  fingerprint: Buffer | null;
  created: number;
  updated: number;
  refused: number;
  rematchId: string | null;
}

const columns = `id, actor, state, line, fingerprint, created, updated, refused, rematch_id AS "rematchId"`;

/** A request that said nothing for so long has died with its process, or waits for the tenant's lock: its lines are fenced. */
const silentSeconds = 30;

/**
 * Begins an upload under a key, or goes on with the one that is known by it, for 24 hours; null while a request is just carrying it out.
 * Second run: goes on.
 */
export async function beginUpload(
  db: Database,
  tenantId: string,
  wanted: { key: string; actor: string },
): Promise<Upload | null> {
  const { key, actor } = wanted;
  return db.inTenant(tenantId, async (sql) => {
    await sql.execute(
      `DELETE FROM record_upload WHERE tenant_id = $1 AND key = $2 AND created_at < now() - interval '24 hours'`,
      [tenantId, key],
    );
    const rows = await sql.query<Upload>(
      `INSERT INTO record_upload AS u (tenant_id, id, key, actor) VALUES ($1, $2, $3, $4)
       ON CONFLICT (tenant_id, key) DO UPDATE SET state = 'running', seen_at = now()
       WHERE u.state <> 'running' OR u.seen_at < now() - ${String(silentSeconds)} * interval '1 second' RETURNING ${columns}`,
      [tenantId, newUuid(), key, actor],
    );
    return rows[0] ?? null;
  });
}

/** What a share of lines came to. */
export interface UploadStep {
  id: string;
  /** Where the upload was before: another request that has gone on meanwhile is not overtaken. */
  after: number;
  line: number;
  fingerprint: Buffer | null;
  created: number;
  updated: number;
  refused: RefusedLine[];
  rematchId: string | null;
}

/** Notes lines in the transaction that writes their records; false where another request has gone on with the upload. */
export async function noteLines(sql: Sql, tenantId: string, step: UploadStep): Promise<boolean> {
  const noted = await sql.execute(
    `UPDATE record_upload SET line = $4, fingerprint = $5, created = created + $6, updated = updated + $7, refused = refused + $8,
       rematch_id = coalesce($9, rematch_id), seen_at = now()
     WHERE tenant_id = $1 AND id = $2 AND line = $3 AND state = 'running'`,
    [
      tenantId,
      step.id,
      step.after,
      step.line,
      step.fingerprint,
      step.created,
      step.updated,
      step.refused.length,
      step.rematchId,
    ],
  );
  if (noted === 0) return false;
  if (step.refused.length > 0) {
    await sql.execute(
      `INSERT INTO record_upload_refusal (tenant_id, upload_id, line, errors)
       SELECT $1, $2, line, errors FROM json_to_recordset($3::json) AS r(line integer, errors jsonb)`,
      [tenantId, step.id, JSON.stringify(step.refused)],
    );
  }
  return true;
}

/** Says that nobody is carrying an upload out any more, unless another request has gone on with it. Second run: no change. */
export async function endUpload(
  db: Database,
  tenantId: string,
  upload: { id: string; line: number; state: 'interrupted' | 'done' },
): Promise<void> {
  await db.inTenant(tenantId, (sql) =>
    sql.execute(`UPDATE record_upload SET state = $3, seen_at = now() WHERE tenant_id = $1 AND id = $2 AND line = $4`, [
      tenantId,
      upload.id,
      upload.state,
      upload.line,
    ]),
  );
}

/** The upload of a key; null where none is known by it. */
export async function readUpload(sql: Sql, tenantId: string, key: string): Promise<Upload | null> {
  const rows = await sql.query<Upload>(
    `SELECT ${columns} FROM record_upload WHERE tenant_id = $1 AND key = $2 AND created_at >= now() - interval '24 hours'`,
    [tenantId, key],
  );
  return rows[0] ?? null;
}

/** The first lines of an upload that were refused. */
export function refusedLinesOf(
  sql: Sql,
  tenantId: string,
  upload: { id: string; limit: number },
): Promise<RefusedLine[]> {
  return sql.query<RefusedLine>(
    'SELECT line, errors FROM record_upload_refusal WHERE tenant_id = $1 AND upload_id = $2 ORDER BY line LIMIT $3',
    [tenantId, upload.id, upload.limit],
  );
}

/** Forgets uploads after the 24 hours for which their keys are known. Second run: finds nothing left to forget. */
export async function sweepUploads(sql: Sql, tenantId: string): Promise<void> {
  await sql.execute(`DELETE FROM record_upload WHERE tenant_id = $1 AND created_at < now() - interval '24 hours'`, [
    tenantId,
  ]);
}

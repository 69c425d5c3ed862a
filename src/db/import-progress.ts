import type { Track } from '../domain/progress';
import type { Sql } from './database';
import { trackOf } from './import-track';

/** How far the import of a mailbox's history is. */
export interface ImportProgress {
  mailboxId: string;
  /** Folders whose history is not whole yet. */
  folders: number;
  /** Path of the folder that is worked on now; null where none is. */
  folder: string | null;
  total: number;
  done: number;
  track: Track;
  /** When this was read, by the clock of the database, in milliseconds. */
  at: number;
}

/** The running imports of these mailboxes; one that imports nothing is absent. */
export async function importProgress(sql: Sql, tenantId: string, mailboxIds: string[]): Promise<ImportProgress[]> {
  const rows = await sql.query<Omit<ImportProgress, 'track' | 'at'> & { track: unknown; at: string }>(
    `SELECT o.source_id AS "mailboxId", coalesce(o.total, 0) AS total, o.done, o.track, extract(epoch FROM clock_timestamp()) * 1000 AS at,
       (SELECT count(*) FROM folder_generation g JOIN folder f ON f.tenant_id = g.tenant_id AND f.id = g.folder_id
        WHERE g.tenant_id = $1 AND g.source_id = o.source_id AND g.retired_at IS NULL AND g.history_done_at IS NULL
          AND g.history_total > 0 AND f.in_scope) AS folders,
       (SELECT f.path FROM folder_generation g JOIN folder f ON f.tenant_id = g.tenant_id AND f.id = g.folder_id
        WHERE g.tenant_id = $1 AND g.id = (o.track ->> 'genId')::bigint AND g.retired_at IS NULL AND g.history_done_at IS NULL) AS folder
     FROM operation o WHERE o.tenant_id = $1 AND o.source_id = ANY ($2::uuid[]) AND o.kind = 'import' AND o.state = 'running'`,
    [tenantId, mailboxIds],
  );
  return rows.map((row) => ({ ...row, track: trackOf(row.track), at: Number(row.at) }));
}

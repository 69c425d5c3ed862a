import type { Sql } from './database';
import type { Reader } from './timeline-read';

/** What the rows around a copy tell of when it was stored, read, parked and read after all. */
export interface CopyHistory {
  copyId: string;
  /** When its bytes became durable; null where none are kept. */
  storedAt: Date | null;
  parserVersion: number;
  /** Of each of its UIDs that was parked once, oldest first. */
  failures: FailedPlacement[];
}

export interface FailedPlacement {
  folder: string;
  uidValidity: string;
  uid: number;
  code: string;
  attempts: number;
  parkedAt: string;
  replayedAt: string | null;
  /** The replay that it was read by, for as long as its report is kept. */
  operationId: string | null;
}

// As in messages-copies.ts: jsonb writes times in the session's zone.
const utc = (column: string) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** The history of these copies; whether somebody may see them is the caller's question. */
export function copyHistories(sql: Sql, tenantId: string, copyIds: string[]): Promise<CopyHistory[]> {
  return sql.query<CopyHistory>(
    `SELECT c.id AS "copyId", b.created_at AS "storedAt", c.parser_version AS "parserVersion",
       coalesce((SELECT jsonb_agg(jsonb_build_object('folder', f.path, 'uidValidity', g.uidvalidity::text, 'uid', x.uid, 'code', x.code,
           'attempts', x.attempts, 'parkedAt', ${utc('x.first_failed_at')}, 'replayedAt', ${utc('x.replayed_at')},
           'operationId', (SELECT i.operation_id FROM replay_item i WHERE i.gen_id = x.gen_id AND i.uid = x.uid
             AND i.outcome IN ('recorded', 'headers-only') ORDER BY i.done_at = x.replayed_at DESC, i.done_at LIMIT 1))
           ORDER BY x.first_failed_at, x.id)
         FROM placement p JOIN failure x ON x.gen_id = p.gen_id AND x.uid = p.uid
         JOIN folder_generation g ON g.id = p.gen_id JOIN folder f ON f.tenant_id = $1 AND f.id = g.folder_id
         WHERE p.copy_id = c.id), '[]') AS failures
     FROM copy c LEFT JOIN blob b ON b.tenant_id = $1 AND b.id = c.blob_id
     WHERE c.tenant_id = $1 AND c.id = ANY ($2::uuid[])`,
    [tenantId, copyIds],
  );
}

/** A copy that was removed: what its events, and the ledger row it had, still tell. */
export interface RemovedCopy {
  copyId: string;
  sourceId: string;
  recordedAt: Date | null;
  removedAt: Date;
  /** Where it was first recorded; null where that event was swept, or the folder is no more. */
  placed: { folder: string; uidValidity: string; uid: number; seenAt: string; leftAt: string | null } | null;
}

/**
 * The copies of a message that were removed with their rows, of the sources that the reader holds, oldest first. The events of these sources
 * are read for it: a question of support, not of every day.
 */
export function removedCopies(sql: Sql, reader: Reader, messageId: string): Promise<RemovedCopy[]> {
  return sql.query<RemovedCopy>(
    `WITH told AS MATERIALIZED (
       SELECT o.stream, o.type, o.ids, o.created_at FROM source s JOIN outbox o ON o.stream = s.id
       WHERE s.tenant_id = $1 AND o.tenant_id = $1 AND holds_source(s.id, $3)
         AND o.type IN ('message.recorded', 'message.removed') AND o.ids ->> 'messageId' = $2)
     SELECT gone.ids ->> 'copyId' AS "copyId", gone.stream AS "sourceId", gone.created_at AS "removedAt", recorded.created_at AS "recordedAt",
       CASE WHEN f.id IS NOT NULL THEN jsonb_build_object('folder', f.path, 'uidValidity', g.uidvalidity::text, 'uid', p.uid,
         'seenAt', ${utc('p.recorded_at')}, 'leftAt', CASE WHEN p.presence <> 1 THEN ${utc('p.presence_at')} END) END AS placed
     FROM told gone
     LEFT JOIN told recorded ON recorded.type = 'message.recorded' AND recorded.ids ->> 'copyId' = gone.ids ->> 'copyId'
     LEFT JOIN placement p ON p.gen_id = (recorded.ids ->> 'genId')::bigint AND p.uid = (recorded.ids ->> 'uid')::bigint
     LEFT JOIN folder_generation g ON g.id = p.gen_id
     LEFT JOIN folder f ON f.tenant_id = $1 AND f.id = g.folder_id
     WHERE gone.type = 'message.removed' ORDER BY gone.created_at`,
    [reader.tenantId, messageId, reader.userId],
  );
}

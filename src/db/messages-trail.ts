import type { Sql } from './database';
import type { Reader } from './timeline-read';

/** What the rows around a copy tell of when it was stored, read, parked and read after all. */
export interface CopyHistory {
  copyId: string;
  /** When its bytes became durable; null where none are kept. */
  storedAt: Date | null;
  /** The Temporal runs that recorded it, and that stored its bytes where it was not parked before; null where none is known. */
  runId: string | null;
  storedRunId: string | null;
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
  /** The Temporal runs that parked it, and that read it after all; null where none is known. */
  parkedRunId: string | null;
  replayRunId: string | null;
}

// As in messages-copies.ts: jsonb writes times in the session's zone.
const utc = (column: string) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

// What is written in one transaction has one time: the run is that of the row that was recorded, or replayed, together with the copy.
const runOfCopy = `coalesce(
       (SELECT p.run_id FROM placement p WHERE p.copy_id = c.id AND p.recorded_at = c.recorded_at LIMIT 1),
       (SELECT x.replay_run_id FROM placement p JOIN failure x ON x.gen_id = p.gen_id AND x.uid = p.uid
        WHERE p.copy_id = c.id AND x.replayed_at = c.recorded_at LIMIT 1))`;

/** Bytes that came after the copy were fetched to complete it. */
const completingRun = `(SELECT o.run_id FROM outbox o WHERE o.tenant_id = $1 AND o.about_message = c.message_id
         AND o.type = 'message.completed' AND o.ids ->> 'copyId' = c.id::text LIMIT 1)`;

/** The history of these copies; whether somebody may see them is the caller's question. */
export function copyHistories(sql: Sql, tenantId: string, copyIds: string[]): Promise<CopyHistory[]> {
  return sql.query<CopyHistory>(
    `SELECT c.id AS "copyId", b.created_at AS "storedAt", c.parser_version AS "parserVersion", ${runOfCopy} AS "runId",
       CASE WHEN b.created_at > c.recorded_at THEN ${completingRun} ELSE ${runOfCopy} END AS "storedRunId",
       coalesce((SELECT jsonb_agg(jsonb_build_object('folder', f.path, 'uidValidity', g.uidvalidity::text, 'uid', x.uid, 'code', x.code,
           'attempts', x.attempts, 'parkedAt', ${utc('x.first_failed_at')}, 'replayedAt', ${utc('x.replayed_at')},
           'parkedRunId', p.run_id, 'replayRunId', x.replay_run_id,
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
  /** The Temporal runs that recorded and removed it; null where none is known. */
  recordedRunId: string | null;
  removedRunId: string | null;
  /** Where it was first recorded; null where that event was swept, or the folder is no more. */
  placed: PlacedOnce | null;
}

interface PlacedOnce {
  folder: string;
  uidValidity: string;
  uid: number;
  seenAt: string;
  leftAt: string | null;
  seenRunId: string | null;
  leftRunId: string | null;
}

/**
 * The copies of a message that were removed with their rows, of the sources that the reader holds, oldest first. Only the events of the
 * message are read.
 */
export function removedCopies(sql: Sql, reader: Reader, messageId: string): Promise<RemovedCopy[]> {
  return sql.query<RemovedCopy>(
    `WITH told AS MATERIALIZED (
       SELECT o.stream, o.type, o.ids, o.created_at, o.run_id FROM outbox o JOIN source s ON s.tenant_id = $1 AND s.id = o.stream
       WHERE o.tenant_id = $1 AND o.about_message = $2 AND o.type IN ('message.recorded', 'message.removed') AND holds_source(s.id, $3))
     SELECT gone.ids ->> 'copyId' AS "copyId", gone.stream AS "sourceId", gone.created_at AS "removedAt", recorded.created_at AS "recordedAt",
       gone.run_id AS "removedRunId", recorded.run_id AS "recordedRunId",
       CASE WHEN f.id IS NOT NULL THEN jsonb_build_object('folder', f.path, 'uidValidity', g.uidvalidity::text, 'uid', p.uid,
         'seenAt', ${utc('p.recorded_at')}, 'leftAt', CASE WHEN p.presence <> 1 THEN ${utc('p.presence_at')} END,
         'seenRunId', p.run_id, 'leftRunId', p.presence_run_id) END AS placed
     FROM told gone
     LEFT JOIN told recorded ON recorded.type = 'message.recorded' AND recorded.ids ->> 'copyId' = gone.ids ->> 'copyId'
     LEFT JOIN placement p ON p.gen_id = (recorded.ids ->> 'genId')::bigint AND p.uid = (recorded.ids ->> 'uid')::bigint
     LEFT JOIN folder_generation g ON g.id = p.gen_id
     LEFT JOIN folder f ON f.tenant_id = $1 AND f.id = g.folder_id
     WHERE gone.type = 'message.removed' ORDER BY gone.created_at`,
    [reader.tenantId, messageId, reader.userId],
  );
}

/** A copy whose text was put right: read again by a newer parser, fetched whole where its header alone was kept, or found to be of a message that is here whole. */
export interface PutRight {
  kind: 'message.updated' | 'message.completed' | 'message.joined';
  copyId: string;
  sourceId: string;
  at: Date;
  /** The Temporal run that did it; null where none is known. */
  runId: string | null;
}

/** What the events of the sources that the reader holds tell of a message that was put right, oldest first. */
export function putRight(sql: Sql, reader: Reader, messageId: string): Promise<PutRight[]> {
  return sql.query<PutRight>(
    `SELECT o.type AS kind, o.ids ->> 'copyId' AS "copyId", o.stream AS "sourceId", o.created_at AS at, o.run_id AS "runId"
     FROM outbox o JOIN source s ON s.tenant_id = $1 AND s.id = o.stream
     WHERE o.tenant_id = $1 AND o.about_message = $2 AND o.type IN ('message.updated', 'message.completed', 'message.joined') AND holds_source(s.id, $3)
     ORDER BY o.created_at`,
    [reader.tenantId, messageId, reader.userId],
  );
}

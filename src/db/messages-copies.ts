import type { Direction } from '../domain/direction';
import type { PartDescriptor } from '../domain/message';
import type { Sql } from './database';
import { filesFirst } from './message-files';
import type { Reader } from './timeline-read';

/** One UID that a copy has or had. */
export interface CopyPlacement {
  folder: string;
  uidValidity: string;
  uid: number;
  outcome: number;
  reason: string | null;
  presence: number;
  presenceAt: string | null;
  flags: number;
  /** X-GM-LABELS; none where the server has none. */
  labels: string[];
  internalDate: string | null;
  recordedAt: string;
  /** The Temporal runs that recorded it, and that saw its presence change; null where none is known. */
  runId: string | null;
  presenceRunId: string | null;
}

/** A message as one source holds it, for those who may see that copy. */
export interface MessageCopy {
  id: string;
  messageId: string;
  sourceId: string;
  direction: Direction;
  visibility: number;
  rawState: 'full' | 'reduced' | 'none';
  rawSize: number;
  /** Hex, of the bytes as fetched. */
  sha256: string;
  bcc: { name: string; address: string }[];
  deliveredTo: string[];
  recordedAt: Date;
  placements: CopyPlacement[];
}

// jsonb writes times in the session's zone and with microseconds: said here, so that all times read alike.
const utc = (column: string) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** The copies of these messages that the reader holds, oldest first, each with its placements. */
export function heldCopies(sql: Sql, reader: Reader, messageIds: string[]): Promise<MessageCopy[]> {
  return sql.query<MessageCopy>(
    `SELECT c.id, c.message_id AS "messageId", c.source_id AS "sourceId", c.direction, c.visibility, c.raw_state AS "rawState",
       c.raw_size AS "rawSize", encode(c.raw_sha, 'hex') AS sha256, c.bcc, c.delivered_to AS "deliveredTo",
       c.recorded_at AS "recordedAt",
       coalesce((SELECT jsonb_agg(jsonb_build_object('folder', f.path, 'uidValidity', g.uidvalidity::text, 'uid', p.uid,
           'outcome', p.outcome, 'reason', p.reason, 'presence', p.presence, 'presenceAt', ${utc('p.presence_at')},
           'flags', p.flags, 'labels', p.labels, 'internalDate', ${utc('p.internal_date')}, 'recordedAt', ${utc('p.recorded_at')},
           'runId', p.run_id, 'presenceRunId', p.presence_run_id)
           ORDER BY p.recorded_at, p.gen_id, p.uid)
         FROM placement p JOIN folder_generation g ON g.id = p.gen_id
         JOIN folder f ON f.tenant_id = g.tenant_id AND f.id = g.folder_id WHERE p.copy_id = c.id), '[]') AS placements
     FROM copy c WHERE c.tenant_id = $1 AND c.message_id = ANY ($2::uuid[]) AND holds_source(c.source_id, $3)
     ORDER BY c.recorded_at, c.id`,
    [reader.tenantId, messageIds, reader.userId],
  );
}

/** Where the bytes of a message are. */
export interface CopyBytes {
  copyId: string;
  blobId: string | null;
  rawState: 'full' | 'reduced' | 'none';
  /** The reader may see the copy itself: its header lines too. */
  held: boolean;
  parts: PartDescriptor[];
}

const fullestFirst = (held: string) =>
  `array_position(ARRAY['full', 'reduced', 'none'], c.raw_state), ${held} DESC, c.recorded_at, c.id`;

/**
 * The bytes to serve a message from: of the copy that is named, else of the fullest, one that the reader holds before one that they do
 * not; for its parts, of the fullest that has files. A named copy must be held. Null where there is none.
 */
export async function bytesOfMessage(
  sql: Sql,
  reader: Reader,
  of: { messageId: string; copyId: string | null; wanted: 'raw' | 'parts' },
): Promise<CopyBytes | null> {
  const held = 'holds_source(c.source_id, $3)';
  const [row] = await sql.query<CopyBytes>(
    `SELECT c.id AS "copyId", c.blob_id AS "blobId", c.raw_state AS "rawState", ${held} AS held, coalesce(cs.parts, '[]') AS parts
     FROM copy c LEFT JOIN copy_structure cs ON cs.tenant_id = $1 AND cs.copy_id = c.id
     WHERE c.tenant_id = $1 AND c.message_id = $2 AND ($4::uuid IS NULL OR (c.id = $4 AND ${held}))
     ORDER BY ${of.wanted === 'raw' ? fullestFirst(held) : filesFirst(held)} LIMIT 1`,
    [reader.tenantId, of.messageId, reader.userId, of.copyId],
  );
  return row ?? null;
}

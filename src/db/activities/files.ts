import type { Sql } from '../database';
import { filesFirst } from '../message-files';
import { principalsOf, windowsOf, type PageWindows, type Reader, type TimelinePlace } from '../timeline-read';
import { walkedOf, walkOfRecord, type Walked } from './walk';

/** A place in the files of a record: behind the nth part of a message. */
export interface FilePlace extends TimelinePlace {
  n: number;
}

/** An attachment of a message at a record. `n` counts the parts of the copy that is served where none is named. */
export interface RecordFile extends FilePlace {
  filename: string | null;
  contentType: string;
  /** Bytes as they stand in the message, encoded. */
  encodedSize: number;
  /** False where the policy kept no bytes. */
  kept: boolean;
}

/**
 * The attachments of the messages at a record that a reader may see in full, of the newest message first. What is shown in a message's text is
 * none. A page may be short and yet go on.
 */
export async function listFiles(
  sql: Sql,
  reader: Reader,
  page: { recordId: string; after: FilePlace | null; limit: number },
): Promise<Walked<RecordFile>> {
  const rows = await sql.query<RecordFile & { isEnd: boolean }>(statement(windowsOf(reader)), [
    reader.tenantId,
    principalsOf(reader),
    page.recordId,
    page.after?.sortAt ?? null,
    page.after?.messageId ?? null,
    page.limit,
    reader.userId,
    page.after?.n ?? null,
  ]);
  return walkedOf(rows);
}

// The copy is chosen as `bytesOfMessage` chooses it, so that the numbers are those of /attachments/{n}.
const statement = (windows: PageWindows) => `WITH ${walkOfRecord('<=', windows)}
  (SELECT s.sort_at AS "sortAt", s.message_id AS "messageId", (f.part ->> 'n')::integer AS n, f.part ->> 'filename' AS filename,
     f.part ->> 'contentType' AS "contentType", (f.part ->> 'length')::bigint AS "encodedSize", (f.part ->> 'kept')::boolean AS kept, false AS "isEnd"
   FROM seen s JOIN message m ON m.tenant_id = $1 AND m.id = s.message_id AND m.has_attachments
   CROSS JOIN LATERAL (
     SELECT cs.parts FROM copy c LEFT JOIN copy_structure cs ON cs.tenant_id = $1 AND cs.copy_id = c.id
     WHERE c.tenant_id = $1 AND c.message_id = s.message_id
     ORDER BY ${filesFirst('holds_source(c.source_id, $7)')} LIMIT 1
   ) c CROSS JOIN LATERAL jsonb_array_elements(c.parts) AS f(part)
   WHERE s.level = 3 AND f.part ->> 'role' = 'attachment' AND f.part ->> 'disposition' IS DISTINCT FROM 'inline'
     AND ($8::integer IS NULL OR (s.sort_at, s.message_id) < ($4, $5::uuid) OR (f.part ->> 'n')::integer > $8)
   ORDER BY s.sort_at DESC, s.message_id DESC, n LIMIT $6)
  UNION ALL SELECT sort_at, message_id, NULL, NULL, NULL, NULL, NULL, true FROM reach`;

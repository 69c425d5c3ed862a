import { notesOfPerson } from '../activities/note-leave';
import type { Database } from '../database';
import { wholeThread } from '../thread-parts';

/** A copy of a message in which the person is sender or recipient, with all that is shown of it. Ids are UUIDs. */
export interface ExportedCopy {
  copyId: string;
  messageId: string;
  threadId: string;
  sourceId: string;
  blobId: string | null;
  rawState: 'full' | 'reduced' | 'none';
  size: number;
  /** Hexadecimal, of the bytes as they were fetched. */
  sha256: string;
  direction: string;
  sentAt: Date | null;
  sortAt: Date;
  subject: string | null;
  /** Only where the bytes were not kept whole. */
  text: string | null;
  participants: unknown;
  bcc: unknown;
  deliveredTo: string[];
  attachments: unknown;
  /** What the message is in the CRM; null where it is none. */
  activity: { id: string; type: string; status: string } | null;
  links: { recordId: string; type: string; name: string; reasons: string[] }[];
}

/** Where a page begins: after this copy. */
interface ExportPosition {
  addressKey: string;
  copyId: string;
}

const copiesAtOnce = 100;

/**
 * The copies that carry one of the addresses, each once. Each page is a transaction of its own, read along the index by address: whoever
 * reads slowly holds no connection, and mail that comes meanwhile is met or not.
 */
export async function* exportedCopies(
  db: Database,
  tenantId: string,
  addressKeys: string[],
): AsyncGenerator<ExportedCopy[]> {
  let after: ExportPosition | null = null;
  for (;;) {
    const rows: (ExportedCopy & { addressKey: string })[] = await db.inTenant(tenantId, (sql) =>
      sql.query(copyPage, [
        tenantId,
        addressKeys,
        after?.addressKey ?? '',
        after?.copyId ?? '00000000-0000-0000-0000-000000000000',
        copiesAtOnce,
      ]),
    );
    if (rows.length > 0) yield rows.map(({ addressKey: _, ...copy }) => copy);
    after = rows.at(-1) ?? null;
    if (rows.length < copiesAtOnce || after === null) return;
  }
}

// A copy that carries several of the addresses is met under the first of them.
const copyPage = `
WITH page AS MATERIALIZED (
  SELECT DISTINCT ca.address_key, ca.copy_id FROM copy_address ca
  WHERE ca.tenant_id = $1 AND ca.address_key = ANY ($2::text[]) AND (ca.address_key, ca.copy_id) > ($3, $4::uuid)
    AND NOT EXISTS (SELECT FROM copy_address o WHERE o.tenant_id = $1 AND o.copy_id = ca.copy_id AND o.address_key = ANY ($2::text[])
      AND o.address_key < ca.address_key)
  ORDER BY 1, 2 LIMIT $5
)
SELECT p.address_key AS "addressKey", c.id AS "copyId", c.message_id AS "messageId", ${wholeThread('m.thread_id')} AS "threadId", c.source_id AS "sourceId",
  c.blob_id AS "blobId", c.raw_state AS "rawState", c.raw_size AS size, encode(c.raw_sha, 'hex') AS sha256, c.direction, m.sent_at AS "sentAt",
  m.sort_at AS "sortAt", s.subject, CASE WHEN c.raw_state = 'full' THEN NULL ELSE b.text END AS text, m.participants, c.bcc,
  c.delivered_to AS "deliveredTo",
  (SELECT coalesce(jsonb_agg(jsonb_build_object('filename', part -> 'filename', 'contentType', part -> 'contentType', 'kept', part -> 'kept')), '[]')
   FROM copy_structure t CROSS JOIN LATERAL jsonb_array_elements(t.parts) AS part
   WHERE t.tenant_id = $1 AND t.copy_id = c.id AND part ->> 'role' = 'attachment') AS attachments,
  (SELECT jsonb_build_object('id', a.id, 'type', a.type, 'status', a.status) FROM activity a
   WHERE a.tenant_id = $1 AND a.message_id = m.id) AS activity,
  (SELECT coalesce(jsonb_agg(jsonb_build_object('recordId', r.id, 'type', r.type, 'name', r.name, 'reasons', (
     SELECT coalesce(jsonb_agg(lr.kind ORDER BY lr.kind), '[]') FROM link_reason lr WHERE lr.tenant_id = $1 AND lr.link_id = l.id))), '[]')
   FROM link l JOIN record r ON r.tenant_id = $1 AND r.id = l.record_id
   WHERE l.tenant_id = $1 AND l.message_id = m.id AND l.state = 'active') AS links
FROM page p JOIN copy c ON c.tenant_id = $1 AND c.id = p.copy_id JOIN message m ON m.tenant_id = $1 AND m.id = c.message_id
LEFT JOIN message_subject s ON s.tenant_id = $1 AND s.message_id = m.id
LEFT JOIN message_body b ON b.tenant_id = $1 AND b.message_id = m.id
ORDER BY 1, 2`;

/** What is left of an activity of the person's mail that is gone. Ids are UUIDs. */
interface ExportedNote {
  id: string;
  type: string;
  status: string;
  direction: string;
  sortAt: Date;
  recordIds: string[];
}

const notesAtOnce = 1_000;

/** The notes of the person's mail, by id; pages as above. */
export async function* exportedNotes(
  db: Database,
  tenantId: string,
  addressKeys: string[],
): AsyncGenerator<ExportedNote[]> {
  let after = '00000000-0000-0000-0000-000000000000';
  for (;;) {
    const rows: ExportedNote[] = await db.inTenant(tenantId, (sql) =>
      sql.query(
        `SELECT n.id, n.type, n.status, n.direction, n.sort_at AS "sortAt",
           ARRAY(SELECT nr.record_id FROM activity_note_record nr WHERE nr.tenant_id = $1 AND nr.note_id = n.id ORDER BY 1) AS "recordIds"
         FROM (SELECT id FROM (${notesOfPerson('$2')}) AS noted WHERE id > $3 ORDER BY id LIMIT $4) AS page
         JOIN activity_note n ON n.tenant_id = $1 AND n.id = page.id ORDER BY n.id`,
        [tenantId, addressKeys, after, notesAtOnce],
      ),
    );
    if (rows.length > 0) yield rows;
    const last = rows.at(-1);
    if (rows.length < notesAtOnce || last === undefined) return;
    after = last.id;
  }
}

/** A record that has one of the addresses. Ids are UUIDs. */
interface ExportedRecord {
  id: string;
  type: string;
  name: string;
  number: string | null;
  externalId: string | null;
  addresses: { address: string; kind: string }[];
  createdAt: Date;
  updatedAt: Date;
}

/** The records that have one of the addresses, with all addresses of each. */
export function exportedRecords(db: Database, tenantId: string, addressKeys: string[]): Promise<ExportedRecord[]> {
  return db.inTenant(tenantId, (sql) =>
    sql.query<ExportedRecord>(
      `SELECT r.id, r.type, r.name, r.number, r.external_id AS "externalId", r.created_at AS "createdAt", r.updated_at AS "updatedAt",
         (SELECT jsonb_agg(jsonb_build_object('address', a.address, 'kind', a.kind) ORDER BY a.address) FROM record_address a
          WHERE a.tenant_id = $1 AND a.record_id = r.id) AS addresses
       FROM record r WHERE r.tenant_id = $1 AND r.deleted_at IS NULL AND EXISTS (
         SELECT FROM record_address a WHERE a.tenant_id = $1 AND a.record_id = r.id AND a.address_key = ANY ($2::text[])) ORDER BY r.id`,
      [tenantId, addressKeys],
    ),
  );
}

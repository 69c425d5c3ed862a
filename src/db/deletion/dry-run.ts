import type { Sql } from '../database';

/** What a deletion would do, by kind. Bytes: `bytes` as they came, `storedBytes` as they are stored. */
export interface DeletionPreview {
  ledgerRows: number;
  copies: number;
  /** Messages that no other source holds; they go, with all that hangs on them. */
  messages: number;
  /** Messages that stay, because another source holds a copy; they are told from that one. */
  messagesKept: number;
  links: number;
  timelineEntries: number;
  activities: number;
  /** Of these, those of which a note without content stays. */
  activityNotes: number;
  attachments: number;
  failures: number;
  folders: number;
  events: number;
  operations: number;
  bytes: number;
  storedBytes: number;
}

/** Counts what deleting a mailbox would delete, and deletes nothing. */
export async function previewDeletion(
  sql: Sql,
  { tenantId, sourceId }: { tenantId: string; sourceId: string },
): Promise<DeletionPreview> {
  const [row] = await sql.query<DeletionPreview>(
    `WITH mine AS MATERIALIZED (
       SELECT id, message_id, blob_id, raw_size FROM copy WHERE tenant_id = $1 AND source_id = $2
     ), told AS MATERIALIZED (
       SELECT m.message_id, EXISTS (
         SELECT FROM copy c WHERE c.tenant_id = $1 AND c.message_id = m.message_id AND c.source_id <> $2) AS kept
       FROM (SELECT DISTINCT message_id FROM mine) m
     ), gens AS MATERIALIZED (
       SELECT id FROM folder_generation WHERE tenant_id = $1 AND source_id = $2
     )
     SELECT (SELECT count(*) FROM gens g JOIN placement p ON p.gen_id = g.id) AS "ledgerRows",
       (SELECT count(*) FROM mine) AS copies,
       (SELECT count(*) FROM told WHERE NOT kept) AS messages,
       (SELECT count(*) FROM told WHERE kept) AS "messagesKept",
       (SELECT count(*) FROM told t JOIN link l ON l.tenant_id = $1 AND l.message_id = t.message_id WHERE NOT t.kept) AS links,
       (SELECT count(*) FROM told t JOIN timeline l ON l.tenant_id = $1 AND l.message_id = t.message_id WHERE NOT t.kept) AS "timelineEntries",
       (SELECT count(*) FROM told t JOIN activity a ON a.tenant_id = $1 AND a.message_id = t.message_id WHERE NOT t.kept) AS activities,
       (SELECT count(*) FROM told t JOIN activity a ON a.tenant_id = $1 AND a.message_id = t.message_id
        WHERE NOT t.kept AND (SELECT policy ->> 'activityOnDelete' = 'note' FROM source WHERE tenant_id = $1 AND id = $2) AND EXISTS (
          SELECT FROM activity_party p WHERE p.tenant_id = $1 AND p.message_id = t.message_id AND p.record_id IS NOT NULL)) AS "activityNotes",
       (SELECT count(*) FROM mine JOIN copy_structure s ON s.tenant_id = $1 AND s.copy_id = mine.id
        CROSS JOIN LATERAL jsonb_array_elements(s.parts) AS part WHERE part ->> 'role' = 'attachment') AS attachments,
       (SELECT count(*) FROM failure WHERE tenant_id = $1 AND source_id = $2) AS failures,
       (SELECT count(*) FROM folder WHERE tenant_id = $1 AND source_id = $2) AS folders,
       (SELECT count(*) FROM outbox WHERE tenant_id = $1 AND stream = $2) AS events,
       (SELECT count(*) FROM operation WHERE tenant_id = $1 AND source_id = $2) AS operations,
       (SELECT coalesce(sum(raw_size), 0)::bigint FROM mine) AS bytes,
       (SELECT coalesce(sum(b.stored_size), 0)::bigint FROM mine JOIN blob b ON b.tenant_id = $1 AND b.id = mine.blob_id)
         + (SELECT coalesce(sum(b.stored_size), 0)::bigint FROM gens g JOIN placement p ON p.gen_id = g.id
            JOIN blob b ON b.tenant_id = $1 AND b.id = p.blob_id) AS "storedBytes"`,
    [tenantId, sourceId],
  );
  if (row === undefined) throw new Error('a count has no row');
  return row;
}

import { notesOfPerson } from '../activities/note-leave';
import type { Database } from '../database';
import { ownHoldersOf, type OwnHolders } from './begin-erasure';
import { findMentions, type Mentions } from './mentions';

/** What an erasure would erase, by kind, and what stays. Bytes: `bytes` as they came, `storedBytes` as they are stored. */
export interface ErasurePreview {
  messages: number;
  /** Of them those in which, beside the person and the tenant's own people, others took part: they go too. */
  messagesWithOthers: number;
  copies: number;
  /** Ledger rows stay, and say `filtered: erased`. */
  ledgerRows: number;
  links: number;
  timelineEntries: number;
  activities: number;
  /** Notes of activities of earlier mail, which go too. */
  activityNotes: number;
  attachments: number;
  /** Records that lose an address of theirs, and stay: UUIDs. */
  recordIds: string[];
  /** Parked mail that is looked through for the addresses. */
  parkedToLookThrough: number;
  bytes: number;
  storedBytes: number;
  mentions: Mentions;
}

const recordsShown = 100;

/** Counts what erasing the person at these addresses would erase, and erases nothing. */
export async function previewErasure(
  db: Database,
  tenantId: string,
  addressKeys: string[],
): Promise<({ kind: 'own' } & OwnHolders) | { kind: 'counted'; preview: ErasurePreview }> {
  return db.inTenant(tenantId, async (sql) => {
    const own = await ownHoldersOf(sql, tenantId, addressKeys);
    if (own.userIds.length + own.mailboxIds.length > 0) return { kind: 'own', ...own };
    const values = [tenantId, addressKeys];
    const [row] = await sql.query<Omit<ErasurePreview, 'recordIds' | 'mentions'>>(counts, values);
    if (row === undefined) throw new Error('a count has no row');
    const records = await sql.query<{ id: string }>(
      `SELECT DISTINCT record_id AS id FROM record_address WHERE tenant_id = $1 AND address_key = ANY ($2::text[]) ORDER BY 1 LIMIT ${String(recordsShown)}`,
      values,
    );
    const mentions = await findMentions(sql, tenantId, { addressKeys, beside: [] });
    return { kind: 'counted', preview: { ...row, recordIds: records.map(({ id }) => id), mentions } };
  });
}

const counts = `
WITH told AS MATERIALIZED (
  SELECT DISTINCT c.message_id FROM copy_address ca JOIN copy c ON c.tenant_id = $1 AND c.id = ca.copy_id
  WHERE ca.tenant_id = $1 AND ca.address_key = ANY ($2::text[])
), gone AS MATERIALIZED (
  SELECT c.id, c.message_id, c.blob_id, c.raw_size FROM told t JOIN copy c ON c.tenant_id = $1 AND c.message_id = t.message_id
)
SELECT (SELECT count(*) FROM told) AS messages,
  (SELECT count(DISTINCT g.message_id) FROM gone g JOIN copy_address ca ON ca.tenant_id = $1 AND ca.copy_id = g.id
   WHERE ca.role <> 'delivered-to' AND ca.address_key <> ALL ($2::text[])
     AND NOT EXISTS (SELECT FROM user_address u WHERE u.tenant_id = $1 AND u.address_key = ca.address_key)
     AND NOT EXISTS (SELECT FROM source s WHERE s.tenant_id = $1 AND s.address_key = ca.address_key)) AS "messagesWithOthers",
  (SELECT count(*) FROM gone) AS copies,
  (SELECT count(*) FROM gone g JOIN placement p ON p.copy_id = g.id) AS "ledgerRows",
  (SELECT count(*) FROM told t JOIN link l ON l.tenant_id = $1 AND l.message_id = t.message_id) AS links,
  (SELECT count(*) FROM told t JOIN timeline l ON l.tenant_id = $1 AND l.message_id = t.message_id) AS "timelineEntries",
  (SELECT count(*) FROM told t JOIN activity a ON a.tenant_id = $1 AND a.message_id = t.message_id) AS activities,
  (SELECT count(*) FROM (${notesOfPerson('$2')}) AS noted) AS "activityNotes",
  (SELECT count(*) FROM gone g JOIN copy_structure s ON s.tenant_id = $1 AND s.copy_id = g.id
   CROSS JOIN LATERAL jsonb_array_elements(s.parts) AS part WHERE part ->> 'role' = 'attachment') AS attachments,
  (SELECT count(*) FROM source s JOIN placement p ON p.source_id = s.id AND p.outcome IN (1, 5) WHERE s.tenant_id = $1 AND p.blob_id IS NOT NULL)
    AS "parkedToLookThrough",
  (SELECT coalesce(sum(raw_size), 0)::bigint FROM gone) AS bytes,
  (SELECT coalesce(sum(b.stored_size), 0)::bigint FROM gone g JOIN blob b ON b.tenant_id = $1 AND b.id = g.blob_id) AS "storedBytes"`;

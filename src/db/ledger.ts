import { outcomeName, outcomes, presenceName, presences, type Outcome, type Presence } from '../domain/ledger';
import type { Database } from './database';

/** One row of the ledger: what became of one UID in one generation of a folder. Ids are UUIDs. */
export interface LedgerEntry {
  /** Internal: with the UID, where a page ends. */
  generationId: number;
  folder: string;
  uidValidity: string;
  uid: number;
  outcome: Outcome;
  reason: string | null;
  presence: Presence;
  messageId: string | null;
  copyId: string | null;
  /** Hexadecimal, of the bytes as fetched; null where they were not. */
  sha256: string | null;
  size: number | null;
  recordedAt: Date;
}

export interface LedgerFilter {
  folder: string | null;
  outcome: Outcome | null;
  presence: Presence | null;
}

/** Where a page begins: after this row. */
export type LedgerPosition = Pick<LedgerEntry, 'generationId' | 'uid'>;

type Row = Omit<LedgerEntry, 'outcome' | 'presence'> & { outcome: number; presence: number };

/** Rows of a mailbox's ledger, by generation and UID, after a position. Reads no more than `limit` rows of any generation. */
export async function readLedger(
  db: Database,
  source: { tenantId: string; sourceId: string },
  page: { filter: LedgerFilter; after: LedgerPosition | null; limit: number },
): Promise<LedgerEntry[]> {
  const { filter, after, limit } = page;
  const rows = await db.inTenant(source.tenantId, (sql) =>
    sql.query<Row>(ledgerPage, [
      source.tenantId,
      source.sourceId,
      after?.generationId ?? 0,
      after?.uid ?? 0,
      limit,
      filter.folder,
      filter.outcome === null ? null : outcomes[filter.outcome],
      filter.presence === null ? null : presences[filter.presence],
    ]),
  );
  return rows.map((row) => ({ ...row, outcome: outcomeName(row.outcome), presence: presenceName(row.presence) }));
}

// LATERAL with its own LIMIT: without it a page of a big folder sorts the whole folder.
const ledgerPage = `
SELECT g.id AS "generationId", g.path AS folder, g.uidvalidity AS "uidValidity", p.uid, p.outcome, p.reason, p.presence,
  c.message_id AS "messageId", p.copy_id AS "copyId", encode(p.raw_sha, 'hex') AS sha256,
  CASE WHEN p.raw_sha IS NULL THEN NULL ELSE p.size END AS size, p.recorded_at AS "recordedAt"
FROM (SELECT g.id, f.path, g.uidvalidity FROM folder_generation g JOIN folder f ON f.tenant_id = g.tenant_id AND f.id = g.folder_id
      WHERE g.tenant_id = $1 AND g.source_id = $2 AND g.id >= $3 AND ($6::text IS NULL OR f.path = $6) ORDER BY g.id) g
CROSS JOIN LATERAL (
  SELECT * FROM placement p WHERE p.gen_id = g.id AND p.uid > CASE WHEN g.id = $3 THEN $4::bigint ELSE 0 END
    AND ($7::smallint IS NULL OR p.outcome = $7) AND ($8::smallint IS NULL OR p.presence = $8)
  ORDER BY p.uid LIMIT $5) p
LEFT JOIN copy c ON c.tenant_id = $1 AND c.id = p.copy_id
ORDER BY g.id, p.uid LIMIT $5`;

const streamedAtOnce = 2_000;

/**
 * All rows, in the same order. Each page is a transaction of its own: a client that reads slowly holds no connection, and rows that
 * come meanwhile are met or not, but none is met twice.
 */
export async function* streamLedger(
  db: Database,
  source: { tenantId: string; sourceId: string },
  filter: LedgerFilter,
): AsyncGenerator<LedgerEntry[]> {
  let after: LedgerPosition | null = null;
  for (;;) {
    const rows: LedgerEntry[] = await readLedger(db, source, { filter, after, limit: streamedAtOnce });
    if (rows.length > 0) yield rows;
    after = rows.at(-1) ?? null;
    if (rows.length < streamedAtOnce || after === null) return;
  }
}

import { outcomeName, type Outcome } from '../../domain/ledger';
import type { Invariant, Violation } from '../../domain/verify';
import { chunkBytes } from '../blobs/copy-binary';
import type { Database, Sql } from '../database';

interface OfSource {
  tenantId: string;
  sourceId: string;
}

/** A row that breaks an invariant. */
interface Broken {
  folder_id: string | null;
  uid: number | null;
  message_id: string | null;
}

/** Of each invariant so many are told. */
export const mostTold = 100;

/** Of rows of the ledger `p` with their generation `g`; the parameters are tenant and source. */
const ofLedger = (condition: string) => `
  SELECT g.folder_id, p.uid, (SELECT c.message_id FROM copy c WHERE c.tenant_id = $1 AND c.id = p.copy_id) AS message_id
  FROM folder_generation g JOIN placement p ON p.gen_id = g.id
  WHERE g.tenant_id = $1 AND g.source_id = $2 AND ${condition} LIMIT ${String(mostTold)}`;

/** `domain/ledger.ts` has the numbers: 1 stored, 2 recorded, 3 filtered, 4 headers-only, 5 parked; 1 live, 2 ended, 3 tombstoned. */
const checks: [Invariant, string][] = [
  // The index finds those that are not decided, however large the ledger is.
  ['stored-too-long', ofLedger(`p.source_id = $2 AND p.outcome = 1 AND p.recorded_at < now() - interval '5 minutes'`)],
  [
    'outcome-contradicts',
    ofLedger(`(p.outcome NOT BETWEEN 1 AND 5 OR p.presence NOT BETWEEN 1 AND 3 OR (p.outcome IN (1, 3, 5) AND p.copy_id IS NOT NULL)
      OR (p.outcome = 3 AND p.reason IS NULL)
      OR (p.outcome = 5 AND NOT EXISTS (SELECT FROM failure f WHERE f.gen_id = p.gen_id AND f.uid = p.uid AND f.state <> 'replayed')))`),
  ],
  [
    'recorded-without-copy',
    ofLedger(`p.outcome IN (2, 4) AND NOT EXISTS (SELECT FROM copy c WHERE c.tenant_id = $1 AND c.id = p.copy_id)`),
  ],
  ['alive-in-retired-generation', ofLedger('p.presence = 1 AND g.retired_at IS NOT NULL')],
  [
    'bytes-missing',
    ofLedger(`p.blob_id IS NOT NULL AND p.outcome IN (1, 5) AND NOT EXISTS (SELECT FROM blob b WHERE b.tenant_id = $1 AND b.id = p.blob_id
      AND ceil(b.stored_size / ${String(chunkBytes)}.0) = (SELECT count(*) FROM blob_bytes k WHERE k.blob_id = b.id))`),
  ],
  // While its server cannot be asked a mailbox only waits (`overdue.ts` has the same condition).
  [
    'removal-overdue',
    `SELECT NULL::uuid AS folder_id, NULL::bigint AS uid, c.message_id
     FROM removal r JOIN source s ON s.tenant_id = $1 AND s.id = r.source_id AND s.desired_state = 'running'
     JOIN mailbox m ON m.tenant_id = $1 AND m.source_id = s.id AND m.state = 'live'
     JOIN copy c ON c.tenant_id = $1 AND c.id = r.copy_id
     WHERE r.tenant_id = $1 AND r.source_id = $2 AND r.state IN ('waiting', 'confirmed') AND r.due_at < now() - interval '15 minutes'
     LIMIT ${String(mostTold)}`,
  ],
  [
    'copy-without-placement',
    `SELECT NULL::uuid AS folder_id, NULL::bigint AS uid, c.message_id FROM copy c WHERE c.tenant_id = $1 AND c.source_id = $2
       AND NOT EXISTS (SELECT FROM placement p WHERE p.copy_id = c.id) LIMIT ${String(mostTold)}`,
  ],
  ['event-missing', ofEvents(`told.times IS NULL AND c.recorded_at >= (SELECT since FROM kept)`)],
  ['event-doubled', ofEvents('told.times > 1')],
];

/** Events that were swept say nothing of the mail before them: a stream that begins later than with its first is asked from there on. */
function ofEvents(condition: string): string {
  return `
  WITH told AS (
    SELECT (ids ->> 'copyId')::uuid AS copy_id, count(*) AS times FROM outbox
    WHERE tenant_id = $1 AND stream = $2 AND type = 'message.recorded' GROUP BY 1
  ), kept AS (
    SELECT CASE WHEN o.seq = 1 THEN '-infinity' ELSE o.created_at END AS since FROM outbox o
    WHERE o.tenant_id = $1 AND o.stream = $2 ORDER BY o.epoch, o.seq LIMIT 1
  )
  SELECT NULL::uuid AS folder_id, NULL::bigint AS uid, c.message_id
  FROM copy c LEFT JOIN told ON told.copy_id = c.id
  WHERE c.tenant_id = $1 AND c.source_id = $2 AND ${condition} LIMIT ${String(mostTold)}`;
}

/** What the rows of a mailbox say against each other, at most 100 of each kind. */
export async function brokenRows(db: Database, { tenantId, sourceId }: OfSource): Promise<Violation[]> {
  const found: Violation[] = [];
  for (const [invariant, text] of checks) {
    const rows = await db.inTenant(tenantId, (sql) => sql.query<Broken>(text, [tenantId, sourceId]));
    found.push(...rows.map((row) => violationOf(invariant, row)));
  }
  return found;
}

function violationOf(invariant: Invariant, { folder_id: folderId, uid, message_id: messageId }: Broken): Violation {
  return {
    invariant,
    ...(folderId === null ? {} : { folderId }),
    ...(uid === null ? {} : { uid }),
    ...(messageId === null ? {} : { messageId }),
  };
}

/** How many live placements the current generation of each folder has, by outcome. */
export async function liveCounts(
  db: Database,
  { tenantId, sourceId }: OfSource,
): Promise<Map<string, Partial<Record<Outcome, number>>>> {
  const rows = await db.inTenant(tenantId, (sql) =>
    sql.query<{ folder_id: string; outcome: number; count: number }>(
      `SELECT g.folder_id, p.outcome, count(*) AS count FROM folder_generation g JOIN placement p ON p.gen_id = g.id AND p.presence = 1
       WHERE g.tenant_id = $1 AND g.source_id = $2 AND g.retired_at IS NULL AND p.outcome BETWEEN 1 AND 5 GROUP BY 1, 2`,
      [tenantId, sourceId],
    ),
  );
  const counts = new Map<string, Partial<Record<Outcome, number>>>();
  for (const { folder_id: folderId, outcome, count } of rows) {
    counts.set(folderId, { ...counts.get(folderId), [outcomeName(outcome)]: count });
  }
  return counts;
}

/** The ledger's row of a UID as it is now; null where there is none. */
export async function rowAt(
  sql: Sql,
  at: { genId: number; uid: number },
): Promise<{ copyId: string | null; isLive: boolean; flags: number } | null> {
  const [row] = await sql.query<{ copyId: string | null; isLive: boolean; flags: number }>(
    'SELECT copy_id AS "copyId", presence = 1 AS "isLive", flags FROM placement WHERE gen_id = $1 AND uid = $2',
    [at.genId, at.uid],
  );
  return row ?? null;
}

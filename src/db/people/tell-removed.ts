import { uuidArray } from '../binary-array';
import type { Sql } from '../database';
import { newUuid } from '../new-id';

/** A copy that goes. Ids are UUIDs. */
export interface RemovedCopy {
  id: string;
  message_id: string;
  source_id: string;
}

interface Told {
  tenantId: string;
  runId: string | null;
  type: 'message.removed' | 'message.joined';
  more: { joinedMessageId?: string };
}

/**
 * Tells other systems of copies that go: `message.removed` for each in the stream of its source, numbered without a gap; ids only. To be
 * called under the tenant's lock, in the transaction that deletes the copies, so that each is told once. A source that is being deleted
 * tells nothing more: its stream goes with it. `runId`: of the Temporal run that deletes them.
 */
export async function tellRemoved(
  sql: Sql,
  { tenantId, runId }: { tenantId: string; runId: string | null },
  copies: RemovedCopy[],
): Promise<void> {
  await tellOfCopies(sql, { tenantId, runId, type: 'message.removed', more: {} }, copies);
}

/** The same of another kind; `more` ids stand in each event. */
export async function tellOfCopies(
  sql: Sql,
  { tenantId, runId, type, more }: Told,
  copies: RemovedCopy[],
): Promise<void> {
  if (copies.length === 0) return;
  await sql.execute(insertEvents, [
    tenantId,
    uuidArray(copies.map((copy) => copy.id)),
    uuidArray(copies.map((copy) => copy.message_id)),
    uuidArray(copies.map((copy) => copy.source_id)),
    uuidArray(copies.map(() => newUuid())),
    runId,
    type,
    JSON.stringify(more),
  ]);
}

// A deletion that waits may be taken back, and the stream goes on. The sources are locked in one order, as whoever else locks several does.
const insertEvents = `
WITH gone AS MATERIALIZED (
  SELECT copy_id, message_id, source_id, event_id, row_number() OVER (PARTITION BY source_id ORDER BY copy_id) - 1 AS n
  FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[]) AS gone(copy_id, message_id, source_id, event_id)
), telling AS MATERIALIZED (
  SELECT s.id FROM source s WHERE s.tenant_id = $1 AND s.id IN (SELECT source_id FROM gone) AND s.deleted_at IS NULL AND NOT EXISTS (
    SELECT FROM deletion d WHERE d.tenant_id = $1 AND d.id = s.deletion_id AND d.state <> 'waiting')
  ORDER BY s.id FOR UPDATE
), numbered AS (
  UPDATE source s SET next_seq = next_seq + k.count
  FROM telling t JOIN (SELECT source_id, count(*) AS count FROM gone GROUP BY source_id) k ON k.source_id = t.id
  WHERE s.tenant_id = $1 AND s.id = t.id RETURNING s.id, s.epoch, s.next_seq - k.count AS first_seq
)
INSERT INTO outbox (tenant_id, stream, epoch, seq, event_id, type, ids, run_id, about_message)
SELECT $1, s.id, s.epoch, s.first_seq + g.n, g.event_id, $7, jsonb_build_object('messageId', g.message_id, 'copyId', g.copy_id) || $8::jsonb, $6, g.message_id
FROM numbered s JOIN gone g ON g.source_id = s.id`;

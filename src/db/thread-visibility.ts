import type { Sql } from './database';
import { sayOfParts } from './ingest/join-thread-visibility';
import { newUuid } from './new-id';
import { partsOfThread } from './thread-parts';
import type { Reader } from './timeline-read';
import { queueVisibility, type QueuedVisibility } from './visibility-job';

/** What was said last of a thread for mailboxes that the reader holds; null where nothing was. `level` as in `copy.visibility`. */
export interface SaidVisibility {
  level: number;
  changedAt: Date;
}

/** What the reader is told of a thread's own visibility: what was said for the mailboxes that they hold. */
export async function saidVisibility(sql: Sql, reader: Reader, threadId: string): Promise<SaidVisibility | null> {
  const [row] = await sql.query<SaidVisibility>(
    `SELECT level, created_at AS "changedAt" FROM thread_visibility
     WHERE tenant_id = $1 AND thread_id = $2 AND holds_source(source_id, $3) ORDER BY created_at DESC, level LIMIT 1`,
    [reader.tenantId, threadId, reader.userId],
  );
  return row ?? null;
}

/** The mailboxes with copies of a thread that the reader holds. Looks through all of a long one: not to be called under the tenant's lock. */
export async function sourcesHeld(sql: Sql, { tenantId, userId }: Reader, threadId: string): Promise<string[]> {
  const held = await sql.query<{ source_id: string }>(
    `SELECT source_id FROM (
       SELECT DISTINCT c.source_id FROM message m
       CROSS JOIN LATERAL (SELECT source_id FROM copy WHERE tenant_id = $1 AND message_id = m.id OFFSET 0) c
       WHERE m.tenant_id = $1 AND m.thread_id = ANY (${partsOfThread('$2::uuid')}) OFFSET 0) held
     WHERE holds_source(source_id, $3)`,
    [tenantId, threadId, userId],
  );
  return held.map((row) => row.source_id);
}

/**
 * Says how far others may read a thread, for these mailboxes (`sourcesHeld`), as far as the reader still holds them; `level` null: as far as the copies say. To be called
 * under the tenant's lock. What it takes away nobody reads from the commit on; the job is to be run after it. Second run: no change.
 */
export async function sayVisibility(
  sql: Sql,
  { tenantId, userId }: Reader,
  said: { threadId: string; sourceIds: string[]; level: number | null; actor: string },
): Promise<QueuedVisibility | null> {
  const still = await sql.query<{ id: string }>('SELECT id FROM unnest($1::uuid[]) AS id WHERE holds_source(id, $2)', [
    said.sourceIds,
    userId,
  ]);
  const changed = await writeSaid(sql, tenantId, { ...said, sourceIds: still.map(({ id }) => id) });
  if (!changed) return null;
  await sayOfParts(sql, tenantId, said.threadId);
  await tellChanged(sql, tenantId, said.threadId);
  const mail = { of: 'thread' as const, threadId: said.threadId };
  return queueVisibility(sql, tenantId, { mail, narrowedUserIds: [] });
}

/** Tells other systems in the stream of the tenant, numbered without a gap; ids only. */
async function tellChanged(sql: Sql, tenantId: string, threadId: string): Promise<void> {
  await sql.execute(
    `WITH numbered AS (UPDATE tenant SET next_seq = next_seq + 1 WHERE tenant_id = $1 RETURNING next_seq - 1 AS seq)
     INSERT INTO outbox (tenant_id, stream, epoch, seq, event_id, type, ids)
     SELECT $1, $1, 1, seq, $2, 'thread.visibility-changed', jsonb_build_object('threadId', $3::uuid) FROM numbered`,
    [tenantId, newUuid(), threadId],
  );
}

async function writeSaid(
  sql: Sql,
  tenantId: string,
  said: { threadId: string; level: number | null; actor: string; sourceIds: string[] },
): Promise<boolean> {
  const of = [tenantId, said.threadId, said.sourceIds];
  if (said.level === null) {
    const forgotten = await sql.execute(
      'DELETE FROM thread_visibility WHERE tenant_id = $1 AND thread_id = $2 AND source_id = ANY ($3::uuid[])',
      of,
    );
    return forgotten > 0;
  }
  const written = await sql.execute(
    `INSERT INTO thread_visibility (tenant_id, thread_id, source_id, level, actor)
     SELECT $1, $2, source_id, $4, $5 FROM unnest($3::uuid[]) AS source_id
     ON CONFLICT (thread_id, tenant_id, source_id) DO UPDATE
       SET level = excluded.level, actor = excluded.actor, created_at = now(), only_narrows = false`,
    [...of, said.level, said.actor],
  );
  return written > 0;
}

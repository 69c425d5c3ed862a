import { z } from 'zod';

import { workBegan, workWentOn } from '../../domain/progress';
import type { RowToReplay } from '../../domain/replay';
import type { Database, Sql } from '../database';
import { trackOf } from '../import-track';
import { countTryInVain } from './next-tries';
import { noteItems, type ItemNote } from './replay-items';
import type { ReplayTask } from './replay-select';
import { withinBytes } from './within-bytes';

export interface ReplayRef {
  tenantId: string;
  operationId: string;
}

const storedTask: z.ZodType<ReplayTask> = z.object({
  mode: z.enum(['for-good', 'dry-run']),
  senderDomain: z.string().nullable(),
  actor: z.string(),
});

/** A ledger row whose turn it is, with all that is known of its message without its bytes. */
export interface ReplayItem {
  genId: number;
  uid: number;
  failureId: string | null;
  folder: string;
  uidValidity: string;
  /** null: the ledger has it no longer. */
  row: RowToReplay | null;
  copyId: string | null;
  size: number;
  internalDate: Date | null;
  flags: number;
  modseq: string | null;
  providerId: string | null;
  providerThreadId: string | null;
}

/** The next messages of a replay, all of one mailbox. */
export interface ReplayShare {
  kind: 'work';
  task: ReplayTask;
  sourceId: string;
  isDeleting: boolean;
  items: ReplayItem[];
}

/** What is to be done next. `held`: somebody has paused it or called it off; `done`: nothing is left, and the operation has ended. */
export type NextShare = ReplayShare | { kind: 'held' } | { kind: 'done' };

/**
 * Takes the next messages of a replay, up to `messages` and about `bytes`. Each counts a try before it is made: what was taken before and
 * not noted is taken alone, because one that ends its worker must not take others with it for ever. Second run: takes them again.
 */
export async function takeShare(
  db: Database,
  ref: ReplayRef,
  limits: { messages: number; bytes: number },
): Promise<NextShare> {
  return db.inTenant(ref.tenantId, async (sql) => {
    const [operation] = await sql.query<{ state: string; task: unknown }>(
      `UPDATE operation SET state = 'running', started_at = coalesce(started_at, now())
       WHERE tenant_id = $1 AND id = $2 AND kind = 'replay' AND state IN ('waiting', 'running') RETURNING state, task`,
      [ref.tenantId, ref.operationId],
    );
    if (operation === undefined) return { kind: 'held' };
    const rows = await sql.query<ShareRow>(nextRows, [ref.tenantId, ref.operationId, limits.messages]);
    const [first] = rows;
    if (first === undefined) {
      await finishReplay(sql, ref);
      return { kind: 'done' };
    }
    const taken = first.tries > 0 ? [first] : rows.slice(0, withinBytes(rows, limits.bytes));
    await countTries(sql, ref, { items: taken, by: 1 });
    return {
      kind: 'work',
      task: storedTask.parse(operation.task),
      sourceId: first.sourceId,
      isDeleting: first.isDeleting,
      items: taken.map(itemOf),
    };
  });
}

/** It was not these messages that ended the work: their tries are not held against them. */
export async function giveBackShare(db: Database, ref: ReplayRef, items: ReplayItem[]): Promise<void> {
  await db.inTenant(ref.tenantId, (sql) => countTries(sql, ref, { items, by: -1 }));
}

/**
 * When a server is asked again by itself: when it would have been anyway, in an hour, the later the more often it was tried in vain, this
 * time included, or no more.
 */
export type NextTry = 'as-planned' | 'soon' | 'ever-later' | 'never';

/** Notes what became of messages without writing anything else of them. */
export async function noteShare(
  db: Database,
  ref: ReplayRef,
  noted: { items: ItemNote[]; next: NextTry },
): Promise<void> {
  const { items, next } = noted;
  if (items.length === 0) return;
  await db.inTenant(ref.tenantId, async (sql) => {
    await noteItems(sql, ref.tenantId, { operationId: ref.operationId, items });
    if (next === 'as-planned') return;
    if (next === 'ever-later') return countTryInVain(sql, ref.tenantId, items);
    await sql.execute(
      `UPDATE failure x SET next_try_at = CASE WHEN $4 THEN now() + interval '1 hour' END
       FROM unnest($2::bigint[], $3::bigint[]) AS r(gen_id, uid)
       WHERE x.tenant_id = $1 AND x.gen_id = r.gen_id AND x.uid = r.uid AND x.state = 'parked'`,
      [ref.tenantId, items.map(({ genId }) => genId), items.map(({ uid }) => uid), next === 'soon'],
    );
  });
}

/** Notes how fast a replay is. Time in which no worker had it in hand is not held against it. */
export async function trackReplay(db: Database, ref: ReplayRef, work: 'begins' | 'goes-on'): Promise<void> {
  await db.inTenant(ref.tenantId, async (sql) => {
    const [row] = await sql.query<{ done: number; track: unknown; at: string }>(
      `SELECT done, track, extract(epoch FROM clock_timestamp()) * 1000 AS at FROM operation
       WHERE tenant_id = $1 AND id = $2 AND state = 'running' FOR UPDATE`,
      [ref.tenantId, ref.operationId],
    );
    if (row === undefined) return;
    const point = { at: Math.round(Number(row.at)), done: row.done };
    const before = trackOf(row.track);
    const track = work === 'begins' ? workBegan(before, point) : workWentOn(before, { ...point, genId: 0 });
    if (track === before) return;
    await sql.execute('UPDATE operation SET track = $3 WHERE tenant_id = $1 AND id = $2', [
      ref.tenantId,
      ref.operationId,
      JSON.stringify(track),
    ]);
  });
}

interface ShareRow {
  genId: number;
  uid: number;
  sourceId: string;
  failureId: string | null;
  tries: number;
  isDeleting: boolean;
  outcome: number | null;
  presence: number;
  blobId: string | null;
  copyId: string | null;
  size: number | null;
  internalDate: Date | null;
  flags: number;
  modseq: string | null;
  providerId: string | null;
  providerThreadId: string | null;
  folder: string | null;
  uidValidity: string | null;
  isCurrent: boolean | null;
}

// The first mailbox that has messages left, then its messages in the order of the index.
const nextRows = `
WITH first AS MATERIALIZED (
  SELECT source_id FROM replay_item WHERE operation_id = $2 AND outcome IS NULL ORDER BY source_id LIMIT 1
), next AS MATERIALIZED (
  SELECT i.* FROM first CROSS JOIN LATERAL (
    SELECT * FROM replay_item WHERE operation_id = $2 AND source_id = first.source_id AND outcome IS NULL
    ORDER BY tries, gen_id DESC, uid DESC LIMIT $3) i
)
SELECT i.gen_id AS "genId", i.uid, i.source_id AS "sourceId", i.failure_id AS "failureId", i.tries,
  s.deletion_id IS NOT NULL OR s.deleted_at IS NOT NULL AS "isDeleting",
  p.outcome, p.presence, p.blob_id AS "blobId", p.copy_id AS "copyId", p.size, p.internal_date AS "internalDate", p.flags, p.modseq,
  coalesce(x.provider_id, c.provider_id) AS "providerId", x.provider_thread_id AS "providerThreadId", f.path AS folder,
  g.uidvalidity AS "uidValidity", g.retired_at IS NULL AND f.gone_at IS NULL AS "isCurrent"
FROM next i
JOIN source s ON s.tenant_id = $1 AND s.id = i.source_id
LEFT JOIN placement p ON p.gen_id = i.gen_id AND p.uid = i.uid
LEFT JOIN copy c ON c.tenant_id = $1 AND c.id = p.copy_id
LEFT JOIN failure x ON x.gen_id = i.gen_id AND x.uid = i.uid
LEFT JOIN folder_generation g ON g.id = i.gen_id
LEFT JOIN folder f ON f.tenant_id = $1 AND f.id = g.folder_id
ORDER BY i.tries, i.gen_id DESC, i.uid DESC`;

function itemOf(row: ShareRow): ReplayItem {
  const { genId, uid, failureId, copyId, internalDate, flags, modseq, providerId, providerThreadId, tries } = row;
  const { outcome, presence, blobId, isCurrent } = row;
  return {
    genId,
    uid,
    failureId,
    folder: row.folder ?? '',
    uidValidity: row.uidValidity ?? '0',
    row: outcome === null ? null : { outcome, presence, blobId, isCurrent: isCurrent === true, tries },
    copyId,
    size: row.size ?? 0,
    internalDate,
    flags,
    modseq,
    providerId,
    providerThreadId,
  };
}

async function countTries(
  sql: Sql,
  ref: ReplayRef,
  { items, by }: { items: { genId: number; uid: number }[]; by: 1 | -1 },
): Promise<void> {
  await sql.execute(
    `UPDATE replay_item i SET tries = greatest(i.tries + $3, 0) FROM unnest($4::bigint[], $5::bigint[]) AS r(gen_id, uid)
     WHERE i.tenant_id = $1 AND i.operation_id = $2 AND i.gen_id = r.gen_id AND i.uid = r.uid AND i.outcome IS NULL`,
    [ref.tenantId, ref.operationId, by, items.map(({ genId }) => genId), items.map(({ uid }) => uid)],
  );
}

/** The result counts the messages by what became of them. */
async function finishReplay(sql: Sql, ref: ReplayRef): Promise<void> {
  await sql.execute(
    `UPDATE operation SET state = 'done', finished_at = now(), track = NULL, done = coalesce(total, done), result =
       jsonb_build_object('mode', task -> 'mode') || coalesce((
         SELECT jsonb_object_agg(outcome, count) FROM (
           SELECT outcome, count(*) FROM replay_item WHERE operation_id = $2 AND outcome IS NOT NULL GROUP BY outcome) counted), '{}')
     WHERE tenant_id = $1 AND id = $2 AND state = 'running'`,
    [ref.tenantId, ref.operationId],
  );
}

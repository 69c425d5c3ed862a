import type { Sql } from '../database';
import { newUuid } from '../new-id';

/** Of which mailbox something is said. */
export interface MailboxRow {
  tenantId: string;
  sourceId: string;
  /** The Temporal run that says it; null or left out where a person does. */
  runId?: string | null;
}

/** Who made a change: a worker, or the public id of a user or key. */
export type Actor = string;
export const systemActor: Actor = 'system';

/** What was changed of a mailbox. Codes only: never a server's words, an address or a path. */
export interface NewEvent {
  kind: 'state' | 'flag' | 'wish' | 'policy' | 'access' | 'people';
  from: string | null;
  to: string | null;
  reason: string | null;
  until: Date | null;
  lastError: { kind: string; code: string; operation: string } | null;
  actor: Actor;
  /** When, where it is known better than `now`. */
  at: Date | null;
}

/** An event of which only what it is about needs saying. */
export function plainEvent(kind: NewEvent['kind'], values: { actor: Actor } & Partial<NewEvent>): NewEvent {
  return { from: null, to: null, reason: null, until: null, lastError: null, at: null, ...values, kind };
}

interface EventRow {
  at: Date;
  id: string;
  kind: string;
  actor: string;
  from_state: string | null;
  to_state: string | null;
}

/**
 * Writes an event into a mailbox's history. The transaction has locked the source, so events of a mailbox follow one another; their times
 * rise even where the clock steps back. With `alternationsKept`, what went to and fro before the last so many changes is folded into the
 * oldest row that is kept, so that a flapping server does not make the history grow.
 */
export async function insertEvent(
  sql: Sql,
  mailbox: MailboxRow,
  { event, alternationsKept }: { event: NewEvent; alternationsKept: number | null },
): Promise<void> {
  const latest = await latestEvents(sql, mailbox, Math.max(alternationsKept ?? 0, 2));
  const id = newUuid();
  await sql.execute(
    `WITH clock AS (SELECT greatest(date_trunc('milliseconds', coalesce($4, clock_timestamp())),
       $5::timestamptz + interval '1 millisecond') AS at)
     INSERT INTO mailbox_event (tenant_id, source_id, id, at, first_at, kind, from_state, to_state, reason, until, last_error, actor)
     SELECT $1, $2, $3, clock.at, clock.at, $6, $7, $8, $9, $10, $11, $12 FROM clock`,
    [
      mailbox.tenantId,
      mailbox.sourceId,
      id,
      event.at,
      latest[0]?.at ?? null,
      event.kind,
      event.from,
      event.to,
      event.reason,
      event.until,
      event.lastError === null ? null : JSON.stringify(event.lastError),
      event.actor,
    ],
  );
  if (alternationsKept !== null && isRun(latest, alternationsKept)) await foldOldest(sql, mailbox, latest);
}

function latestEvents(sql: Sql, { tenantId, sourceId }: MailboxRow, limit: number): Promise<EventRow[]> {
  return sql.query<EventRow>(
    `SELECT at, id, kind, actor, from_state, to_state FROM mailbox_event WHERE tenant_id = $1 AND source_id = $2
     ORDER BY at DESC, id DESC LIMIT $3`,
    [tenantId, sourceId, limit],
  );
}

/** States that rounds go to and fro between without anybody's doing. */
const passing: ReadonlySet<string | null> = new Set(['connecting', 'live', 'backing-off']);

function isRun(latest: EventRow[], length: number): boolean {
  return (
    latest.length >= length &&
    latest.every(
      ({ kind, actor, from_state, to_state }) =>
        kind === 'state' && actor === systemActor && passing.has(from_state) && passing.has(to_state),
    )
  );
}

/** The oldest of the run goes, and the one after it stands for it too. */
async function foldOldest(sql: Sql, { tenantId, sourceId }: MailboxRow, run: EventRow[]): Promise<void> {
  const [next, oldest] = run.slice(-2);
  if (next === undefined || oldest === undefined) return;
  await sql.execute(
    `WITH gone AS (DELETE FROM mailbox_event WHERE tenant_id = $1 AND source_id = $2 AND at = $3 AND id = $4 RETURNING times, first_at)
     UPDATE mailbox_event e SET times = e.times + gone.times, first_at = gone.first_at
     FROM gone WHERE e.tenant_id = $1 AND e.source_id = $2 AND e.at = $5 AND e.id = $6`,
    [tenantId, sourceId, oldest.at, oldest.id, next.at, next.id],
  );
}

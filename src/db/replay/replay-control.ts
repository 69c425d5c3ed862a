import type { Database, Sql } from '../database';
import type { MailboxReader } from '../mailboxes';
import { resultSql } from '../reprocess/reprocess-task';
import { canBeAsked } from '../sync/can-be-asked';

/** Jobs over messages that people hold, let go on and call off. */
export type HeldJobKind = 'replay' | 'reprocess';

const heldKinds = `kind IN ('replay', 'reprocess')`;

/** What somebody may do to a job that is under way. */
export type ReplayControl = 'pause' | 'resume' | 'cancel';

const changes: Record<ReplayControl, { from: string[]; set: string }> = {
  pause: { from: ['waiting', 'running'], set: `state = 'paused'` },
  resume: { from: ['paused'], set: `state = 'waiting'` },
  // The result counts what was done until then; the rest of the report stays open.
  cancel: {
    from: ['waiting', 'running', 'paused'],
    set: `state = 'cancelled', finished_at = now(), track = NULL, result = CASE kind WHEN 'reprocess' THEN ${resultSql('differs')}
      ELSE jsonb_build_object('mode', task -> 'mode') || coalesce((
        SELECT jsonb_object_agg(coalesce(outcome, 'open'), count) FROM (
          SELECT outcome, count(*) FROM replay_item WHERE operation_id = $2 GROUP BY outcome) counted), '{}') END`,
  },
};

/** Holds a job, lets it go on, or calls it off; true where that changed something. Messages under way come to their end. */
export async function controlReplay(
  sql: Sql,
  tenantId: string,
  of: { id: string; control: ReplayControl },
): Promise<boolean> {
  const { from, set } = changes[of.control];
  const changed = await sql.execute(
    `UPDATE operation SET ${set} WHERE tenant_id = $1 AND id = $2 AND ${heldKinds} AND state = ANY ($3::text[])`,
    [tenantId, of.id, from],
  );
  return changed > 0;
}

/** A job that can be held, and who began it, as a public id; null where it is none. */
export async function heldJob(
  sql: Sql,
  tenantId: string,
  id: string,
): Promise<{ kind: HeldJobKind; actor: string } | null> {
  const [row] = await sql.query<{ kind: HeldJobKind; actor: string }>(
    `SELECT kind, task ->> 'actor' AS actor FROM operation WHERE tenant_id = $1 AND id = $2 AND ${heldKinds}`,
    [tenantId, id],
  );
  return row ?? null;
}

/** A line of a replay's report. `outcome` null: not looked at yet. */
export interface ReportLine {
  genId: number;
  uid: number;
  failureId: string | null;
  sourceId: string;
  folder: string | null;
  uidValidity: string | null;
  outcome: string | null;
  reason: string | null;
  doneAt: Date | null;
  messageId: string | null;
}

const linesPerPage = 1_000;

/** The report of a replay, page by page, as far as its messages are of mailboxes that the reader sees. */
export async function* replayReport(
  db: Database,
  reader: MailboxReader,
  operationId: string,
): AsyncGenerator<ReportLine[]> {
  let after = { genId: 0, uid: 0 };
  for (;;) {
    const { genId, uid } = after;
    const page = await db.inTenant(reader.tenantId, (sql) =>
      sql.query<ReportLine>(reportPage, [reader.tenantId, reader.userId, operationId, genId, uid]),
    );
    if (page.length > 0) yield page;
    const last = page.at(-1);
    if (last === undefined || page.length < linesPerPage) return;
    after = last;
  }
}

const reportPage = `
SELECT i.gen_id AS "genId", i.uid, i.failure_id AS "failureId", i.source_id AS "sourceId", f.path AS folder, g.uidvalidity AS "uidValidity",
  i.outcome, i.reason, i.done_at AS "doneAt", c.message_id AS "messageId"
FROM replay_item i JOIN source s ON s.tenant_id = $1 AND s.id = i.source_id
LEFT JOIN folder_generation g ON g.id = i.gen_id
LEFT JOIN folder f ON f.tenant_id = $1 AND f.id = g.folder_id
LEFT JOIN placement p ON p.gen_id = i.gen_id AND p.uid = i.uid
LEFT JOIN copy c ON c.tenant_id = $1 AND c.id = p.copy_id
WHERE i.tenant_id = $1 AND i.operation_id = $3 AND (i.gen_id, i.uid) > ($4, $5) AND ($2::uuid IS NULL OR s.owner_user_id = $2
  OR EXISTS (SELECT FROM source_member m WHERE m.tenant_id = $1 AND m.source_id = s.id AND m.user_id = $2))
ORDER BY i.gen_id, i.uid LIMIT ${String(linesPerPage)}`;

const mostReplays = 200;

/**
 * Replays and jobs that read stored mail again, of all tenants, that should run: written or begun, and at least `olderThanMs` old, so that whoever wrote them had the time to start
 * them; at most 200, of more any, so that those that run already stand in nobody's way for long. Starting one that runs changes nothing.
 */
export function unfinishedReplays(
  db: Database,
  olderThanMs: number,
): Promise<{ tenantId: string; operationId: string; kind: HeldJobKind }[]> {
  return db.acrossTenants((sql) =>
    sql.query(
      `SELECT tenant_id AS "tenantId", id AS "operationId", kind FROM operation
       WHERE ${heldKinds} AND state IN ('waiting', 'running') AND created_at < now() - $1 * interval '1 millisecond'
       ORDER BY random() LIMIT ${String(mostReplays)}`,
      [olderThanMs],
    ),
  );
}

const mostMailboxes = 200;

/** Mailboxes of all tenants whose server should be asked again for something, and can be asked now; at most 200. */
export function mailboxesWithDueTries(db: Database): Promise<{ tenantId: string; mailboxId: string }[]> {
  return db.acrossTenants((sql) =>
    sql.query(
      `SELECT DISTINCT x.tenant_id AS "tenantId", x.source_id AS "mailboxId" FROM failure x
       JOIN source s ON s.tenant_id = x.tenant_id AND s.id = x.source_id
       JOIN mailbox m ON m.tenant_id = x.tenant_id AND m.source_id = x.source_id
       WHERE x.next_try_at <= now() AND x.state = 'parked' AND s.desired_state = 'running' AND s.deleted_at IS NULL AND ${canBeAsked}
       LIMIT ${String(mostMailboxes)}`,
    ),
  );
}

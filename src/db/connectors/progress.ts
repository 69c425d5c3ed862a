import type { Database, Sql } from '../database';

/** Which connector, and under which settings the work was begun: with older ones nothing is written any more. */
export interface ConnectorRef {
  tenantId: string;
  connectorId: string;
  version: number;
}

/** A page that was taken over. */
export interface PulledPage {
  before: string | null;
  cursor: string | null;
  refused: { externalId: string | null; reasons: string[] }[];
}

const refusalsShown = 20;
const current = 'tenant_id = $1 AND id = $2 AND version = $3';

/**
 * Moves the cursor, in the transaction that takes the page over. False where somebody else has moved it, or the settings are others now: the
 * transaction is to write nothing then.
 */
export async function moveCursor(sql: Sql, ref: ConnectorRef, page: PulledPage): Promise<boolean> {
  const moved = await sql.execute(
    `UPDATE connector SET pull_cursor = $5, refused = refused + $6, failed_tries = 0, retry_at = NULL,
       last_refused = (SELECT coalesce(jsonb_agg(kept.one), '[]') FROM (
         SELECT one FROM jsonb_array_elements($7::jsonb || last_refused) WITH ORDINALITY AS all_of(one, n) ORDER BY n LIMIT ${String(refusalsShown)}) kept)
     WHERE ${current} AND state = 'active' AND pull_cursor IS NOT DISTINCT FROM $4`,
    [
      ref.tenantId,
      ref.connectorId,
      ref.version,
      page.before,
      page.cursor,
      page.refused.length,
      JSON.stringify(page.refused.slice(0, refusalsShown)),
    ],
  );
  return moved > 0;
}

/** Notes that the CRM has nothing newer, and when it is asked next. Second run: the same, later. */
export function notePulled(db: Database, ref: ConnectorRef, everySeconds: number): Promise<unknown> {
  return db.inTenant(ref.tenantId, (sql) =>
    sql.execute(
      `UPDATE connector SET pulled_at = now(), pull_due_at = now() + $4 * interval '1 second', failed_tries = 0, retry_at = NULL, last_error = NULL
       WHERE ${current}`,
      [ref.tenantId, ref.connectorId, ref.version, everySeconds],
    ),
  );
}

/** What went wrong with a CRM, and how long it is left alone. */
export interface ConnectorFailureNote {
  error: { kind: string; code: string; status: number | null; operation: string };
  waitMs: number;
}

/** Notes a failure. Second run: one more of the tries that failed. */
export function noteConnectorFailure(
  db: Database,
  ref: ConnectorRef,
  { error, waitMs }: ConnectorFailureNote,
): Promise<unknown> {
  return db.inTenant(ref.tenantId, (sql) =>
    sql.execute(
      `UPDATE connector SET failed_tries = failed_tries + 1, retry_at = now() + $5 * interval '1 millisecond',
         last_error = $4::jsonb || jsonb_build_object('at', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
       WHERE ${current}`,
      [ref.tenantId, ref.connectorId, ref.version, JSON.stringify(error), Math.ceil(waitMs)],
    ),
  );
}

/** Connectors of all tenants that have something to do now: records to fetch, or something to tell. */
export function connectorsWithWork(db: Database): Promise<{ tenantId: string; connectorId: string }[]> {
  return db.acrossTenants((sql) =>
    sql.query(
      `SELECT c.tenant_id AS "tenantId", c.id AS "connectorId" FROM connector c
       WHERE c.state = 'active' AND (c.retry_at IS NULL OR c.retry_at <= now()) AND (c.pull_due_at <= now() OR EXISTS (
         SELECT FROM connector_change n WHERE n.tenant_id = c.tenant_id AND n.connector_id = c.id))
       ORDER BY c.pull_due_at`,
    ),
  );
}

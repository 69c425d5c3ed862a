import type { Sql } from './database';

/** Who did what to which things, and when. */
export interface AuditEntry {
  /** UUID, by the time it was written. */
  id: string;
  at: Date;
  /** A user or a key by their public id, or a word for what acts by itself. */
  actor: string;
  action: string;
  /** Public ids by what they are of; what a person wrote as their reason is not among them. */
  ids: Record<string, string>;
}

/** What is asked of the log; null: whatever. `subject` is a public id that stands in the entry. */
export interface AuditFilter {
  actor: string | null;
  action: string | null;
  subject: string | null;
  since: Date | null;
  until: Date | null;
}

/**
 * Entries, newest first, before `beforeId`; of at most `window` entries those that fit the filter, so that a page costs the same however few do. `resumeAfter`:
 * behind which the next page goes on where this one looked at as many; null at the end.
 */
export async function listAudit(
  sql: Sql,
  tenantId: string,
  page: { filter: AuditFilter; beforeId: string | null; limit: number; window: number },
): Promise<{ rows: AuditEntry[]; resumeAfter: string | null }> {
  const { actor, action, subject, since, until } = page.filter;
  const found = await sql.query<FoundEntry>(statement, [
    tenantId,
    page.beforeId,
    since === null ? null : idAt(since.getTime() - slackMs),
    until === null ? null : idAt(until.getTime() + slackMs),
    page.window,
    actor,
    action,
    subject,
    since,
    until,
    page.limit,
  ]);
  const rows = found.flatMap(({ id, at, actor: by, action: done, ids }) =>
    id === null ? [] : [{ id, at, actor: by, action: done, ids }],
  );
  const [told] = found;
  return { rows, resumeAfter: told !== undefined && told.looked >= page.window ? told.last : null };
}

/** Without an id where no entry fits. */
type FoundEntry = Omit<AuditEntry, 'id'> & { id: string | null; looked: number; last: string | null };

/** An id is made within the transaction whose beginning `at` is, by another clock. */
const slackMs = 3_600_000;

/** The first id of a moment (RFC 9562 5.7). */
function idAt(ms: number): string {
  const time = Math.max(0, ms).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`;
}

const statement = `
WITH looked AS MATERIALIZED (
  SELECT id, at, actor, action, ids FROM audit
  WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id < $2) AND ($3::uuid IS NULL OR id >= $3) AND ($4::uuid IS NULL OR id < $4)
  ORDER BY id DESC LIMIT $5
), page AS (
  SELECT id, at, actor, action, ids - 'note' AS ids FROM looked
  WHERE ($6::text IS NULL OR actor = $6) AND ($7::text IS NULL OR action = $7) AND ($9::timestamptz IS NULL OR at >= $9)
    AND ($10::timestamptz IS NULL OR at < $10)
    AND ($8::text IS NULL OR actor = $8 OR EXISTS (SELECT FROM jsonb_each_text(ids - 'note') AS named WHERE named.value = $8))
  ORDER BY id DESC LIMIT $11
)
SELECT p.*, k.count AS looked, (SELECT id FROM looked ORDER BY id LIMIT 1) AS last
FROM (SELECT count(*) FROM looked) AS k LEFT JOIN page p ON true ORDER BY p.id DESC`;

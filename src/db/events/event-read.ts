import type { Sql } from '../database';
import type { MailboxRow } from './event-write';

/** One change in the history of a mailbox. `times` is how many changes it stands for, the first of them at `firstAt`. */
export interface MailboxEvent {
  id: string;
  at: Date;
  kind: 'state' | 'flag' | 'wish' | 'policy' | 'access' | 'people';
  from: string | null;
  to: string | null;
  reason: string | null;
  until: Date | null;
  lastError: { kind: string; code: string; operation: string } | null;
  actor: string;
  times: number;
  firstAt: Date;
}

/** Events of a mailbox, newest first, those before the place. */
export function listEvents(
  sql: Sql,
  { tenantId, sourceId }: MailboxRow,
  page: { before: { at: Date; id: string } | null; limit: number },
): Promise<MailboxEvent[]> {
  return sql.query<MailboxEvent>(
    `SELECT id, at, kind, from_state AS "from", to_state AS "to", reason, until, last_error AS "lastError", actor, times, first_at AS "firstAt"
     FROM mailbox_event WHERE tenant_id = $1 AND source_id = $2 AND ($3::timestamptz IS NULL OR (at, id) < ($3, $4::uuid))
     ORDER BY at DESC, id DESC LIMIT $5`,
    [tenantId, sourceId, page.before?.at ?? null, page.before?.id ?? null, page.limit],
  );
}

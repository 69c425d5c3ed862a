import type { NoticeEnd, NoticeKind } from '../../domain/notice';
import type { Sql } from '../database';

/** What a person was told of a mailbox. Ids are UUIDs. */
export interface Notice {
  id: string;
  /** null: the tenant has nobody who could be told. */
  userId: string | null;
  mailboxId: string;
  kind: NoticeKind;
  raisedAt: Date;
  clearedAt: Date | null;
  /** null while it holds. */
  clearedBy: NoticeEnd | null;
  readAt: Date | null;
}

const selectNotice = `SELECT id, user_id AS "userId", source_id AS "mailboxId", kind, raised_at AS "raisedAt", cleared_at AS "clearedAt",
  CASE WHEN cleared_at IS NOT NULL THEN coalesce(ids ->> 'clearedBy', 'well') END AS "clearedBy",
  read_at AS "readAt" FROM notice WHERE tenant_id = $1 AND ($2::uuid IS NULL OR user_id = $2)`;

/** Which notices are wanted; null is all. */
export interface NoticeFilter {
  userId: string | null;
  mailboxId: string | null;
  open: boolean | null;
  unread: boolean | null;
}

/** Notices, newest first. */
export function listNotices(
  sql: Sql,
  tenantId: string,
  { filter, beforeId, limit }: { filter: NoticeFilter; beforeId: string | null; limit: number },
): Promise<Notice[]> {
  return sql.query<Notice>(
    `${selectNotice} AND ($3::uuid IS NULL OR source_id = $3) AND ($4::boolean IS NULL OR (cleared_at IS NULL) = $4)
       AND ($5::boolean IS NULL OR (read_at IS NULL) = $5) AND ($6::uuid IS NULL OR id < $6) ORDER BY id DESC LIMIT $7`,
    [tenantId, filter.userId, filter.mailboxId, filter.open, filter.unread, beforeId, limit],
  );
}

/** Notes that somebody has read a notice; null where there is none that they may see. Second run: no change. */
export async function readNotice(
  sql: Sql,
  reader: { tenantId: string; userId: string | null },
  id: string,
): Promise<Notice | null> {
  const values = [reader.tenantId, reader.userId, id];
  await sql.execute(
    `UPDATE notice SET read_at = now() WHERE tenant_id = $1 AND ($2::uuid IS NULL OR user_id = $2) AND id = $3 AND read_at IS NULL`,
    values,
  );
  const [notice] = await sql.query<Notice>(`${selectNotice} AND id = $3`, values);
  return notice ?? null;
}

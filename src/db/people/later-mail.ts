import type { Sql } from '../database';
import type { PersonRef } from './begin-erasure';

/** When a person was erased: what they write afterwards is as usual. */
export async function erasedAt(sql: Sql, { tenantId, deletionId }: PersonRef): Promise<Date> {
  const [row] = await sql.query<{ at: Date }>('SELECT at FROM erasure WHERE tenant_id = $1 AND id = $2', [
    tenantId,
    deletionId,
  ]);
  if (row === undefined) throw new Error('an erasure that is under way is not in the journal');
  return row.at;
}

/**
 * A condition on the message `m`: it came after the erasure, whose time is the parameter `at`. What was here before it is not, whatever its
 * date says, and neither is what tells no date: mail that is not taken in again must not stay either.
 */
export const isLater = (at: string): string =>
  `(m.sort_at > ${at}::timestamptz AND m.created_at > ${at}::timestamptz AND (m.sent_at IS NOT NULL OR EXISTS (
     SELECT FROM copy dated JOIN placement p ON p.copy_id = dated.id
     WHERE dated.tenant_id = m.tenant_id AND dated.message_id = m.id AND p.internal_date IS NOT NULL)))`;

/** A condition on a row of `link_reason`: its link is of mail that came after the erasure. */
export const isOfLaterMail = (at: string): string =>
  `EXISTS (SELECT FROM link l JOIN message m ON m.tenant_id = l.tenant_id AND m.id = l.message_id
     WHERE l.tenant_id = link_reason.tenant_id AND l.id = link_reason.link_id AND ${isLater(at)})`;

import type { Sql } from '../../db/database';
import type { Mailbox, MailboxReader } from '../../db/mailboxes';
import { usersAmong } from '../../db/viewers';
import type { FieldProblem } from '../problem';
import { forbidden, invalidRequest } from '../problems';
import type { Viewer } from '../viewer';

/** Whose mailboxes a viewer sees: the tenant and its admins all, everybody else their own and shared ones. */
export function readerOf(viewer: Viewer): MailboxReader {
  const all = viewer.userId === null || viewer.role === 'admin';
  return { tenantId: viewer.tenantId, userId: all ? null : viewer.userId };
}

/**
 * Whose mail a viewer sees in full as far as mailboxes go: an admin has no right to content beyond that of a user (product promise C12).
 */
export function contentReaderOf(viewer: Viewer): MailboxReader {
  return { tenantId: viewer.tenantId, userId: viewer.userId };
}

/** @throws Problem 403 where a member of a shared mailbox wants to change it */
export function requireManager(viewer: Viewer, mailbox: Pick<Mailbox, 'ownerUserId'>): void {
  if (viewer.userId === null || viewer.role === 'admin' || mailbox.ownerUserId === viewer.userId) return;
  throw forbidden('Only the owner of a mailbox, or an admin, can change it.');
}

/** The people that a body names for a mailbox. */
interface NamedPeople {
  ownerUserId?: string | null;
  memberUserIds?: string[];
}

/**
 * @throws Problem 400 naming each user that does not exist
 * @throws Problem 403 where a user connects a mailbox for somebody else
 */
export async function checkPeople(sql: Sql, viewer: Viewer, people: NamedPeople): Promise<void> {
  const members = people.memberUserIds ?? [];
  const owner = people.ownerUserId ?? null;
  if (owner !== null && owner !== viewer.userId && viewer.userId !== null && viewer.role !== 'admin') {
    throw forbidden('Only an admin can make somebody else the owner of a mailbox.');
  }
  const named = owner === null ? members : [owner, ...members];
  if (named.length === 0) return;
  const known = await usersAmong(sql, viewer.tenantId, named);
  const unknown = members.flatMap((id, n) => (known.has(id) ? [] : [unknownUser(`memberUserIds[${String(n)}]`)]));
  if (owner !== null && !known.has(owner)) unknown.unshift(unknownUser('ownerUserId'));
  if (unknown.length > 0) throw invalidRequest(unknown);
}

function unknownUser(field: string): FieldProblem {
  return { in: 'body', field, reason: 'names a user that does not exist.', remedy: 'GET /v1/users lists them.' };
}

import type { ActivitiesOnDelete } from '../activities/note-write';
import type { Database, Sql } from '../database';
import type { Catalogue } from '../deletion/catalogue';
import { deleteContent } from '../deletion/delete-content';
import type { DeletionRef } from '../deletion/deletions';
import { sharedMessages, type SharedMessage, type SurvivorContents } from '../deletion/shared-messages';
import { writeOutbox } from '../ingest/outbox-write';
import { nextSeqOf, type FencedSource } from '../ingest/source-lock';
import { newUuid } from '../new-id';
import { keepLinks } from './removed-links';
import { standingPlacements } from './standing';

/** What a removal of copies is to the functions that delete content. */
export interface RemovalPlan {
  /** Nobody's deletion; other copies of the source stay. */
  ref: DeletionRef;
  copyIds: string[];
  /** Messages that are told from another copy when these go: what must be read before. */
  toRead: SharedMessage[];
}

/** Reads what a removal of these copies touches. */
export async function planRemoval(
  db: Database,
  { tenantId, sourceId }: FencedSource,
  copyIds: string[],
): Promise<RemovalPlan> {
  const ref: DeletionRef = { tenantId, sourceId, deletionId: newUuid(), takes: copyIds };
  const shared = await db.inTenant(tenantId, (sql) => sharedMessages(sql, ref, copyIds));
  return { ref, copyIds, toRead: shared.filter(({ content }) => content === 'other') };
}

/**
 * Removes copies, with the messages that no other copy carries and all that hangs on them, in one transaction with an event for each.
 * What has come back meanwhile stays. The ledger keeps their rows (`filtered: removed`), so that a UID that is shown again is fetched
 * again. Links by hand are kept for a message that comes back. Second run: finds nothing left.
 * @throws StaleFence where the mailbox has a newer wish
 */
export async function carryOutRemovals(
  db: Database,
  source: FencedSource,
  removal: { plan: RemovalPlan; contents: SurvivorContents; catalogue: Catalogue; activities?: ActivitiesOnDelete },
): Promise<{ retold: number }> {
  const { plan, ...how } = removal;
  const { ref, ...planned } = plan;
  const chunk = { ...planned, placements: { genIds: [], uids: [] }, next: null };
  const prepare = (sql: Sql, ready: string[]) => letGo(sql, source, ready);
  return deleteContent(db, ref, { chunk, ...how, prepare });
}

/**
 * The copies that may really go: their placements no longer stand for them. What stays of their messages was read for the plan: a message
 * of which a copy of the plan has come back keeps all its copies for the next one, which tells it from that copy.
 */
async function letGo(sql: Sql, source: FencedSource, candidates: string[]): Promise<string[]> {
  const { tenantId } = source;
  const nextSeq = await nextSeqOf(sql, source);
  const found = await sql.query<{ copy_id: string; message_id: string; goes: boolean }>(
    `SELECT c.id AS copy_id, c.message_id, r.copy_id IS NOT NULL AND NOT EXISTS (SELECT FROM ${standingPlacements('c.id')}) AS goes
     FROM copy c LEFT JOIN removal r ON r.tenant_id = c.tenant_id AND r.copy_id = c.id AND r.source_id = $2 AND r.state IN ('waiting', 'confirmed')
     WHERE c.tenant_id = $1 AND c.id = ANY ($3::uuid[]) ORDER BY c.id`,
    [tenantId, source.sourceId, candidates],
  );
  const cameBack = new Set(found.flatMap(({ goes, message_id: messageId }) => (goes ? [] : [messageId])));
  const rows = found.filter(({ message_id: messageId }) => !cameBack.has(messageId));
  const copyIds = rows.map(({ copy_id }) => copy_id);
  if (copyIds.length === 0) return [];
  await keepLinks(sql, source, copyIds);
  // What still lies in Trash or Junk has the row of a folder that is not fetched.
  await sql.execute(
    `UPDATE placement SET copy_id = NULL, raw_sha = NULL, seen_due = false, outcome = 3,
       reason = CASE WHEN presence = 1 THEN 'folder-role' ELSE 'removed' END, presence = CASE WHEN presence = 1 THEN 1 ELSE 2 END
     WHERE tenant_id = $1 AND copy_id = ANY ($2::uuid[])`,
    [tenantId, copyIds],
  );
  const events = rows.map(
    ({ copy_id: copyId, message_id: messageId }) => ({ type: 'message.removed', ids: { messageId, copyId } }) as const,
  );
  await writeOutbox(sql, source, { nextSeq, events });
  return copyIds;
}

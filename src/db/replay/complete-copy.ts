import { outcomes } from '../../domain/ledger';
import { refreshActivities } from '../activities/refresh';
import type { Database, Sql } from '../database';
import type { RecordedItem } from '../ingest/batch';
import { joinMessages } from '../header-only/join-messages';
import { participantsOf, previewOf } from '../ingest/message-write';
import { writeOutbox } from '../ingest/outbox-write';
import { tellFiles } from '../message-files';
import { nextSeqOf, type FencedSource } from '../ingest/source-lock';
import { referenceHashes } from '../ingest/thread-write';
import { setApart } from '../reprocess/set-apart';
import { messagesOfKeys } from '../reprocess/stored-copies';
import { findAgain } from '../search-pending';
import { refreshTimelines } from '../timeline-write';
import { noteItems } from './replay-items';

/** A copy of which only the header was fetched, and what its whole bytes say. */
export interface Completion {
  copyId: string;
  genId: number;
  item: RecordedItem;
  parserVersion: number;
  operationId: string;
}

/**
 * Gives a copy that was kept by its header alone its bytes, structure and text, where it stands: message, thread, links and dates stay. Where it is
 * what another message has whole it becomes a copy of that one; where it was taken for such a message, and says something else, it stands
 * apart from it. Second run, or where the copy has its bytes already: no change but the note.
 * @throws StaleFence where the source has a newer wish
 */
export async function completeCopy(db: Database, source: FencedSource, completion: Completion): Promise<void> {
  const { tenantId } = source;
  const { copyId, genId, item, operationId } = completion;
  await db.writeInTenant(tenantId, async (sql) => {
    await nextSeqOf(sql, source);
    const told = await fillCopy(sql, source, completion);
    const outcome = told === null ? 'healed' : 'recorded';
    const reason = told === null ? 'recorded' : null;
    await noteItems(sql, tenantId, { operationId, items: [{ genId, uid: item.uid, outcome, reason }] });
    if (told === null) return;
    await sql.execute(
      `UPDATE placement SET outcome = $2, reason = NULL, raw_sha = $3, size = $4 WHERE copy_id = $1 AND outcome = $5`,
      [copyId, outcomes.recorded, item.rawSha, item.size, outcomes['headers-only']],
    );
    const messageId = await placeWhole(sql, source, { completion, told });
    await tellFiles(sql, tenantId, [messageId]);
    // Who tells a source's mail anew goes by the hash of its copies, and may not meet this one any more.
    await refreshTimelines(sql, tenantId, [messageId]);
    await refreshActivities(sql, tenantId, [messageId]);
    const events = [{ type: 'message.completed' as const, ids: { messageId, copyId, genId, uid: item.uid } }];
    // Joining has told of copies of this source too.
    await writeOutbox(sql, source, { nextSeq: await nextSeqOf(sql, source), events });
  });
}

/** The message that a copy was taken for when only its header was known. */
interface TakenFor {
  messageId: string;
  /** Hex. */
  messageKey: string;
  isHeaderOnly: boolean;
}

/** The message that the copy is of, now that it is known whole. */
async function placeWhole(
  sql: Sql,
  { tenantId, runId = null }: FencedSource,
  { completion, told }: { completion: Completion; told: TakenFor },
): Promise<string> {
  const { copyId, item } = completion;
  const { message } = item;
  const { messageId, messageKey, isHeaderOnly } = told;
  if (isHeaderOnly) {
    const same = (await messagesOfKeys(sql, tenantId, [message.messageKey])).get(message.messageKey) ?? messageId;
    if (same === messageId || (await isBeingDeleted(sql, tenantId, [messageId, same]))) {
      await tellWhole(sql, tenantId, { messageId, item });
      return messageId;
    }
    await joinMessages(sql, tenantId, { from: messageId, to: same, runId });
    return same;
  }
  if (messageKey === message.messageKey) return messageId;
  const copy = {
    ...{ messageKey: message.messageKey, refs: referenceHashes(message), message, direction: item.direction },
    stored: { copyId, messageId, internalDates: [item.internalDate] },
  };
  return (await setApart(sql, tenantId, [copy])).get(copyId) ?? messageId;
}

async function fillCopy(
  sql: Sql,
  { tenantId, sourceId }: FencedSource,
  { copyId, item, parserVersion }: Completion,
): Promise<TakenFor | null> {
  const [copy] = await sql.query<{ message_id: string }>(
    `UPDATE copy SET blob_id = $4, raw_sha = $5, raw_size = $6, raw_state = $7, parser_version = $8
     WHERE tenant_id = $1 AND source_id = $2 AND id = $3 AND raw_state = 'none'
       AND NOT EXISTS (SELECT FROM source WHERE tenant_id = $1 AND id = $2 AND deletion_id IS NOT NULL) RETURNING message_id`,
    [tenantId, sourceId, copyId, item.blobId, item.rawSha, item.size, item.rawState, parserVersion],
  );
  if (copy === undefined) return null;
  await sql.execute('UPDATE copy_structure SET parts = $3 WHERE tenant_id = $1 AND copy_id = $2', [
    tenantId,
    copyId,
    JSON.stringify(item.message.parts),
  ]);
  const [told] = await sql.query<TakenFor>(
    `SELECT id AS "messageId", encode(message_key, 'hex') AS "messageKey", 'headers-only' = ANY (marks) AS "isHeaderOnly"
     FROM message WHERE tenant_id = $1 AND id = $2`,
    [tenantId, copy.message_id],
  );
  return told ?? null;
}

/** Whether a mailbox that holds one of these messages is being deleted: its deletion has counted what it holds. */
async function isBeingDeleted(sql: Sql, tenantId: string, messageIds: string[]): Promise<boolean> {
  const rows = await sql.query(
    `SELECT FROM copy c JOIN source s ON s.tenant_id = $1 AND s.id = c.source_id
     WHERE c.tenant_id = $1 AND c.message_id = ANY ($2::uuid[]) AND (s.deletion_id IS NOT NULL OR s.deleted_at IS NOT NULL) LIMIT 1`,
    [tenantId, messageIds],
  );
  return rows.length > 0;
}

/**
 * The message becomes the one with these bytes for whoever gets them later (its key), unless the tenant has that one too, in a mailbox that is
 * being deleted: then the two stand side by side until that is gone.
 */
async function tellWhole(
  sql: Sql,
  tenantId: string,
  { messageId, item }: { messageId: string; item: RecordedItem },
): Promise<void> {
  const { message } = item;
  await Promise.all([
    sql.execute(
      `UPDATE message SET marks = $3, participants = $4, message_key =
         CASE WHEN EXISTS (SELECT FROM message other WHERE other.tenant_id = $1 AND other.message_key = $5) THEN message_key ELSE $5 END
       WHERE tenant_id = $1 AND id = $2`,
      [
        tenantId,
        messageId,
        message.marks,
        JSON.stringify(participantsOf(message)),
        Buffer.from(message.messageKey, 'hex'),
      ],
    ),
    sql.execute('UPDATE message_subject SET subject = $3 WHERE tenant_id = $1 AND message_id = $2', [
      tenantId,
      messageId,
      message.subject,
    ]),
    sql.execute(
      'UPDATE message_body SET preview = $3, text = $4, text_truncated = $5 WHERE tenant_id = $1 AND message_id = $2',
      [tenantId, messageId, previewOf(message.text), message.text, message.textTruncated],
    ),
    findAgain(sql, tenantId, [messageId]),
    sql.execute('DELETE FROM message_search WHERE tenant_id = $1 AND message_id = $2', [tenantId, messageId]),
  ]);
}

import { assignThreads } from '../../domain/threads';
import { copyActivities } from '../activities/make';
import { refreshActivities } from '../activities/refresh';
import type { Sql } from '../database';
import type { RecordedItem } from '../ingest/batch';
import { hasAttachments, writeMessages, type BatchMessage } from '../ingest/message-write';
import { writeThreads, type BatchThreads } from '../ingest/thread-write';
import { newUuid } from '../new-id';
import { tellFiles } from '../message-files';
import { linkAgain } from '../rematch';
import { findAgain } from '../search-pending';
import { isAutomatic } from '../thread-links/reason-sql';
import { wholeThread } from '../thread-parts';
import { refreshTimelines } from '../timeline-write';
import type { ReadCopy } from './differences';
import { messagesOfKeys, threadsOfRefs } from './stored-copies';

/** A copy that is to stand apart, as far as its message is made from it. */
type ApartCopy = Pick<ReadCopy, 'messageKey' | 'refs' | 'message' | 'direction'> & {
  stored: Pick<ReadCopy['stored'], 'copyId' | 'messageId' | 'internalDates'>;
};

/**
 * Gives copies that lay hidden under a message that is not theirs the message that they are: one that the tenant has by now, else a new one.
 * Its references alone say in which thread it stands, as if it came in now. What people linked, or took away, they did to what they saw: both messages keep it. Links by address and timelines are
 * made for both. Returns the copies with their messages.
 * To be called under the tenant's lock, when the copies themselves, and the messages that they lay under, are written.
 */
export async function setApart(sql: Sql, tenantId: string, copies: ApartCopy[]): Promise<Map<string, string>> {
  if (copies.length === 0) return new Map();
  const messageOf = await messagesOfKeys(
    sql,
    tenantId,
    copies.map(({ messageKey }) => messageKey),
  );
  const threads = await threadsOf(sql, tenantId, { copies, messageOf });
  const fresh = copies.filter(({ messageKey }) => {
    const isFirst = !messageOf.has(messageKey);
    if (isFirst) messageOf.set(messageKey, newUuid());
    return isFirst;
  });
  const to = ({ messageKey }: ApartCopy) => messageOf.get(messageKey) ?? '';
  await writeThreads(sql, tenantId, threads);
  await insertMessages(sql, tenantId, { fresh, to, threads });
  const moved = new Map(copies.map((copy) => [copy.stored.copyId, to(copy)]));
  await moveCopies(sql, tenantId, moved);
  const pairs = fresh.map((copy) => ({ from: copy.stored.messageId, to: to(copy) }));
  await copyLinks(sql, tenantId, pairs);
  const messageIds = [...new Set([...copies.map(({ stored }) => stored.messageId), ...moved.values()])];
  await tellFiles(sql, tenantId, messageIds);
  await linkAgain(sql, tenantId, messageIds);
  await refreshTimelines(sql, tenantId, messageIds);
  await copyActivities(sql, tenantId, pairs);
  await refreshActivities(sql, tenantId, messageIds);
  await findAgain(sql, tenantId, messageIds);
  return moved;
}

/** As ingest decides: a message that is there stays in its thread, and what its copies refer to is joined with it. */
async function threadsOf(
  sql: Sql,
  tenantId: string,
  { copies, messageOf }: { copies: ApartCopy[]; messageOf: Map<string, string> },
): Promise<BatchThreads> {
  const known = await threadsOfRefs(
    sql,
    tenantId,
    copies.flatMap(({ refs }) => refs),
  );
  const rows = await sql.query<{ id: string; thread_id: string }>(
    `SELECT id, ${wholeThread('message.thread_id')} AS thread_id FROM message WHERE tenant_id = $1 AND id = ANY ($2::uuid[])`,
    [tenantId, [...messageOf.values()]],
  );
  const threadOf = new Map(rows.map((row) => [row.id, row.thread_id]));
  const candidates = copies.map(({ messageKey, refs }) => {
    return { key: messageKey, refs, threadId: threadOf.get(messageOf.get(messageKey) ?? '') ?? null };
  });
  return assignThreads(candidates, known, newUuid);
}

async function insertMessages(
  sql: Sql,
  tenantId: string,
  { fresh, to, threads }: { fresh: ApartCopy[]; to: (copy: ApartCopy) => string; threads: BatchThreads },
): Promise<void> {
  const messages = fresh.map((copy): BatchMessage => {
    return {
      item: itemOf(copy),
      messageId: to(copy),
      isFirst: true,
      isNew: true,
      bringsFiles: hasAttachments(copy.message),
    };
  });
  await writeMessages(sql, tenantId, { messages, threads, found: 'soon' });
}

/** What a message is written from; the rest is of the copy, which is there. */
function itemOf({ stored, message, direction }: ApartCopy): RecordedItem {
  return {
    kind: 'recorded',
    message,
    direction,
    internalDate: stored.internalDates[0] ?? null,
    uid: 0,
    size: 0,
    flags: 0,
    modseq: null,
    rawSha: Buffer.alloc(0),
    blobId: null,
    rawState: 'full',
    providerId: null,
    providerThreadId: null,
  };
}

async function moveCopies(sql: Sql, tenantId: string, moved: Map<string, string>): Promise<void> {
  const values = [tenantId, [...moved.keys()], [...moved.values()]];
  const pairs = 'unnest($2::uuid[], $3::uuid[]) AS moved(copy_id, message_id)';
  await sql.execute(
    `UPDATE copy c SET message_id = moved.message_id FROM ${pairs} WHERE c.tenant_id = $1 AND c.id = moved.copy_id`,
    values,
  );
  await sql.execute(
    `UPDATE reprocess_difference d SET message_id = moved.message_id FROM ${pairs} WHERE d.tenant_id = $1 AND d.copy_id = moved.copy_id`,
    values,
  );
}

/** Links that are not by rules alone, and those taken away. */
export async function copyLinks(sql: Sql, tenantId: string, pairs: { from: string; to: string }[]): Promise<void> {
  if (pairs.length === 0) return;
  const rows = `json_to_recordset($2::json) AS pair(source uuid, target uuid)
    JOIN link l ON l.tenant_id = $1 AND l.message_id = pair.source
      AND (l.state = 'suppressed' OR EXISTS (SELECT FROM link_reason r WHERE r.tenant_id = $1 AND r.link_id = l.id AND NOT ${isAutomatic('r')}))`;
  const values = [tenantId, JSON.stringify(pairs.map(({ from, to }) => ({ source: from, target: to })))];
  await sql.execute(
    `INSERT INTO link (tenant_id, id, message_id, record_id, state)
     SELECT $1, gen_random_uuid(), pair.target, l.record_id, l.state FROM ${rows} ON CONFLICT DO NOTHING`,
    values,
  );
  await sql.execute(
    `INSERT INTO link_reason (tenant_id, link_id, kind, key, actor, record_version)
     SELECT $1, new.id, r.kind, r.key, r.actor, r.record_version FROM ${rows}
     JOIN link new ON new.tenant_id = $1 AND new.message_id = pair.target AND new.record_id = l.record_id
     JOIN link_reason r ON r.tenant_id = $1 AND r.link_id = l.id AND NOT ${isAutomatic('r')} ON CONFLICT DO NOTHING`,
    values,
  );
}

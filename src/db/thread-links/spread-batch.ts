import { refreshActivities } from '../activities/refresh';
import type { Sql } from '../database';
import { messageIdHash, type BatchMessage } from '../ingest/message-write';
import { answeredHashes } from '../ingest/thread-write';
import { refreshTimelines } from '../timeline-write';
import { answersTo, spreadReasons, takeFromOriginals, type Reference } from './spread';

/** What a tenant has that can pass from message to message. */
export interface LinkUse {
  records: boolean;
  threadLinks: boolean;
}

/** Whether the tenant has records, and threads that a person has linked: without them nobody looks any further. */
export async function linkUseOf(sql: Sql, tenantId: string): Promise<LinkUse> {
  const [use] = await sql.query<LinkUse>(
    `SELECT EXISTS (SELECT FROM record WHERE tenant_id = $1 AND deleted_at IS NULL) AS records,
       EXISTS (SELECT FROM thread_link WHERE tenant_id = $1) AS "threadLinks"`,
    [tenantId],
  );
  return use ?? { records: false, threadLinks: false };
}

/**
 * Gives the new messages of a batch, after they and their links were written, what the messages have been linked for that they answer; and
 * where a message comes after its answers, gives it on to those. Mail that answers nothing that is known costs nothing.
 */
export async function spreadIntoBatch(
  sql: Sql,
  tenantId: string,
  batch: { messages: BatchMessage[]; known: ReadonlyMap<string, string>; use: LinkUse },
): Promise<void> {
  if (!batch.use.records) return;
  const fresh = batch.messages.filter(({ isFirst }) => isFirst);
  const own = new Map(fresh.map(({ messageId, item }) => [messageId, ownHash(item.message.messageIdHeader)]));
  const here = new Set(own.values());
  const references = fresh.flatMap(({ messageId, item }) =>
    answeredHashes(item.message)
      .filter((hash) => batch.known.has(hash) || here.has(hash))
      .map((hash): Reference => ({ messageId, hash: Buffer.from(hash, 'hex') })),
  );
  const taken = await takeFromOriginals(sql, tenantId, references);
  // Answers in the batch have taken what their originals had before: those have more to give that have just got something, or that a person's work on a
  // thread goes back to.
  const passesOn = batch.use.threadLinks ? new Set(own.keys()) : new Set(taken);
  const referred = new Set(references.map(({ hash }) => hash.toString('hex')));
  const answered = fresh.flatMap(({ messageId }) => {
    const hash = own.get(messageId) ?? null;
    const isAnswered = hash !== null && (batch.known.has(hash) || (referred.has(hash) && passesOn.has(messageId)));
    return isAnswered ? [messageId] : [];
  });
  const around = batch.use.threadLinks ? [...taken, ...(await answersTo(sql, tenantId, answered))] : [];
  const changed = new Set(taken);
  for (const id of await spreadReasons(sql, tenantId, [...new Set([...answered, ...around])])) changed.add(id);
  await refreshTimelines(sql, tenantId, [...changed]);
  await refreshActivities(sql, tenantId, [...changed]);
}

function ownHash(messageIdHeader: string | null): string | null {
  return messageIdHeader === null ? null : messageIdHash(messageIdHeader).toString('hex');
}

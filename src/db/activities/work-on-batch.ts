import type { Policy } from '../../domain/policy';
import type { Sql } from '../database';
import { messageIdHash, type BatchMessage, type StoredMessage } from '../ingest/message-write';
import { answeredHashes } from '../ingest/thread-write';
import { makeActivities } from './make';
import { automaticMarks, markReplied, type RepliesOfBatch } from './replied';

/** The messages of a batch, and what the database knew of them before. */
interface WrittenMessages {
  messages: BatchMessage[];
  known: {
    /** By message key in hex. */
    messages: ReadonlyMap<string, StoredMessage>;
    /** Threads by the hash of a reference. */
    threads: ReadonlyMap<string, string>;
  };
}

/**
 * What is to be done with mail, after a batch and its links are written: activities where the source asks for them or the message has one,
 * and the status of what a reply answers. Costs nothing where there is neither.
 */
export async function workOnBatch(
  sql: Sql,
  source: { tenantId: string; policy: Policy },
  { messages, known }: WrittenMessages,
): Promise<void> {
  const withActivity = messages.filter(
    ({ item }) => source.policy.activity !== null || known.messages.get(item.message.messageKey)?.hasActivity === true,
  );
  await markReplied(sql, source.tenantId, repliesOf(messages, known.threads));
  await makeActivities(sql, source, [...new Set(withActivity.map(({ messageId }) => messageId))]);
}

function repliesOf(messages: BatchMessage[], threads: ReadonlyMap<string, string>): RepliesOfBatch {
  const fresh = messages.filter(({ isFirst }) => isFirst);
  const here = new Set(fresh.map(ownHash));
  const ours = fresh.filter(
    ({ item }) => item.direction !== 'incoming' && !item.message.marks.some((mark) => automaticMarks.includes(mark)),
  );
  const answered = ours
    .flatMap(({ item }) => answeredHashes(item.message))
    .filter((hash) => threads.has(hash) || here.has(hash));
  const late = fresh.filter((message) => message.item.direction !== 'outgoing' && threads.has(ownHash(message)));
  return {
    answered: [...new Set(answered)].map((hash) => Buffer.from(hash, 'hex')),
    lateIds: late.map(({ messageId }) => messageId),
  };
}

/** Hex; empty where the message has no id. */
function ownHash({ item }: BatchMessage): string {
  const { messageIdHeader } = item.message;
  return messageIdHeader === null ? '' : messageIdHash(messageIdHeader).toString('hex');
}

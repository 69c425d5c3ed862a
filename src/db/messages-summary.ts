import type { Direction } from '../domain/direction';
import type { Sql } from './database';
import type { MessageStatus } from './message-status';
import { activeLinksOf, type ActiveLink } from './messages-links';
import { withRecords, type Participants, type StoredParticipants } from './messages-participants';
import { partsOfThread, wholeThread } from './thread-parts';
import { directionOfMessage, unreadFor } from './timeline-conditions';
import { principalsOf, readingPrincipals, windowsOf, type Level, type Reader } from './timeline-read';

/** A message as lists show it. What the reader's level does not allow is null. */
export interface MessageSummary {
  id: string;
  threadId: string;
  /** Messages of the thread that the reader sees in the same place (all mail, or a record). */
  threadMessages: number;
  sortAt: Date;
  sentAt: Date | null;
  level: Level;
  direction: Direction | null;
  participants: Participants;
  marks: string[];
  status: MessageStatus;
  subject: string | null;
  preview: string | null;
  hasAttachments: boolean | null;
  /** Of the copies that the reader holds, as the server has them; null where there is none. */
  unread: boolean | null;
  links: ActiveLink[];
}

type SummaryRow = Omit<MessageSummary, 'participants' | 'links' | 'threadMessages'> & {
  participants: StoredParticipants;
};

// A mailing to thousands is listed with the first of them; the message itself has all.
const participantsInLists = 25;

/** The messages of a page in its order. Content comes only up to each one's level, which `timeline` has said. */
export async function summariesOf(
  sql: Sql,
  reader: Reader,
  page: { slots: { messageId: string; level: Level }[]; recordId: string },
): Promise<MessageSummary[]> {
  if (page.slots.length === 0) return [];
  const messageIds = page.slots.map((slot) => slot.messageId);
  const levels = page.slots.map((slot) => slot.level);
  // All that is asked of the ids alone goes out at once: the database works at the next while this process reads the one before.
  const summaries = sql.query<SummaryRow>(summaryStatement, [reader.tenantId, messageIds, levels, reader.userId]);
  const [rows, links, counts, participants] = await Promise.all([
    summaries,
    activeLinks(sql, reader, messageIds),
    threadCounts(sql, reader, { messageIds, recordId: page.recordId }),
    summaries.then((found) =>
      withRecords(sql, reader, {
        participants: found.map((row) => row.participants),
        perRole: participantsInLists,
      }),
    ),
  ]);
  return rows.map((row, n) => {
    const joined = participants[n];
    if (joined === undefined) throw new Error('a message of the page has no participants');
    const threadMessages = counts.get(row.threadId) ?? 1;
    return { ...row, participants: joined, links: links.get(row.id) ?? [], threadMessages };
  });
}

const summaryStatement = `
SELECT m.id, ${wholeThread('m.thread_id')} AS "threadId", m.sort_at AS "sortAt", m.sent_at AS "sentAt", w.level, m.participants, m.marks, m.status,
  ${directionOfMessage('m.id')} AS direction, s.subject, b.preview,
  CASE WHEN w.level >= 3 THEN m.has_attachments END AS "hasAttachments",
  ${unreadFor('m.id', '$4')} AS unread
FROM unnest($2::uuid[], $3::smallint[]) WITH ORDINALITY AS w(id, level, n)
CROSS JOIN LATERAL (SELECT * FROM message WHERE tenant_id = $1 AND id = w.id OFFSET 0) m
LEFT JOIN LATERAL (SELECT subject FROM message_subject WHERE tenant_id = $1 AND message_id = m.id OFFSET 0) s ON w.level >= 2
LEFT JOIN LATERAL (SELECT preview FROM message_body WHERE tenant_id = $1 AND message_id = m.id OFFSET 0) b ON w.level >= 3
ORDER BY w.n`;

/** The links of messages, by message. */
async function activeLinks(sql: Sql, reader: Reader, messageIds: string[]): Promise<Map<string, ActiveLink[]>> {
  const links = new Map<string, ActiveLink[]>();
  for (const link of await activeLinksOf(sql, reader, messageIds)) {
    const others = links.get(link.messageId);
    if (others === undefined) links.set(link.messageId, [link]);
    else others.push(link);
  }
  return links;
}

/** Of the messages of a thread at most so many are counted. */
const countedOfThread = 500;

async function threadCounts(
  sql: Sql,
  reader: Reader,
  of: { messageIds: string[]; recordId: string },
): Promise<Map<string, number>> {
  const rows = await sql.query<{ thread_id: string; messages: number }>(
    threadCountStatement(windowsOf(reader).narrowed),
    [reader.tenantId, of.messageIds, of.recordId, principalsOf(reader)],
  );
  return new Map(rows.map((row) => [row.thread_id, row.messages]));
}

// The rows of each message by its id, and then those of the place: the other way round a big record would be read whole.
// Of a long thread only the newest messages are looked at. Of a reader who has just lost mail only so many rows are asked: until the job has ended a long thread may count less than it has.
const threadCountStatement = (narrowed: number) => `WITH ${readingPrincipals('$4')}, rows AS MATERIALIZED (
    SELECT w.thread_id, m.id, r.principal, r.narrowed FROM (
      SELECT DISTINCT ${wholeThread('of.thread_id')} AS thread_id FROM unnest($2::uuid[]) AS listed(id)
      CROSS JOIN LATERAL (SELECT thread_id FROM message WHERE tenant_id = $1 AND id = listed.id OFFSET 0) of) w
    CROSS JOIN LATERAL unnest(${partsOfThread('w.thread_id')}) AS part(id)
    CROSS JOIN LATERAL (
      SELECT id FROM message WHERE tenant_id = $1 AND thread_id = part.id ORDER BY sort_at DESC LIMIT ${String(countedOfThread)}) m
    CROSS JOIN LATERAL (
      SELECT record_id, principal FROM timeline WHERE tenant_id = $1 AND message_id = m.id AND principal = ANY ($4::integer[]) OFFSET 0) t
    JOIN reader r ON r.principal = t.principal
    WHERE t.record_id = $3)
  SELECT thread_id, least(count(DISTINCT id), ${String(countedOfThread)}) AS messages FROM (
    SELECT thread_id, id FROM rows WHERE NOT narrowed
    UNION ALL SELECT thread_id, id FROM (SELECT * FROM rows WHERE narrowed LIMIT ${String(narrowed)}) asked
      WHERE level_still_read($3, principal, id) IS NOT NULL
  ) seen GROUP BY thread_id`;

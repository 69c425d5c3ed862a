import type { Direction } from '../domain/direction';
import type { Sql } from './database';
import type { MessageStatus } from './message-status';
import { heldCopies, type MessageCopy } from './messages-copies';
import { linksOf, type MessageLink } from './messages-links';
import { withRecords, type Participants, type StoredParticipants } from './messages-participants';
import { wholeThread } from './thread-parts';
import { directionOfMessage } from './timeline-conditions';
import { levelOf, type Level, type Reader } from './timeline-read';

/** All that a reader may see of one message. What their level does not allow is null. */
export interface MessageDetail {
  id: string;
  threadId: string;
  messageIdHeader: string | null;
  sortAt: Date;
  sentAt: Date | null;
  level: Level;
  direction: Direction | null;
  participants: Participants;
  marks: string[];
  status: MessageStatus;
  subject: string | null;
  text: string | null;
  textTruncated: boolean | null;
  hasAttachments: boolean | null;
  createdAt: Date;
  /** Only those that the reader holds. */
  copies: MessageCopy[];
  links: MessageLink[];
}

type DetailRow = Omit<MessageDetail, 'participants' | 'copies' | 'links' | 'level'> & {
  participants: StoredParticipants;
};

/** One message, or null where there is none that the reader may know of. */
export async function readMessage(sql: Sql, reader: Reader, messageId: string): Promise<MessageDetail | null> {
  const level = await levelOf(sql, reader, messageId);
  if (level === null) return null;
  const [row] = await sql.query<DetailRow>(detailStatement, [reader.tenantId, messageId, level]);
  if (row === undefined) return null;
  const [participants] = await withRecords(sql, reader, {
    participants: [row.participants],
    perRole: Infinity,
  });
  if (participants === undefined) return null;
  const copies = await heldCopies(sql, reader, [messageId]);
  return { ...row, level, participants, copies, links: await linksOf(sql, reader, [messageId]) };
}

const detailStatement = `
SELECT m.id, ${wholeThread('m.thread_id')} AS "threadId", m.message_id_header AS "messageIdHeader", m.sort_at AS "sortAt", m.sent_at AS "sentAt",
  ${directionOfMessage('m.id')} AS direction, m.participants, m.marks, m.status, s.subject, b.text, b.text_truncated AS "textTruncated",
  CASE WHEN $3::integer >= 3 THEN m.has_attachments END AS "hasAttachments", m.created_at AS "createdAt"
FROM message m
LEFT JOIN message_subject s ON s.tenant_id = $1 AND s.message_id = m.id AND $3::integer >= 2
LEFT JOIN message_body b ON b.tenant_id = $1 AND b.message_id = m.id AND $3::integer >= 3
WHERE m.tenant_id = $1 AND m.id = $2`;

import type { Direction } from '../domain/direction';
import { marksOfMachines, type MessageType } from '../domain/message-type';

/** What a list of messages leaves out, beside by place and time. `null`: nothing by this. */
export interface MessageConditions {
  direction: Direction | null;
  /** Only messages with a copy in this source. Whether the reader may ask for it is the caller's question. */
  sourceId: string | null;
  addressKey: string | null;
  type: MessageType | null;
  /** Who may not know of attachments sees neither those with nor those without. */
  attachments: 'with' | 'without' | null;
  /** By the copies that the reader holds. */
  seen: 'unread' | 'read' | null;
  status: 'open' | 'replied' | 'closed' | null;
}

/** Nothing is left out. */
export const noConditions: MessageConditions = {
  direction: null,
  sourceId: null,
  addressKey: null,
  type: null,
  attachments: null,
  seen: null,
  status: null,
};

/** Takes a value into a statement; returns how the statement names it. */
export type ValueOf = (given: unknown, type: string) => string;

/** A condition on a row with `message_id` and `level`, by the row's name; it begins with AND. */
export type Condition = (row: string) => string;

/**
 * The conditions as SQL, for a statement whose $1 is the tenant; none where nothing is left out. Bcc and delivery headers count only in copies
 * that the reader holds.
 */
export function conditionsOf(
  filter: MessageConditions,
  reader: { userId: string | null },
  value: ValueOf,
): Condition[] {
  return [
    ...(filter.direction === null ? [] : [hasDirection(value(filter.direction, 'text'))]),
    ...(filter.sourceId === null ? [] : [isInSource(value(filter.sourceId, 'uuid'))]),
    ...(filter.addressKey === null ? [] : [hasAddress(value(filter.addressKey, 'text'), value(reader.userId, 'uuid'))]),
    ...(filter.type === null ? [] : [isOfType(filter.type, value)]),
    ...(filter.attachments === null ? [] : [hasAttachments(value(filter.attachments === 'with', 'boolean'))]),
    ...(filter.seen === null
      ? []
      : [isUnread(value(filter.seen === 'unread', 'boolean'), value(reader.userId, 'uuid'))]),
    ...(filter.status === null ? [] : [hasStatus(value(filter.status, 'text'))]),
  ];
}

/** The direction of a message as its first copy has it: a later copy in another mailbox does not turn it round. */
export function directionOfMessage(messageId: string): string {
  return `(SELECT d.direction FROM copy d WHERE d.tenant_id = $1 AND d.message_id = ${messageId} ORDER BY d.recorded_at, d.id LIMIT 1)`;
}

// As elsewhere, OFFSET 0 makes each look-up go by its key, also without statistics.

/** Whether the copies that a user ($2-like `viewer`) holds are unread on their server; null where they hold none. */
export function unreadFor(messageId: string, viewer: string): string {
  return `(SELECT bool_and(p.flags & 1 = 0)
   FROM (SELECT id, source_id FROM copy WHERE tenant_id = $1 AND message_id = ${messageId} OFFSET 0) c
   CROSS JOIN LATERAL (SELECT flags, presence FROM placement WHERE copy_id = c.id OFFSET 0) p
   WHERE p.presence = 1 AND ${isHeld('c.source_id', viewer)})`;
}

/** As the function `holds_source`, which would be called for each row. */
function isHeld(sourceId: string, viewer: string): string {
  return `(${viewer}::uuid IS NULL
    OR EXISTS (SELECT FROM source own WHERE own.tenant_id = $1 AND own.id = ${sourceId} AND own.owner_user_id = ${viewer})
    OR EXISTS (SELECT FROM source_member o WHERE o.tenant_id = $1 AND o.source_id = ${sourceId} AND o.user_id = ${viewer}))`;
}

function hasDirection(direction: string): Condition {
  return (row) => `AND ${directionOfMessage(`${row}.message_id`)} = ${direction}`;
}

function isInSource(source: string): Condition {
  return (row) =>
    `AND EXISTS (
    SELECT FROM (SELECT source_id FROM copy WHERE tenant_id = $1 AND message_id = ${row}.message_id OFFSET 0) c WHERE c.source_id = ${source})`;
}

// By the message's copies and then by the whole key of each: the other way round all mail with the address would be read for every row.
function hasAddress(key: string, viewer: string): Condition {
  return (row) => `AND EXISTS (
    SELECT FROM (SELECT id, source_id FROM copy WHERE tenant_id = $1 AND message_id = ${row}.message_id OFFSET 0) c
    CROSS JOIN LATERAL (SELECT role FROM copy_address WHERE tenant_id = $1 AND copy_id = c.id AND address_key = ${key} OFFSET 0) ca
    WHERE ca.role NOT IN ('bcc', 'delivered-to') OR holds_source(c.source_id, ${viewer}))`;
}

function isOfType(type: MessageType, value: ValueOf): Condition {
  if (type === 'activity') {
    return (row) => `AND EXISTS (SELECT FROM activity y WHERE y.tenant_id = $1 AND y.message_id = ${row}.message_id)`;
  }
  const marks = value(type === 'mail' ? marksOfMachines : [type], 'text[]');
  return (row) => `AND ${type === 'mail' ? 'NOT' : ''} ${ofMessage(row, 'marks')} && ${marks}`;
}

function hasAttachments(wanted: string): Condition {
  return (row) => `AND ${row}.level >= 3 AND ${ofMessage(row, 'has_attachments')} = ${wanted}`;
}

function isUnread(wanted: string, viewer: string): Condition {
  return (row) => `AND ${unreadFor(`${row}.message_id`, viewer)} = ${wanted}`;
}

function hasStatus(status: string): Condition {
  return (row) => `AND ${ofMessage(row, 'status')} = ${status}`;
}

function ofMessage(row: string, column: string): string {
  return `(SELECT m.${column} FROM message m WHERE m.tenant_id = $1 AND m.id = ${row}.message_id)`;
}

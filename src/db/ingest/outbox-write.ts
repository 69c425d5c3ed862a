import type { NoticeKind } from '../../domain/notice';
import type { Sql } from '../database';
import { insertRows } from '../insert-rows';
import { newUuid } from '../new-id';
import type { FencedSource } from './source-lock';

/** What other systems are told; ids only. */
export type OutboxEvent =
  | { type: 'message.recorded'; ids: { messageId: string; copyId: string; genId: number; uid: number } }
  | { type: 'message.parked'; ids: { failureId: string; genId: number; uid: number } }
  | { type: 'placement.ended'; ids: { genId: number; uids: number[] } }
  | { type: 'placement.flags'; ids: { genId: number; uids: number[] } }
  | {
      type: 'mailbox.notice' | 'mailbox.notice-cleared';
      ids: { mailboxId: string; kind: NoticeKind; noticeIds: string[] };
    };

/** Adds events to the source's stream, numbered without a gap, and moves its counter. `nextSeq` comes from `lockSource`. */
export async function writeOutbox(
  sql: Sql,
  source: FencedSource,
  from: { nextSeq: number; events: OutboxEvent[] },
): Promise<void> {
  if (from.events.length === 0) return;
  await insertRows(
    sql,
    {
      table: 'outbox',
      columns: {
        tenant_id: 'uuid',
        stream: 'uuid',
        epoch: 'integer',
        seq: 'bigint',
        event_id: 'uuid',
        type: 'text',
        ids: 'jsonb',
      },
    },
    from.events.map((event, index) => ({
      tenant_id: source.tenantId,
      stream: source.sourceId,
      epoch: source.fence.epoch,
      seq: from.nextSeq + index,
      event_id: newUuid(),
      type: event.type,
      ids: event.ids,
    })),
  );
  await sql.execute('UPDATE source SET next_seq = next_seq + $3 WHERE tenant_id = $1 AND id = $2', [
    source.tenantId,
    source.sourceId,
    from.events.length,
  ]);
}

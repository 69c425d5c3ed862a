import type { NoticeEnd, NoticeKind } from '../../domain/notice';
import type { Sql } from '../database';
import { insertRows } from '../insert-rows';
import { newUuid } from '../new-id';
import type { FencedSource } from './source-lock';

/** What other systems are told; ids only. */
export type OutboxEvent =
  | { type: 'message.recorded'; ids: { messageId: string; copyId: string; genId: number; uid: number } }
  | { type: 'message.completed'; ids: { messageId: string; copyId: string; genId: number; uid: number } }
  | { type: 'message.removed' | 'message.updated'; ids: { messageId: string; copyId: string } }
  | { type: 'message.parked'; ids: { failureId: string; genId: number; uid: number } }
  | { type: 'placement.ended'; ids: { genId: number; uids: number[] } }
  | { type: 'placement.revived'; ids: { genId: number; uids: number[] } }
  | { type: 'placement.flags'; ids: { genId: number; uids: number[] } }
  | { type: 'mailbox.notice'; ids: NoticeIds }
  | { type: 'mailbox.notice-cleared'; ids: NoticeIds & { clearedBy: NoticeEnd } };

interface NoticeIds {
  mailboxId: string;
  kind: NoticeKind;
  noticeIds: string[];
}

const uidsPerEvent = 1_000;

/** What is told of placements: one event for each 1,000 UIDs of a generation. */
export function placementEvents(
  type: 'placement.ended' | 'placement.revived' | 'placement.flags',
  placements: { gen_id: number; uid: number }[],
): OutboxEvent[] {
  const uidsOf = new Map<number, number[]>();
  for (const { gen_id: genId, uid } of placements) {
    const uids = uidsOf.get(genId);
    if (uids === undefined) uidsOf.set(genId, [uid]);
    else uids.push(uid);
  }
  return [...uidsOf].flatMap(([genId, all]) => {
    const uids = all.sort((one, other) => one - other);
    const events: OutboxEvent[] = [];
    for (let at = 0; at < uids.length; at += uidsPerEvent) {
      events.push({ type, ids: { genId, uids: uids.slice(at, at + uidsPerEvent) } });
    }
    return events;
  });
}

/** Adds events to the source's stream, numbered without a gap, and moves its counter. `nextSeq` comes from `lockSource`. */
export async function writeOutbox(
  sql: Sql,
  source: FencedSource,
  from: { nextSeq: number; events: OutboxEvent[] },
): Promise<void> {
  if (from.events.length === 0) return;
  const written = insertRows(
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
        run_id: 'uuid',
        about_message: 'uuid',
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
      run_id: source.runId ?? null,
      about_message: 'messageId' in event.ids ? event.ids.messageId : null,
    })),
  );
  const counted = sql.execute('UPDATE source SET next_seq = next_seq + $3 WHERE tenant_id = $1 AND id = $2', [
    source.tenantId,
    source.sourceId,
    from.events.length,
  ]);
  await Promise.all([written, counted]);
}

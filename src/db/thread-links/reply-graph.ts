import { uuidArray } from '../binary-array';
import type { Sql } from '../database';
import { partsOfThread, wholeThread } from '../thread-parts';

/**
 * That one message may pass something on to another: to its answer, or from an answer to what that refers to (only what a person did to the whole
 * conversation).
 */
export interface Step {
  giver: string;
  taker: string;
  way: 'answer' | 'original';
}

/** Of messages with the same id in a thread, so many pass something on: everybody can send what bears another's. */
export const sameIdAtMost = 10;
/** Of the messages that refer to one, so many are asked what they pass back to it. */
const answersAsked = 50;

interface Thread {
  byOwn: Map<number, string[]>;
  byReference: Map<number, string[]>;
}

interface Message {
  thread: Thread;
  own: number | null;
  refs: number[];
}

interface MessageRow {
  id: string;
  threadId: string;
  own: number | null;
  /** With blanks between. */
  refs: string;
}

/** Which messages of some threads answer which: some hundred bytes for a message. */
export class ReplyGraph {
  private readonly messages = new Map<string, Message>();

  /** The rows in the order of their ids. */
  constructor(rows: MessageRow[]) {
    const threads = new Map<string, Thread>();
    for (const { id, threadId, own, refs } of rows) {
      const thread: Thread = threads.get(threadId) ?? { byOwn: new Map(), byReference: new Map() };
      threads.set(threadId, thread);
      const message = { thread, own, refs: refs === '' ? [] : refs.split(' ').map(Number) };
      this.messages.set(id, message);
      if (own !== null) add(thread.byOwn, own, id);
      for (const ref of message.refs) add(thread.byReference, ref, id);
    }
  }

  /** From whom a message may get something. */
  stepsTo(taker: string): Step[] {
    const message = this.messages.get(taker);
    if (message === undefined) return [];
    const { thread, own, refs } = message;
    const originals = new Set(refs.flatMap((ref) => thread.byOwn.get(ref)?.slice(0, sameIdAtMost) ?? []));
    const answers = own === null ? [] : (thread.byReference.get(own)?.slice(0, answersAsked) ?? []);
    originals.delete(taker);
    return [
      ...[...originals].map((giver): Step => ({ giver, taker, way: 'answer' })),
      ...answers.filter((giver) => giver !== taker).map((giver): Step => ({ giver, taker, way: 'original' })),
    ];
  }

  /** Whoever refers to a message. */
  answersTo(original: string): string[] {
    const message = this.messages.get(original);
    if (message?.own == null) return [];
    return (message.thread.byReference.get(message.own) ?? []).filter((id) => id !== original);
  }

  /** To whom a message may pass something on. */
  around(giver: string): string[] {
    const message = this.messages.get(giver);
    if (message === undefined) return [];
    const { thread, refs } = message;
    const originals = refs.flatMap((ref) => thread.byOwn.get(ref) ?? []);
    return [...this.answersTo(giver), ...originals.filter((id) => id !== giver)];
  }
}

function add(lists: Map<number, string[]>, key: number, id: string): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [id]);
  else list.push(id);
}

/** The graph of the threads that these messages are in. */
export async function replyGraph(sql: Sql, tenantId: string, messageIds: string[]): Promise<ReplyGraph> {
  if (messageIds.length === 0) return new ReplyGraph([]);
  return new ReplyGraph(await sql.query<MessageRow>(graphStatement, [tenantId, uuidArray(messageIds)]));
}

// As elsewhere, OFFSET 0 makes each look-up go by its key, also without statistics.
const graphStatement = `
SELECT m.id, t.thread_id AS "threadId", ref_number(m.message_id_hash) AS own, array_to_string(m.refs, ' ') AS refs
FROM (
  SELECT DISTINCT ${wholeThread('m.thread_id')} AS thread_id FROM unnest($2::uuid[]) AS w(id)
  CROSS JOIN LATERAL (SELECT thread_id FROM message WHERE tenant_id = $1 AND id = w.id OFFSET 0) m
) AS t
CROSS JOIN LATERAL unnest(${partsOfThread('t.thread_id')}) AS part(id)
CROSS JOIN LATERAL (SELECT id, message_id_hash, refs FROM message WHERE tenant_id = $1 AND thread_id = part.id OFFSET 0) m
ORDER BY m.id`;

import { uuidArray } from '../binary-array';
import type { Sql } from '../database';
import { leaveReplies } from './left-replies';
import { giversAmong, passOn } from './pass-on';
import { replyGraph, sameIdAtMost, type ReplyGraph, type Step } from './reply-graph';

/** A message and something that it refers to (SHA-256 of the message id). */
export interface Reference {
  messageId: string;
  hash: Buffer;
}

/** Of messages with the same id, so many are read. */
const sameIdRead = 1_000;

/** Passes on what the messages that these refer to have been linked for. Returns the messages that got a reason. Second run: none. */
export async function takeFromOriginals(sql: Sql, tenantId: string, references: Reference[]): Promise<string[]> {
  if (references.length === 0) return [];
  const pairs = await sql.query<Omit<Step, 'way'>>(originalsStatement, [
    tenantId,
    uuidArray(references.map(({ messageId }) => messageId)),
    references.map(({ hash }) => hash),
  ]);
  const passed = await passOn(
    sql,
    tenantId,
    pairs.map((pair) => ({ ...pair, way: 'answer' })),
  );
  return [...new Set(passed.map(({ messageId }) => messageId))];
}

const originalsStatement = `
SELECT DISTINCT g.id AS giver, w.taker FROM unnest($2::uuid[], $3::bytea[]) AS w(taker, ref) CROSS JOIN LATERAL (
  SELECT id FROM (SELECT id FROM message WHERE tenant_id = $1 AND message_id_hash = w.ref LIMIT ${String(sameIdRead)}) same
  ORDER BY id LIMIT ${String(sameIdAtMost)}) g
WHERE g.id <> w.taker`;

/**
 * Passes on what these messages are linked for: a link to whoever answers them, and what a person did to their thread to the whole
 * conversation, and on from there (pass-on.ts). Of a long conversation the rest is left to a job (left-replies.ts). Returns the messages that got a
 * reason. To be called under the tenant's lock. Second run: none.
 */
export async function spreadReasons(sql: Sql, tenantId: string, messageIds: string[]): Promise<string[]> {
  const givers = await giversAmong(sql, tenantId, messageIds);
  if (givers.length === 0) return [];
  const graph = await replyGraph(sql, tenantId, givers);
  return spreadTo(sql, tenantId, { graph, takers: givers.flatMap((giver) => graph.around(giver)) });
}

/** The same to these messages, from whatever they answer or are answered by, and on from them. */
export async function spreadTo(
  sql: Sql,
  tenantId: string,
  { graph, takers }: { graph: ReplyGraph; takers: string[] },
): Promise<string[]> {
  const open = new Set(takers);
  const taken = new Set<string>();
  const known = new Set<string>();
  let asked = 0;
  for (
    let pages = 0;
    open.size > 0 && pages < atOnce.pages && asked < atOnce.asked && taken.size < atOnce.taken;
    pages += 1
  ) {
    const page = [...open].slice(0, atOnce.askedPerPage);
    for (const messageId of page) open.delete(messageId);
    asked += page.length;
    const passed = await passOn(
      sql,
      tenantId,
      page.flatMap((messageId) => graph.stepsTo(messageId)),
    );
    for (const { messageId, recordId, what } of passed) {
      taken.add(messageId);
      known.add(`${messageId} ${recordId} ${what}`);
    }
    const next = passed.flatMap(({ messageId, ...got }) => graph.around(messageId).map((id) => ({ ...got, id })));
    for (const { id, recordId, what } of next) if (!known.has(`${id} ${recordId} ${what}`)) open.add(id);
  }
  await leaveReplies(sql, tenantId, { back: [], again: [...open] });
  return [...taken];
}

/** What one transaction does at most: mail that arrives meanwhile waits for it. A chain of replies is gone along a page for each. */
const atOnce = { askedPerPage: 100, pages: 100, asked: 3_000, taken: 200 };

/** Messages that refer to one of these. */
export async function answersTo(sql: Sql, tenantId: string, messageIds: string[]): Promise<string[]> {
  if (messageIds.length === 0) return [];
  const graph = await replyGraph(sql, tenantId, messageIds);
  return [...new Set(messageIds.flatMap((messageId) => graph.answersTo(messageId)))];
}

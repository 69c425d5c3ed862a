import { uuidArray } from '../binary-array';
import type { Sql } from '../database';
import { isItsOwn, isOfConversation, isSaidNow } from './reason-sql';
import type { Step } from './reply-graph';
import { writeReasons, type NewReason } from './write-reasons';

/** What a message got: `what` is `reply`, or the key of what a person did to its thread. */
interface Passed {
  messageId: string;
  recordId: string;
  what: string;
}

/**
 * Passes on along these steps what the givers are linked for. A reference passes nothing on where its author does not belong to what it refers to
 * (`answers` in the database): everybody can write one. What people do not say any more of a thread is not passed on. Who has it already, and whom a
 * person has taken away, gets nothing; nor does mail that an operation on links is about to come to; nor is kept away what a person has linked by hand. What is joined is joined here: a plan that does not know how much there is joins thousands with thousands.
 * To be called under the tenant's lock. Second run: nothing.
 */
export async function passOn(sql: Sql, tenantId: string, steps: Step[]): Promise<Passed[]> {
  const wanted = wantedOf(steps, await givenBy(sql, tenantId, [...new Set(steps.map(({ giver }) => giver))]));
  const lacking = await lackingAmong(sql, tenantId, [...wanted.values()]);
  const reasons = await allowedOf(sql, lacking);
  await writeReasons(
    sql,
    tenantId,
    reasons.map(({ messageId, recordId, key, version }): NewReason => {
      return { messageId, recordId, key, version, kind: 'thread', actor: 'rule' };
    }),
  );
  const unlinked = reasons.filter(({ key }) => key.startsWith('unlinked:'));
  if (unlinked.length > 0) await suppress(sql, tenantId, unlinked);
  return reasons;
}

interface Given {
  giver: string;
  recordId: string;
  version: number;
  key: string;
}

/** Those of the messages that have something to pass on. */
export async function giversAmong(sql: Sql, tenantId: string, messageIds: string[]): Promise<string[]> {
  return [...(await givenBy(sql, tenantId, messageIds)).keys()];
}

async function givenBy(sql: Sql, tenantId: string, messageIds: string[]): Promise<Map<string, Given[]>> {
  const given = new Map<string, Given[]>();
  if (messageIds.length === 0) return given;
  for (const row of await sql.query<Given>(givenStatement, [tenantId, uuidArray(messageIds)])) {
    given.set(row.giver, [...(given.get(row.giver) ?? []), row]);
  }
  return given;
}

// As elsewhere, OFFSET 0 makes each look-up go by its key, also without statistics.
const givenStatement = `
SELECT DISTINCT w.id AS giver, l.record_id AS "recordId", p.version, CASE WHEN ${isOfConversation('r')} THEN r.key ELSE 'reply:' || w.id END AS key
FROM unnest($2::uuid[]) AS w(id)
CROSS JOIN LATERAL (SELECT id, record_id, state FROM link WHERE tenant_id = $1 AND message_id = w.id OFFSET 0) l
CROSS JOIN LATERAL (SELECT kind, key FROM link_reason WHERE tenant_id = $1 AND link_id = l.id OFFSET 0) r
CROSS JOIN LATERAL (SELECT version FROM record WHERE tenant_id = $1 AND id = l.record_id AND deleted_at IS NULL OFFSET 0) p
WHERE CASE WHEN ${isOfConversation('r')} THEN ${isSaidNow('r')} ELSE l.state = 'active' AND ${isItsOwn('r')} END`;

/** Something that a message may get, and from whom, in the order of the keys. */
interface Wanted extends Passed {
  from: (Given & { way: Step['way'] })[];
}

function wantedOf(steps: Step[], given: ReadonlyMap<string, Given[]>): Map<string, Wanted> {
  const wanted = new Map<string, Wanted>();
  for (const { giver, taker, way } of steps) {
    for (const reason of given.get(giver) ?? []) {
      const isReply = reason.key.startsWith('reply:');
      if (isReply && way === 'original') continue;
      const what = isReply ? 'reply' : reason.key;
      const name = `${taker} ${reason.recordId} ${what}`;
      const want = wanted.get(name) ?? { messageId: taker, recordId: reason.recordId, what, from: [] };
      want.from.push({ ...reason, way });
      wanted.set(name, want);
    }
  }
  return wanted;
}

async function lackingAmong(sql: Sql, tenantId: string, wanted: Wanted[]): Promise<Wanted[]> {
  if (wanted.length === 0) return [];
  const rows = await sql.query<{ n: number }>(lackingStatement, [
    tenantId,
    uuidArray(wanted.map(({ messageId }) => messageId)),
    uuidArray(wanted.map(({ recordId }) => recordId)),
    wanted.map(({ what }) => what),
  ]);
  return rows.flatMap(({ n }) => wanted[n - 1] ?? []);
}

const lackingStatement = `
SELECT w.n FROM unnest($2::uuid[], $3::uuid[], $4::text[]) WITH ORDINALITY AS w(taker, record_id, what, n)
WHERE NOT EXISTS (
  SELECT FROM link l LEFT JOIN link_reason r ON r.tenant_id = $1 AND r.link_id = l.id
  WHERE l.tenant_id = $1 AND l.message_id = w.taker AND l.record_id = w.record_id AND (
    r.key = w.what OR l.state = 'suppressed' AND w.what NOT LIKE 'unlinked:%' OR w.what = 'reply' AND ${isItsOwn('r')}
    OR r.key = 'by-hand' AND w.what LIKE 'unlinked:%') OFFSET 0)
AND (w.what = 'reply' OR NOT EXISTS (
  SELECT FROM link_change c
  WHERE c.tenant_id = $1 AND c.message_id = w.taker AND c.record_id = w.record_id AND c.done_at IS NULL OFFSET 0))
ORDER BY w.n`;

/**
 * What may be passed on, each from the first that it may come from: one is enough to say why, and who belongs to one mostly belongs to the first that is
 * asked.
 */
async function allowedOf(sql: Sql, wanted: Wanted[]): Promise<(Passed & Given)[]> {
  const allowed: (Passed & Given)[] = [];
  let open = wanted.map(({ from, ...want }) => {
    return { want, from: from.sort((one, other) => (one.key < other.key ? -1 : 1)) };
  });
  for (let atOnce = 1; open.length > 0; atOnce *= 4) {
    const asked = open.flatMap(({ want, from }) =>
      from.slice(0, atOnce).map(({ giver, way }) => {
        return way === 'answer'
          ? { reply: want.messageId, original: giver }
          : { reply: giver, original: want.messageId };
      }),
    );
    const answering = await answeringAmong(sql, asked);
    open = open.flatMap(({ want, from }) => {
      const found = from
        .slice(0, atOnce)
        .find(({ giver, way }) =>
          answering.has(way === 'answer' ? `${want.messageId} ${giver}` : `${giver} ${want.messageId}`),
        );
      if (found !== undefined) allowed.push({ ...found, ...want });
      return found === undefined && from.length > atOnce ? [{ want, from: from.slice(atOnce) }] : [];
    });
  }
  return allowed;
}

async function answeringAmong(sql: Sql, pairs: { reply: string; original: string }[]): Promise<Set<string>> {
  const distinct = [...new Map(pairs.map((pair) => [`${pair.reply} ${pair.original}`, pair]))];
  const rows = await sql.query<{ n: number }>(
    `SELECT w.n FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS w(reply, original, n) WHERE answers(w.reply, w.original)`,
    [uuidArray(distinct.map(([, { reply }]) => reply)), uuidArray(distinct.map(([, { original }]) => original))],
  );
  return new Set(rows.flatMap(({ n }) => distinct[n - 1]?.[0] ?? []));
}

async function suppress(sql: Sql, tenantId: string, reasons: Passed[]): Promise<void> {
  await sql.execute(
    `UPDATE link l SET state = 'suppressed' FROM unnest($2::uuid[], $3::uuid[]) AS u(message_id, record_id)
     WHERE l.tenant_id = $1 AND l.message_id = u.message_id AND l.record_id = u.record_id`,
    [tenantId, reasons.map(({ messageId }) => messageId), reasons.map(({ recordId }) => recordId)],
  );
}

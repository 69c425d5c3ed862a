import type { Database, Sql } from '../database';
import { hexOf, insertRows } from '../insert-rows';
import { isItsOwn } from '../thread-links/reason-sql';
import { sameIdAtMost } from '../thread-links/reply-graph';
import type { BatchItem } from './batch';
import { lockSource, type FencedSource } from './source-lock';

/** Mail that no address leads to a record of: what it answers (hex of the hashes of message ids), and the address keys of who wrote it. */
interface PossibleReply {
  answers: string[];
  authors: string[];
}

/** What of it is linked to a record: `belongs` where its authors belong to one of those; `answered` are the hashes of all of them. */
interface LinkedAnswer {
  belongs: boolean;
  answered: Set<string>;
}

/**
 * Whether these are replies to mail that is linked to a record, in their order: whoever wrote one must have written or received what it answers, or be
 * one of our users (`answers` in the database says the same of mail that is stored).
 */
export async function repliesToLinked(
  db: Database,
  tenantId: string,
  replies: PossibleReply[],
): Promise<LinkedAnswer[]> {
  const found = replies.map((): LinkedAnswer => ({ belongs: false, answered: new Set() }));
  const pairs = replies.flatMap(({ answers }, n) => answers.map((hash) => ({ n, hash })));
  if (pairs.length === 0) return found;
  const authors = replies.flatMap(({ authors: keys }, n) => keys.map((key) => ({ n, key })));
  const rows = await db.inTenant(tenantId, (sql) =>
    sql.query<{ n: number; hash: string; belongs: boolean }>(linkedStatement, [
      tenantId,
      pairs.map(({ n }) => n),
      pairs.map(({ hash }) => Buffer.from(hash, 'hex')),
      authors.map(({ n }) => n),
      authors.map(({ key }) => key),
    ]),
  );
  for (const { n, hash, belongs } of rows) {
    const answer = found[n];
    if (answer === undefined) continue;
    answer.answered.add(hash);
    if (belongs && replies[n]?.authors.length !== 0) answer.belongs = true;
  }
  return found;
}

/** Of the messages with the id `ref`, those that have a link to pass on to whoever answers them (pass-on.ts). By keys, as there. */
const linkedWith = (ref: string) => `
  SELECT g.id FROM (SELECT id FROM message WHERE tenant_id = $1 AND message_id_hash = ${ref} ORDER BY id LIMIT ${String(sameIdAtMost)}) AS g
  WHERE EXISTS (
    SELECT FROM link l
    CROSS JOIN LATERAL (SELECT kind, key FROM link_reason WHERE tenant_id = $1 AND link_id = l.id OFFSET 0) r
    CROSS JOIN LATERAL (SELECT FROM record WHERE tenant_id = $1 AND id = l.record_id AND deleted_at IS NULL OFFSET 0) p
    WHERE l.tenant_id = $1 AND l.message_id = g.id AND l.state = 'active' AND (r.key LIKE 'follow:%' OR ${isItsOwn('r')}) OFFSET 0)`;

const linkedStatement = `
WITH author AS MATERIALIZED (
  SELECT a.n, a.key FROM unnest($4::integer[], $5::text[]) AS a(n, key)
  WHERE NOT EXISTS (SELECT FROM user_address u WHERE u.tenant_id = $1 AND u.address_key = a.key))
SELECT w.n, encode(w.ref, 'hex') AS hash, NOT EXISTS (
  SELECT FROM author a WHERE a.n = w.n AND NOT EXISTS (
    SELECT FROM copy c CROSS JOIN LATERAL (
      SELECT FROM copy_address ca WHERE ca.tenant_id = $1 AND ca.copy_id = c.id AND ca.address_key = a.key
        AND ca.role IN ('from', 'sender', 'reply-to', 'to', 'cc') OFFSET 0) ca
    WHERE c.tenant_id = $1 AND c.message_id = g.id)) AS belongs
FROM unnest($2::integer[], $3::bytea[]) AS w(n, ref) CROSS JOIN LATERAL (${linkedWith('w.ref')} OFFSET 0) AS g`;

/** Notes what left-out mail of a batch answers that is not linked yet, in the transaction that writes its ledger rows. Second run: no change. */
export async function noteReplies(
  sql: Sql,
  place: { tenantId: string; sourceId: string; genId: number },
  items: BatchItem[],
): Promise<void> {
  await insertRows(
    sql,
    {
      table: 'left_out_reply',
      columns: { source_id: 'uuid', gen_id: 'bigint', uid: 'bigint', tenant_id: 'uuid', refs: 'bytea[]' },
      onConflict: 'ON CONFLICT (source_id, gen_id, uid) DO UPDATE SET refs = excluded.refs',
    },
    items.flatMap((item) => {
      if (item.kind !== 'filtered' || item.answers.length === 0) return [];
      const refs = item.answers.map((hash) => hexOf(Buffer.from(hash, 'hex')));
      return [{ source_id: place.sourceId, gen_id: place.genId, uid: item.uid, tenant_id: place.tenantId, refs }];
    }),
  );
}

/**
 * Looks through the next `limit` left-out messages of a source that answer something, where it stopped the last time. Where one is linked by now that a
 * message answers, the ledger row says so (`answers-linked`), and the next look at its folder fetches the mail again. Returns whether there are
 * more behind them. Second run: goes on there.
 * @throws StaleFence where the source has a newer wish
 */
export async function recallReplies(db: Database, source: FencedSource, limit: number): Promise<'more' | 'all'> {
  const { tenantId, sourceId } = source;
  const { due, behind, goesOn } = await db.inTenant(tenantId, (sql) => lookThrough(sql, source, limit));
  if (due.length === 0 && behind === null && !goesOn) return 'all';
  await db.inTenant(tenantId, async (sql) => {
    await lockSource(sql, source);
    await (behind === null
      ? sql.execute('DELETE FROM left_out_look WHERE tenant_id = $1 AND source_id = $2', [tenantId, sourceId])
      : sql.execute(goOnBehind, [tenantId, sourceId, behind.gen_id, behind.uid]));
    if (due.length > 0) await recall(sql, source, due);
  });
  return behind === null ? 'all' : 'more';
}

interface Place {
  gen_id: number;
  uid: number;
}

/** `behind`: where the next look goes on; null: at the beginning. `goesOn`: whether this one did not begin there. */
interface Looked {
  due: Place[];
  behind: Place | null;
  goesOn: boolean;
}

async function lookThrough(sql: Sql, { tenantId, sourceId }: FencedSource, limit: number): Promise<Looked> {
  const [stopped] = await sql.query<Place>(
    'SELECT gen_id, uid FROM left_out_look WHERE tenant_id = $1 AND source_id = $2',
    [tenantId, sourceId],
  );
  const page = (after: Place, most: number) =>
    sql.query<Place & { answers: boolean }>(lookStatement, [tenantId, sourceId, after.gen_id, after.uid, most]);
  const rows = await page(stopped ?? beforeAll, limit);
  // What is left of the look goes to those in front, so that it is never over before something is looked at.
  if (stopped !== undefined && rows.length < limit) rows.push(...(await page(beforeAll, limit - rows.length)));
  const due = new Map(
    rows.filter(({ answers }) => answers).map((row) => [`${String(row.gen_id)} ${String(row.uid)}`, row]),
  );
  const behind = rows.length < limit ? null : (rows.at(-1) ?? null);
  return { due: [...due.values()], behind, goesOn: stopped !== undefined };
}

const beforeAll: Place = { gen_id: 0, uid: 0 };

const lookStatement = `
SELECT r.gen_id, r.uid, EXISTS (
  SELECT FROM unnest(r.refs) AS ref CROSS JOIN LATERAL (${linkedWith('ref')} OFFSET 0) AS g) AS answers
FROM (
  SELECT gen_id, uid, refs FROM left_out_reply
  WHERE tenant_id = $1 AND source_id = $2 AND (gen_id, uid) > ($3::bigint, $4::bigint) ORDER BY gen_id, uid LIMIT $5
) AS r ORDER BY r.gen_id, r.uid`;

const goOnBehind = `INSERT INTO left_out_look (tenant_id, source_id, gen_id, uid) VALUES ($1, $2, $3, $4)
  ON CONFLICT (source_id) DO UPDATE SET gen_id = excluded.gen_id, uid = excluded.uid`;

/** What it answers is not noted any more: if nobody takes it in after all, only what it still may answer is noted anew. */
async function recall(sql: Sql, source: FencedSource, due: Place[]): Promise<void> {
  const values = [source.tenantId, source.sourceId, due.map(({ gen_id }) => gen_id), due.map(({ uid }) => uid)];
  const isDue = '(gen_id, uid) IN (SELECT * FROM unnest($3::bigint[], $4::bigint[]))';
  await sql.execute(`DELETE FROM left_out_reply WHERE tenant_id = $1 AND source_id = $2 AND ${isDue}`, values);
  const recalled = await sql.query<{ gen_id: number }>(
    `UPDATE placement SET reason = 'answers-linked' WHERE tenant_id = $1 AND source_id = $2 AND ${isDue}
       AND outcome = 3 AND reason = 'unmatched' RETURNING gen_id`,
    values,
  );
  await sql.execute(
    `UPDATE folder_generation SET listed_at = NULL, is_exact = false WHERE tenant_id = $1 AND id = ANY ($2::bigint[]) AND retired_at IS NULL`,
    [source.tenantId, [...new Set(recalled.map(({ gen_id }) => gen_id))]],
  );
}

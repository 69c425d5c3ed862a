import { renewRules } from './activities/make';
import type { Database, Sql } from './database';
import { copyHasNumber } from './record-numbers';
import { linkAgain, messagesOfChunk } from './rematch';
import { rematchTask, type RematchRef, type RematchTask } from './rematch-task';
import { isSourceKey, keyOfSource } from './source-keys';
import { moveNextShare } from './ingest/merge-threads';
import { settleLeft } from './thread-links/settle';

/** What became of a chunk: `waits` where another job of the tenant is before it, `none` where the job has ended or there is none. */
export type RematchStep = { kind: 'more' | 'none' } | { kind: 'waits'; behind: string };

/**
 * Links the next stored mail of a job again, at most `limit` copies, and notes how far it is, in one transaction under the tenant's lock. Each
 * message gets the links that it would get if it arrived now; so it does not matter what else has changed since the job was written, and what a
 * person did stays. One job of a tenant runs at a time: with whatever came while it ran, the next one looks at the same mail anew.
 * Second run: the next chunk.
 */
export async function rematchChunk(db: Database, ref: RematchRef, limit: number): Promise<RematchStep> {
  const { tenantId, operationId } = ref;
  return db.writeInTenant<RematchStep>(tenantId, async (sql) => {
    const [first] = await sql.query<{ id: string; task: unknown; mine: boolean }>(
      `SELECT id, task, EXISTS (
         SELECT FROM operation WHERE tenant_id = $1 AND id = $2 AND kind = 'rematch' AND state IN ('waiting', 'running')) AS mine
       FROM operation WHERE tenant_id = $1 AND source_id IS NULL AND kind = 'rematch' AND state IN ('waiting', 'running')
       ORDER BY state = 'waiting', created_at, id LIMIT 1 FOR UPDATE`,
      [tenantId, operationId],
    );
    if (first?.mine !== true) return { kind: 'none' };
    if (first.id !== operationId) return { kind: 'waits', behind: first.id };
    return nextShare(sql, ref, { task: rematchTask.parse(first.task), limit });
  });
}

/**
 * Threads become one first: replies are found in it. Replies give back what they had before anything is linked by it again, and get something when all
 * addresses are looked at.
 */
async function nextShare(
  sql: Sql,
  ref: RematchRef,
  { task, limit }: { task: RematchTask; limit: number },
): Promise<RematchStep> {
  const share = await moveNextShare(sql, ref.tenantId);
  if (share.kind === 'some') return goOn(sql, ref, { copies: share.moved, task });
  const back = await settleLeft(sql, ref, 'back');
  if (back > 0) return goOn(sql, ref, { copies: back, task });
  const keys = await nextKeys(sql, ref);
  if (keys.addressKeys.length > 0) return byAddresses(sql, ref, { ...keys, task, limit });
  if (keys.hasDomains) return byDomains(sql, ref, { task, limit });
  const again = await settleLeft(sql, ref, 'again');
  return again > 0 ? goOn(sql, ref, { copies: again, task }) : finish(sql, ref);
}

/** Does a job here and now, as far as so many chunks get, and what runs before it. Second run, or beside another: no change. */
export async function runRematch(db: Database, ref: RematchRef, chunks = Infinity): Promise<'done' | 'more'> {
  let own = ref;
  for (let n = 0; n < chunks; n += 1) {
    const step = await rematchChunk(db, own, copiesPerTransaction);
    if (step.kind === 'none' && own === ref) return 'done';
    own = step.kind === 'waits' ? { ...ref, operationId: step.behind } : step.kind === 'none' ? ref : own;
  }
  return 'more';
}

const copiesPerTransaction = 500;
/** Addresses of one chunk at most: most of thousands have little mail, or none any more. */
const keysPerChunk = 50;

async function nextKeys(
  sql: Sql,
  { tenantId, operationId }: RematchRef,
): Promise<{ addressKeys: string[]; hasDomains: boolean }> {
  const rows = await sql.query<{ address_key: string | null; has_domains: boolean }>(
    `SELECT k.address_key, d.has_domains FROM (
       SELECT EXISTS (
         SELECT FROM rematch_key WHERE tenant_id = $1 AND operation_id = $2 AND kind = 2) AS has_domains) AS d
     LEFT JOIN LATERAL (
       SELECT address_key FROM rematch_key WHERE tenant_id = $1 AND operation_id = $2 AND kind = 1
       ORDER BY address_key LIMIT ${String(keysPerChunk)}) AS k ON true`,
    [tenantId, operationId],
  );
  const addressKeys = rows.flatMap(({ address_key: key }) => (key === null ? [] : [key]));
  return { addressKeys, hasDomains: rows[0]?.has_domains === true };
}

async function byAddresses(
  sql: Sql,
  ref: RematchRef,
  { addressKeys, task, limit }: { addressKeys: string[]; task: RematchTask; limit: number },
): Promise<RematchStep> {
  const after = task.after === null ? null : `0:${task.after}`;
  const { messageIds, copies, next } = await messagesOfChunk(sql, ref.tenantId, { addressKeys, after, limit });
  await linkAgain(sql, ref.tenantId, messageIds);
  const [done = String(addressKeys.length), copyId = null] = next?.split(':') ?? [];
  await forgetKeys(sql, ref, addressKeys.slice(0, Number(done)));
  return goOn(sql, ref, { copies, task: { ...task, after: copyId } });
}

async function forgetKeys(sql: Sql, { tenantId, operationId }: RematchRef, keys: string[]): Promise<void> {
  if (keys.length === 0) return;
  await sql.execute(
    'DELETE FROM rematch_key WHERE tenant_id = $1 AND operation_id = $2 AND address_key = ANY ($3::text[])',
    [tenantId, operationId, keys],
  );
}

async function goOn(
  sql: Sql,
  { tenantId, operationId }: RematchRef,
  { copies, task }: { copies: number; task: RematchTask },
): Promise<RematchStep> {
  await sql.execute(
    `UPDATE operation SET state = 'running', started_at = coalesce(started_at, now()), done = least(done + $3::bigint, total), task = $4
     WHERE tenant_id = $1 AND id = $2`,
    [tenantId, operationId, copies, JSON.stringify(task)],
  );
  return { kind: 'more' };
}

async function finish(sql: Sql, { tenantId, operationId }: RematchRef): Promise<RematchStep> {
  await sql.execute(
    `UPDATE operation SET state = 'done', done = coalesce(total, done), task = NULL, started_at = coalesce(started_at, now()), finished_at = now()
     WHERE tenant_id = $1 AND id = $2`,
    [tenantId, operationId],
  );
  return { kind: 'none' };
}

interface WalkedCopy {
  sha: string;
  message_id: string;
  matches: boolean;
  /** The job is for all mail of this source, whose policy has changed. */
  of_source: boolean;
}

/** Sources that one chunk of a walk goes through at most, where they have little mail. */
const sourcesPerChunk = 50;

/**
 * No index leads from a domain to its mail, or from an address of ours to that with any number before it: it would cost each arrival. So all mail of
 * the tenant is walked through, once for all domains and addresses of the job, in the order of an index. So is that of single sources.
 */
async function byDomains(
  sql: Sql,
  ref: RematchRef,
  { task, limit }: { task: RematchTask; limit: number },
): Promise<RematchStep> {
  const { tenantId, operationId } = ref;
  let walk = task.walk ?? (await sourceAfter(sql, ref, null));
  const messageIds = new Set<string>();
  let copies = 0;
  for (let sources = 0; walk !== null && copies < limit && sources < sourcesPerChunk; sources += 1) {
    const page = await sql.query<WalkedCopy>(walkStatement, [
      tenantId,
      operationId,
      walk.sourceId,
      walk.sha,
      limit - copies,
    ]);
    for (const { message_id: messageId, matches } of page) if (matches) messageIds.add(messageId);
    if (page[0]?.of_source === true) {
      const ids = page.map(({ message_id: messageId }) => messageId);
      await renewRules(sql, { tenantId, sourceId: walk.sourceId }, ids);
    }
    copies += page.length;
    const last = page.at(-1);
    if (copies >= limit && last !== undefined) walk = { ...walk, sha: last.sha };
    else walk = await sourceAfter(sql, ref, walk.sourceId);
  }
  await linkAgain(sql, tenantId, [...messageIds]);
  if (walk === null) {
    await sql.execute('DELETE FROM rematch_key WHERE tenant_id = $1 AND operation_id = $2 AND kind = 2', [
      tenantId,
      operationId,
    ]);
  }
  return goOn(sql, ref, { copies, task: { ...task, walk } });
}

const walkStatement = `
SELECT encode(c.raw_sha, 'hex') AS sha, c.message_id, asked.of_source, EXISTS (
  SELECT FROM copy_address ca JOIN rematch_key k
    ON k.tenant_id = $1 AND k.operation_id = $2 AND k.address_key = '@' || split_part(ca.address_key, '@', -1)
  WHERE ca.tenant_id = $1 AND ca.copy_id = c.id) OR asked.of_source
  OR ${copyHasNumber('c.id', 'k.tenant_id = $1 AND k.operation_id = $2')} AS matches
FROM (
  SELECT id, raw_sha, message_id FROM copy WHERE source_id = $3 AND tenant_id = $1 AND raw_sha > decode($4, 'hex')
  ORDER BY source_id, raw_sha LIMIT $5
) AS c CROSS JOIN (SELECT EXISTS (
  SELECT FROM rematch_key k WHERE k.tenant_id = $1 AND k.operation_id = $2 AND k.address_key = ${keyOfSource('$3::uuid')}) AS of_source OFFSET 0) AS asked
ORDER BY c.raw_sha`;

async function sourceAfter(
  sql: Sql,
  { tenantId, operationId }: RematchRef,
  sourceId: string | null,
): Promise<RematchTask['walk']> {
  const [source] = await sql.query<{ id: string }>(
    `SELECT s.id FROM source s WHERE s.tenant_id = $1 AND ($2::uuid IS NULL OR s.id > $2) AND EXISTS (
       SELECT FROM rematch_key k WHERE k.tenant_id = $1 AND k.operation_id = $3 AND k.kind = 2
         AND (NOT ${isSourceKey('k.address_key')} OR k.address_key = ${keyOfSource('s.id')}))
     ORDER BY s.id LIMIT 1`,
    [tenantId, sourceId, operationId],
  );
  return source === undefined ? null : { sourceId: source.id, sha: '' };
}

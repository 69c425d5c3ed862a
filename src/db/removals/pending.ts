import type { Policy } from '../../domain/policy';
import type { RemovalCandidate } from '../../domain/removal';
import type { Database, Sql } from '../database';
import { changeFlag } from '../events/state-write';
import { lockSource, type FencedSource } from '../ingest/source-lock';
import { standingPlacements } from './standing';
import { catchUp, undelete } from './tombstone';

interface OfSource {
  tenantId: string;
  sourceId: string;
}

/** Makes sure that all that is to be mirrored is noted: once after each wish. Otherwise it is one look by key. */
export async function noteRemovals(db: Database, source: FencedSource): Promise<void> {
  const { generation } = source.fence;
  const isNoted = await db.inTenant(source.tenantId, (sql) =>
    sql.query('SELECT FROM mirroring WHERE tenant_id = $1 AND source_id = $2 AND generation = $3', [
      source.tenantId,
      source.sourceId,
      generation,
    ]),
  );
  if (isNoted.length > 0) return;
  await db.inTenant(source.tenantId, async (sql) => {
    await lockSource(sql, source);
    await catchUp(sql, { ...source, generation });
  });
}

/** In how many milliseconds removals are to be looked at, 0 where they are due; null where none waits. */
export async function nextRemovalMs(db: Database, source: OfSource): Promise<number | null> {
  const [row] = await db.inTenant(source.tenantId, (sql) =>
    sql.query<{ ms: number | null }>(
      `SELECT ceil(extract(epoch FROM min(due_at) - clock_timestamp()) * 1000)::float8 AS ms FROM removal
       WHERE tenant_id = $1 AND source_id = $2 AND state <> 'kept'`,
      [source.tenantId, source.sourceId],
    ),
  );
  return row?.ms == null ? null : Math.max(0, row.ms);
}

/** A copy that waits to be removed, and what its message is known by. */
export interface WaitingCopy extends RemovalCandidate {
  /** Hex. */
  messageKey: string;
  /** Of its bytes, in hex. */
  rawSha: string;
  /** SHA-256 of its Message-ID header, in hex; null where it has none. */
  messageIdHash: string | null;
  /** Else only its header was ever fetched. */
  isWhole: boolean;
}

/** All copies that wait to be removed. */
export async function removalCandidates(
  db: Database,
  source: OfSource & { policy: Pick<Policy, 'removalGraceSeconds'> },
): Promise<WaitingCopy[]> {
  const rows = await db.inTenant(source.tenantId, (sql) =>
    sql.query<{
      copy_id: string;
      state: RemovalCandidate['state'];
      is_due: boolean;
      overdue: number;
      provider_id: string | null;
      message_key: string;
      raw_sha: string;
      hash: string | null;
      is_whole: boolean;
      standing: number;
      placed: { size: number | null; at: number | null }[];
    }>(
      `SELECT r.copy_id, r.state, r.due_at <= now() AS is_due,
         greatest(0, extract(epoch FROM now() - r.noted_at) - $3)::float8 * 1000 AS overdue, c.provider_id, encode(m.message_key, 'hex') AS message_key, encode(c.raw_sha, 'hex') AS raw_sha,
         encode(m.message_id_hash, 'hex') AS hash, c.raw_state <> 'none' AS is_whole,
         (SELECT count(*) FROM ${standingPlacements('r.copy_id')}) AS standing,
         coalesce((SELECT jsonb_agg(jsonb_build_object('size', e.size, 'at', (extract(epoch FROM e.internal_date) * 1000)::bigint))
           FROM placement e WHERE e.copy_id = r.copy_id), '[]') AS placed
       FROM removal r JOIN copy c ON c.tenant_id = r.tenant_id AND c.id = r.copy_id
       JOIN message m ON m.tenant_id = c.tenant_id AND m.id = c.message_id
       WHERE r.tenant_id = $1 AND r.source_id = $2 AND r.state <> 'kept'`,
      [source.tenantId, source.sourceId, source.policy.removalGraceSeconds],
    ),
  );
  return rows.map((row) => ({
    copyId: row.copy_id,
    state: row.state,
    livePlacements: row.standing,
    isDue: row.is_due,
    overdueMs: row.overdue,
    messageKey: row.message_key,
    rawSha: row.raw_sha,
    messageIdHash: row.hash,
    isWhole: row.is_whole,
    traits: row.placed.map(({ size, at }) => ({
      providerId: row.provider_id,
      messageIdHash: row.hash,
      size,
      internalDate: at,
    })),
  }));
}

/** How many messages of a source are there: have a live placement. */
export async function aliveMessages(db: Database, source: OfSource): Promise<number> {
  const [row] = await db.inTenant(source.tenantId, (sql) =>
    sql.query<{ count: number }>(
      `SELECT count(DISTINCT p.copy_id) AS count FROM folder_generation g JOIN placement p ON p.gen_id = g.id AND p.presence = 1
       WHERE g.tenant_id = $1 AND g.source_id = $2 AND g.retired_at IS NULL AND p.copy_id IS NOT NULL`,
      [source.tenantId, source.sourceId],
    ),
  );
  return row?.count ?? 0;
}

/** What becomes of removals that are not carried out now. */
export interface Postponed {
  alive: string[];
  /** Could not be decided: looked at again after `retryMs`, and, but while more is found out each time, the more seldom the longer it lasts. */
  wait: string[];
  waits: 'as-long' | 'ever-longer';
  /** Wait for a person, who is asked about all of them at once. */
  ask: string[];
  /** Messages of the mailbox that are there. */
  alivePlaced: number;
  retryMs: number;
  askedAgainMs: number;
}

/** Writes what was decided, and whether a person must say something. Second run: only the times move. */
export async function postponeRemovals(db: Database, source: FencedSource, decided: Postponed): Promise<void> {
  const { tenantId, sourceId } = source;
  await db.inTenant(tenantId, async (sql) => {
    await lockSource(sql, source);
    await undelete(sql, tenantId, decided.alive);
    await sql.execute(
      `UPDATE removal SET due_at = now() + greatest($3::float8 * interval '1 millisecond',
         CASE WHEN $4 THEN least((now() - noted_at) / 4, interval '6 hours') END)
       WHERE tenant_id = $1 AND copy_id = ANY ($2::uuid[])`,
      [tenantId, decided.wait, decided.retryMs, decided.waits === 'ever-longer'],
    );
    const added = await sql.execute(
      `UPDATE removal SET state = 'asked' WHERE tenant_id = $1 AND copy_id = ANY ($2::uuid[]) AND state = 'waiting'`,
      [tenantId, decided.ask],
    );
    await sql.execute(
      `UPDATE removal SET due_at = now() + $3::float8 * interval '1 millisecond'
       WHERE tenant_id = $1 AND copy_id = ANY ($2::uuid[]) AND state = 'asked'`,
      [tenantId, decided.ask, decided.askedAgainMs],
    );
    await settleQuestion(sql, { tenantId, sourceId }, { added, of: decided.ask.length + decided.alivePlaced });
  });
}

/**
 * The flag stands for as long as removals wait for a person. Where some were added it is another question, asked now; `of` how many
 * messages, where that was counted. The transaction has locked the source.
 */
export async function settleQuestion(
  sql: Sql,
  source: OfSource,
  { added, of }: { added: number; of?: number },
): Promise<void> {
  const [row] = await sql.query<{ count: number }>(
    `SELECT count(*) AS count FROM removal WHERE tenant_id = $1 AND source_id = $2 AND state = 'asked'`,
    [source.tenantId, source.sourceId],
  );
  const asked = row?.count ?? 0;
  await sql.execute(
    `UPDATE mirroring SET asked_at = CASE WHEN $5 > 0 THEN now() WHEN $3 > 0 THEN coalesce(asked_at, now()) END,
       asked_count = CASE WHEN $3 > 0 THEN $3 END, asked_of = CASE WHEN $3 > 0 THEN coalesce($4, asked_of) END
     WHERE tenant_id = $1 AND source_id = $2 AND ($3 > 0 OR asked_at IS NOT NULL)`,
    [source.tenantId, source.sourceId, asked, of ?? null, added],
  );
  await changeFlag(sql, source, { flag: 'confirm-removal', to: asked > 0 ? 'set' : 'clear' });
}

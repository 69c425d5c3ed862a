import type { Traits } from '../../domain/removal';
import type { Database } from '../database';
import { lockSourceAlone, type FencedSource } from '../ingest/source-lock';
import type { WaitingCopy } from './pending';

/** A ledger row that no copy stands behind, and what is known of its message. */
export interface LeftOut extends Traits {
  uid: number;
  /**
   * `fetch`: the policy left it out, nothing else will fetch it, and its bytes say whether it is one of the candidates. `stand`: it may be
   * one, and nobody can say.
   */
  is: 'fetch' | 'stand';
  /** How often it was fetched in vain. */
  tries: number;
}

/** What is looked for among left-out messages. */
export interface Resemblance {
  genId: number;
  candidates: readonly WaitingCopy[];
  parserVersion: number;
  /** Of bigger messages only the header is fetched. */
  maxMessageBytes: number;
  /** At most so many rows, those first that were fetched least often, the newest first. */
  limit: number;
}

// Of a row of `placement` and what was told of it: read by the parser of today, and of as much of it as the policy fetches.
const isRead = '(t.parser_version = $5 AND (t.is_whole OR p.size > $6))';
const isOne = '(t.message_key = ANY ($7::bytea[]) OR t.raw_sha = ANY ($8::bytea[]))';
// Of a message of which one has the whole and the other the header alone, as after a change of the policy, nothing can be said.
const isDoubtful = `coalesce(encode(t.message_id_hash, 'hex'), '') = ANY (CASE WHEN t.is_whole THEN $9::text[] ELSE $10::text[] END)`;

/**
 * The rows of a generation without a copy whose messages might be one of these: that have the Message-ID of one, or none and its size or its
 * date, or of which nothing is known; but none that was told apart from all of them. Whether they are still on the server is not said.
 */
export async function leftOutLike(db: Database, tenantId: string, like: Resemblance): Promise<LeftOut[]> {
  const { genId, candidates, parserVersion, maxMessageBytes, limit } = like;
  const traits = candidates.flatMap((candidate) => candidate.traits);
  const idHashesOf = (isWhole: boolean) =>
    candidates.flatMap((one) => (one.isWhole === isWhole ? [one.messageIdHash ?? ''] : []));
  const rows = await db.inTenant(tenantId, (sql) =>
    sql.query<{
      uid: number;
      hash: string | null;
      size: number | null;
      at: string | null;
      to_fetch: boolean;
      tries: number;
    }>(
      `SELECT p.uid, encode(p.message_id_hash, 'hex') AS hash, nullif(p.size, 0) AS size,
         (extract(epoch FROM p.internal_date) * 1000)::bigint::text AS at, coalesce(t.tries, 0) AS tries,
         p.outcome = 3 AND p.reason IN ('before-start', 'unmatched', 'no-user', 'no-subject') AND (${isRead} IS NOT TRUE OR ${isOne} IS TRUE) AS to_fetch
       FROM placement p LEFT JOIN told_apart t ON t.gen_id = p.gen_id AND t.uid = p.uid
       WHERE p.gen_id = $1 AND p.copy_id IS NULL AND (p.message_id_hash = ANY ($2::bytea[]) OR (p.message_id_hash IS NULL
         AND (p.size = ANY ($3::bigint[]) OR p.internal_date = ANY ($4::timestamptz[]) OR coalesce(p.size, 0) = 0 AND p.internal_date IS NULL)))
         AND (${isRead} AND t.message_key IS NOT NULL AND NOT ${isOne} AND NOT ${isDoubtful}) IS NOT TRUE
       ORDER BY to_fetch DESC, tries, p.uid DESC LIMIT $11`,
      [
        genId,
        bytesOf(traits.flatMap(({ messageIdHash }) => messageIdHash ?? [])),
        [...new Set(traits.flatMap(({ size }) => size ?? []))],
        [...new Set(traits.flatMap(({ internalDate }) => internalDate ?? []))].map((at) => new Date(at)),
        parserVersion,
        maxMessageBytes,
        bytesOf(candidates.map(({ messageKey }) => messageKey)),
        bytesOf(candidates.map(({ rawSha }) => rawSha)),
        idHashesOf(false),
        idHashesOf(true),
        limit,
      ],
    ),
  );
  return rows.map(({ uid, hash, size, at, to_fetch: toFetch, tries }) => ({
    uid,
    is: toFetch ? 'fetch' : 'stand',
    tries,
    providerId: null,
    messageIdHash: hash,
    size,
    internalDate: at === null ? null : Number(at),
  }));
}

function bytesOf(hex: readonly string[]): Buffer[] {
  return [...new Set(hex)].map((text) => Buffer.from(text, 'hex'));
}

/**
 * Notes what the server tells of messages that have ledger rows and no copy. What a row says already stays, and of erased mail nothing is
 * noted. Returns how many rows say more than before. Second run: no change, 0.
 * @throws StaleFence where the mailbox has a newer wish
 */
export async function noteTraits(
  db: Database,
  source: FencedSource,
  noted: { genId: number; messages: readonly ({ uid: number } & Omit<Traits, 'providerId'>)[] },
): Promise<number> {
  const { genId, messages } = noted;
  if (messages.length === 0) return 0;
  return db.inTenant(source.tenantId, async (sql) => {
    await lockSourceAlone(sql, source);
    return sql.execute(
      `UPDATE placement p SET size = coalesce(nullif(p.size, 0), r.size), internal_date = coalesce(p.internal_date, r.internal_date),
         message_id_hash = coalesce(p.message_id_hash, decode(r.hash, 'hex'))
       FROM unnest($2::bigint[], $3::bigint[], $4::timestamptz[], $5::text[]) AS r(uid, size, internal_date, hash)
       WHERE p.gen_id = $1 AND p.uid = r.uid AND p.copy_id IS NULL AND p.reason IS DISTINCT FROM 'erased'
         AND (coalesce(p.size, 0) = 0 AND r.size > 0 OR p.internal_date IS NULL AND r.internal_date IS NOT NULL
           OR p.message_id_hash IS NULL AND r.hash IS NOT NULL)`,
      [
        genId,
        messages.map(({ uid }) => uid),
        messages.map(({ size }) => size),
        messages.map(({ internalDate }) => (internalDate === null ? null : new Date(internalDate))),
        messages.map(({ messageIdHash }) => messageIdHash),
      ],
    );
  });
}

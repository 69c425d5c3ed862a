import type { Traits } from '../../domain/removal';
import type { Database } from '../database';
import { lockSource, type FencedSource } from '../ingest/source-lock';

/** A ledger row that no copy stands behind, and what is known of its message. */
export interface LeftOut extends Traits {
  uid: number;
  /** The policy left it out, and nothing else will fetch it. */
  isLeftOut: boolean;
}

/**
 * The rows of a generation without a copy whose messages might be one of these: that have the Message-ID of one, or none and its size or its
 * date, or of which nothing is known. Whether they are still on the server is not said.
 */
export async function leftOutLike(
  db: Database,
  tenantId: string,
  like: { genId: number; traits: readonly Traits[] },
): Promise<LeftOut[]> {
  const { genId, traits } = like;
  const rows = await db.inTenant(tenantId, (sql) =>
    sql.query<{ uid: number; hash: string | null; size: number | null; at: string | null; left_out: boolean }>(
      `SELECT uid, encode(message_id_hash, 'hex') AS hash, nullif(size, 0) AS size,
         (extract(epoch FROM internal_date) * 1000)::bigint::text AS at,
         outcome = 3 AND reason IN ('before-start', 'unmatched', 'no-user', 'no-subject') AS left_out
       FROM placement WHERE gen_id = $1 AND copy_id IS NULL AND (message_id_hash = ANY ($2::bytea[]) OR (message_id_hash IS NULL
         AND (size = ANY ($3::bigint[]) OR internal_date = ANY ($4::timestamptz[]) OR coalesce(size, 0) = 0 AND internal_date IS NULL)))
       ORDER BY uid`,
      [
        genId,
        [...new Set(traits.flatMap(({ messageIdHash }) => messageIdHash ?? []))].map((hash) =>
          Buffer.from(hash, 'hex'),
        ),
        [...new Set(traits.flatMap(({ size }) => size ?? []))],
        [...new Set(traits.flatMap(({ internalDate }) => internalDate ?? []))].map((at) => new Date(at)),
      ],
    ),
  );
  return rows.map(({ uid, hash, size, at, left_out: isLeftOut }) => ({
    uid,
    isLeftOut,
    providerId: null,
    messageIdHash: hash,
    size,
    internalDate: at === null ? null : Number(at),
  }));
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
    await lockSource(sql, source);
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

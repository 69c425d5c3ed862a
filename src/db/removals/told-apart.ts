import type { Database } from '../database';
import { messageIdHash } from '../ingest/message-write';
import { lockSourceAlone, type FencedSource } from '../ingest/source-lock';

/** A left-out message that was fetched, or is to be. */
interface Place {
  genId: number;
  uid: number;
}

/** What its bytes say of a left-out message; `message` null: they cannot be read. */
export interface ToldApart extends Place {
  parserVersion: number;
  isWhole: boolean;
  rawSha: Buffer | null;
  message: { messageKey: string; messageIdHeader: string | null } | { copyId: string } | null;
}

/**
 * A left-out message is going to be fetched: what ends the connection, or the worker, is known by its tries. Second run: one try more.
 * @throws StaleFence where the mailbox has a newer wish
 */
export async function noteTry(db: Database, source: FencedSource, { genId, uid }: Place): Promise<void> {
  await db.inTenant(source.tenantId, async (sql) => {
    await lockSourceAlone(sql, source);
    await sql.execute(
      `INSERT INTO told_apart AS t (gen_id, uid, tenant_id, source_id, tries) VALUES ($1, $2, $3, $4, 1)
       ON CONFLICT (gen_id, uid) DO UPDATE SET tries = least(t.tries + 1, 1000)`,
      [genId, uid, source.tenantId, source.sourceId],
    );
  });
}

/**
 * Notes what a left-out message turned out to be, none of whose content is kept: from then on it is told from whatever goes without being
 * fetched. Second run: no change.
 * @throws StaleFence where the mailbox has a newer wish
 */
export async function noteToldApart(db: Database, source: FencedSource, told: ToldApart): Promise<void> {
  const { genId, uid, parserVersion, isWhole, rawSha, message } = told;
  const read = message !== null && 'messageKey' in message ? message : null;
  const idHeader = read?.messageIdHeader ?? null;
  await db.inTenant(source.tenantId, async (sql) => {
    await lockSourceAlone(sql, source);
    await sql.execute(
      `UPDATE told_apart t SET tries = 0, parser_version = $3, is_whole = $4, raw_sha = $5, noted_at = now(),
         message_key = coalesce($6, of_copy.message_key), message_id_hash = coalesce($7, of_copy.message_id_hash)
       FROM (SELECT) AS one LEFT JOIN (SELECT m.message_key, m.message_id_hash FROM copy c JOIN message m ON m.tenant_id = c.tenant_id AND m.id = c.message_id
         WHERE c.tenant_id = $8 AND c.id = $9) AS of_copy ON true
       WHERE t.gen_id = $1 AND t.uid = $2`,
      [
        genId,
        uid,
        parserVersion,
        isWhole,
        rawSha,
        read === null ? null : Buffer.from(read.messageKey, 'hex'),
        idHeader === null ? null : messageIdHash(idHeader),
        source.tenantId,
        message !== null && 'copyId' in message ? message.copyId : null,
      ],
    );
  });
}

/** Forgets messages that have copies now. Second run: finds none. */
export async function forgetToldApart(
  db: Database,
  tenantId: string,
  { genId, uids }: { genId: number; uids: number[] },
): Promise<void> {
  await db.inTenant(tenantId, (sql) =>
    sql.execute('DELETE FROM told_apart WHERE gen_id = $1 AND uid = ANY ($2::bigint[])', [genId, uids]),
  );
}

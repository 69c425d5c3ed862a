import type { Database, Sql } from '../database';
import { newUuid } from '../new-id';

type ErasureKind = 'mailbox' | 'record' | 'user' | 'person' | 'tenant';

/** What was erased. Ids are UUIDs. Nothing in it says whose data it was. */
export interface Erasure {
  tenantId: string;
  /** The deletion that carries it out; of a mailbox that goes with its user also an id of its own, and then it is noted twice. */
  id: string;
  kind: ErasureKind;
  /** Null for a person, who has no row. */
  targetId: string | null;
  /** Of a person: a fingerprint of each normalised address, hexadecimal. */
  addressHashes: string[];
  /** Of a user whose mailboxes were given to another: who that is. */
  heirId: string | null;
  /** 'system', or the public id of a user or key. */
  actor: string;
  at: Date;
}

/** An erasure as the file is to have it: whether its report is written. */
export interface FiledErasure extends Erasure {
  ended: boolean;
}

/** What is to be noted of a mailbox, record, user or tenant. */
interface ErasureToNote {
  deletionId: string;
  kind: Exclude<ErasureKind, 'person'>;
  targetId: string;
  actor: string;
  heirId?: string | null;
}

/**
 * Writes down that something is erased, for good: the journal is what a restored database is brought up to date by. To be called in the
 * transaction from which on the erasure cannot be taken back, and nothing may be deleted before `mirrorErasures` has run after it.
 * Second run: no change.
 */
export async function noteErasure(sql: Sql, tenantId: string, noted: ErasureToNote): Promise<void> {
  const { deletionId, kind, targetId, actor, heirId = null } = noted;
  const erasure = { tenantId, id: deletionId, kind, targetId, addressHashes: [], heirId, actor, at: new Date() };
  await insertErasure(sql, erasure, { replayedAt: null });
}

/**
 * Writes down the erasure of all mailboxes of a user who is erased with them, in the transaction that decides it: their own deletions begin
 * one after another, and a state that is restored from before must not bring back those that had not begun.
 */
export async function noteMailboxesOfUser(
  sql: Sql,
  tenantId: string,
  { userId, actor }: { userId: string; actor: string },
): Promise<void> {
  const mailboxes = await sql.query<{ id: string }>(
    'SELECT id FROM source WHERE tenant_id = $1 AND owner_user_id = $2 AND deleted_at IS NULL',
    [tenantId, userId],
  );
  await sql.execute(
    `INSERT INTO erasure (tenant_id, id, kind, target_id, actor, at)
     SELECT $1::uuid, noted.id, 'mailbox', noted.target_id, $4, $5 FROM unnest($2::uuid[], $3::uuid[]) AS noted(id, target_id)`,
    [tenantId, mailboxes.map(() => newUuid()), mailboxes.map(({ id }) => id), actor, new Date()],
  );
}

/** Adds a row to the journal. Second run: no change, and false. */
export async function insertErasure(
  sql: Sql,
  erasure: Erasure,
  { replayedAt }: { replayedAt: Date | null },
): Promise<boolean> {
  const { tenantId, id, kind, targetId, addressHashes, heirId, actor, at } = erasure;
  const written = await sql.execute(
    `INSERT INTO erasure (tenant_id, id, kind, target_id, address_hashes, actor, at, replayed_at, heir_id)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`,
    [tenantId, id, kind, targetId, addressHashes, actor, at, replayedAt, heirId],
  );
  return written > 0;
}

/** The journal of all tenants, oldest first. An erasure under an id that no deletion has never ends: that of the thing itself does. */
export function allErasures(db: Database): Promise<FiledErasure[]> {
  return db.acrossTenants((sql) =>
    sql.query<FiledErasure>(
      `SELECT tenant_id AS "tenantId", id, kind, target_id AS "targetId", address_hashes AS "addressHashes", heir_id AS "heirId", actor, at,
         CASE kind WHEN 'tenant' THEN NOT EXISTS (SELECT FROM tenant t WHERE t.tenant_id = e.tenant_id)
           ELSE EXISTS (SELECT FROM deletion d WHERE d.tenant_id = e.tenant_id AND d.id = e.id AND d.state = 'done') END AS ended
       FROM erasure e ORDER BY at, id`,
    ),
  );
}

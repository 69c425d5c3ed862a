import type { ConnectionPurpose } from '../../domain/connection-slots';
import type { Database, Sql } from '../database';

/** A holder that is not heard of for so long has lost its connections: others take their slots. */
const holderAliveForMs = 12_000;
const forgottenAfterMs = 60_000;

/** The first of the two numbers of an advisory lock says what it is for (1: tenants). */
const lockClass = 2;

/** A connection somebody wants to make, or has. */
export interface AccountLease {
  /** Of this connection alone (UUID). */
  lease: string;
  /** SHA-256; the same for all mailboxes that are one account. */
  account: Buffer;
  tenantId: string;
  mailboxId: string;
  purpose: ConnectionPurpose;
}

/** One that is wanted, with the slots it may have, best first. */
export interface WantedLease extends AccountLease {
  slots: number[];
}

const isFree = `(a.account IS NULL OR NOT EXISTS (
  SELECT FROM connection_holder h WHERE h.holder = a.holder AND h.seen_at > clock_timestamp() - interval '${String(holderAliveForMs)} milliseconds'))`;

/**
 * Frees slots and takes others, of any accounts, in one transaction: the ids of the leases that were given a slot. No two of `wanted` may be
 * of one account. Where all slots are taken, those who have them are told that somebody waits.
 */
export function exchangeLeases(
  db: Database,
  holder: string,
  { freed, wanted }: { freed: readonly AccountLease[]; wanted: readonly WantedLease[] },
): Promise<Set<string>> {
  return db.asWatcher(async (sql) => {
    // A crash of Postgres may bring back rows that were freed, until their holder is forgotten; one that was taken must stay.
    if (wanted.length === 0) await sql.query(`SELECT set_config('synchronous_commit', 'off', true)`);
    await lockAccounts(sql, [...freed, ...wanted]);
    await free(sql, freed);
    const given = await take(sql, holder, wanted);
    const refused = wanted.filter(({ lease }) => !given.has(lease)).map(({ account }) => account);
    if (refused.length > 0) {
      await sql.execute(
        'UPDATE account_connection SET wanted_at = clock_timestamp() WHERE account = ANY ($1::bytea[])',
        [refused],
      );
    }
    return given;
  });
}

/** One exchange at a time for each account: two that found the same slot free would lock each other out of the next. */
async function lockAccounts(sql: Sql, leases: readonly AccountLease[]): Promise<void> {
  const keys = [...new Set(leases.map(({ account }) => account.readInt32BE(0)))].sort((a, b) => a - b);
  await sql.query('SELECT pg_advisory_xact_lock($1, key) FROM unnest($2::integer[]) AS key', [lockClass, keys]);
}

async function free(sql: Sql, freed: readonly AccountLease[]): Promise<void> {
  if (freed.length === 0) return;
  await sql.execute(
    `DELETE FROM account_connection a USING unnest($1::bytea[], $2::uuid[]) AS f (account, lease)
     WHERE a.account = f.account AND a.lease = f.lease`,
    [freed.map(({ account }) => account), freed.map(({ lease }) => lease)],
  );
}

async function take(sql: Sql, holder: string, wanted: readonly WantedLease[]): Promise<Set<string>> {
  if (wanted.length === 0) return new Set();
  const rows = await sql.query<{ lease: string }>(
    `INSERT INTO account_connection AS a (account, slot, lease, tenant_id, source_id, purpose, holder, taken_at)
     SELECT w.account, best.slot, w.lease, w.tenant_id, w.source_id, w.purpose, $1, clock_timestamp()
     FROM unnest($2::bytea[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[])
            AS w (account, lease, tenant_id, source_id, purpose, slots)
     CROSS JOIN LATERAL (
       SELECT s.slot FROM unnest(w.slots::smallint[]) WITH ORDINALITY AS s (slot, place)
       LEFT JOIN account_connection a ON a.account = w.account AND a.slot = s.slot
       WHERE ${isFree} ORDER BY s.place LIMIT 1) AS best
     ORDER BY w.account
     ON CONFLICT (account, slot) DO UPDATE SET lease = excluded.lease, tenant_id = excluded.tenant_id, source_id = excluded.source_id,
       purpose = excluded.purpose, holder = excluded.holder, taken_at = excluded.taken_at, wanted_at = NULL
     WHERE ${isFree}
     RETURNING a.lease`,
    [
      holder,
      wanted.map(({ account }) => account),
      wanted.map(({ lease }) => lease),
      wanted.map(({ tenantId }) => tenantId),
      wanted.map(({ mailboxId }) => mailboxId),
      wanted.map(({ purpose }) => purpose),
      wanted.map(({ slots }) => `{${slots.join(',')}}`),
    ],
  );
  return new Set(rows.map(({ lease }) => lease));
}

/**
 * Says that a holder is there. `forgotten`: it had not been heard of for so long that others may have taken its slots. The time is the
 * database's alone.
 */
export async function beatAsHolder(db: Database, holder: string): Promise<'known' | 'forgotten'> {
  const rows = await db.asWatcher((sql) =>
    sql.query<{ forgotten: boolean }>(
      `WITH before AS (SELECT seen_at FROM connection_holder WHERE holder = $1)
       INSERT INTO connection_holder (holder, seen_at) VALUES ($1, clock_timestamp())
       ON CONFLICT (holder) DO UPDATE SET seen_at = excluded.seen_at
       RETURNING coalesce((SELECT seen_at FROM before) < clock_timestamp() - $2::double precision * interval '1 millisecond', true) AS forgotten,
                 set_config('synchronous_commit', 'off', true)`,
      [holder, holderAliveForMs],
    ),
  );
  return rows[0]?.forgotten === false ? 'known' : 'forgotten';
}

/** The leases that are still a holder's own. */
export async function leasesOf(db: Database, holder: string): Promise<Set<string>> {
  const rows = await db.asWatcher((sql) =>
    sql.query<{ lease: string }>('SELECT lease FROM account_connection WHERE holder = $1', [holder]),
  );
  return new Set(rows.map(({ lease }) => lease));
}

/** Removes what dead holders have left, and with `leaving` the holder itself, whose connections are closed. Second run: no change. */
export async function forgetHolders(db: Database, leaving: string | null): Promise<void> {
  await db.asWatcher(async (sql) => {
    const { length } = await sql.query(
      `DELETE FROM connection_holder WHERE holder = $1 OR seen_at < clock_timestamp() - $2::double precision * interval '1 millisecond'
       RETURNING holder`,
      [leaving, forgottenAfterMs],
    );
    if (length === 0) return;
    await sql.execute(
      'DELETE FROM account_connection a WHERE NOT EXISTS (SELECT FROM connection_holder h WHERE h.holder = a.holder)',
    );
  });
}

import { normaliseAddress } from '../domain/address';
import type { Sql } from './database';
import { keysOfOurs } from './record-numbers';
import { queueRematch, type QueuedRematch } from './records-rematch';

/** The domains of the tenant itself, in order; mail from and to them belongs to no company by its domain. Null where it is no more. */
export async function readOwnDomains(sql: Sql, tenantId: string): Promise<string[] | null> {
  const [row] = await sql.query<{ domains: string[] }>(
    'SELECT own_domains AS domains FROM tenant WHERE tenant_id = $1',
    [tenantId],
  );
  return row?.domains ?? null;
}

/**
 * Writes the domains of the tenant itself in place of those before; returns the job that matches the mail of those that came or went again.
 * To be called under the tenant's lock.
 */
export async function writeOwnDomains(
  sql: Sql,
  tenantId: string,
  { before, after }: { before: string[]; after: string[] },
): Promise<QueuedRematch | null> {
  await sql.execute('UPDATE tenant SET own_domains = $2 WHERE tenant_id = $1', [tenantId, after]);
  const changed = [...before, ...after].filter((domain) => !before.includes(domain) || !after.includes(domain));
  return queueRematch(
    sql,
    tenantId,
    changed.map((domain) => `@${domain}`),
  );
}

/**
 * The job for mail of addresses that have become a user's, or are one's no more: it belongs to no company by its domain, or to one again; and a number
 * before them counts, or counts no more. Null where no company has their domains, and nobody uses numbers. To be called under the tenant's lock, after
 * the change.
 */
export async function rematchOfUsers(sql: Sql, tenantId: string, addressKeys: string[]): Promise<QueuedRematch | null> {
  if (addressKeys.length === 0) return null;
  const rows = await sql.query<{ key: string }>(
    `SELECT key FROM unnest($2::text[]) AS key WHERE EXISTS (
       SELECT FROM record_domain WHERE tenant_id = $1 AND domain = split_part(key, '@', -1))`,
    [tenantId, addressKeys],
  );
  return queueRematch(sql, tenantId, [
    ...rows.map(({ key }) => key),
    ...(await keysOfOurs(sql, tenantId, addressKeys)),
  ]);
}

/**
 * The job for mail to the address of a mailbox with a number before it, which counts from now on, or counts no more; and for that of the address itself,
 * which takes part in no activity as somebody else's. Null where nobody uses numbers or activities. To be called under the tenant's lock, after the change.
 */
export async function rematchOfMailbox(sql: Sql, tenantId: string, addressKey: string): Promise<QueuedRematch | null> {
  return queueRematch(sql, tenantId, [
    ...(await keysOfOurs(sql, tenantId, [addressKey])),
    ...(await keysInActivities(sql, tenantId, addressKey)),
  ]);
}

/** The address of a mailbox, for `queueRematch`, where its mail may be activities that name whose it is; none where the tenant has no activity. */
export async function keysInActivities(sql: Sql, tenantId: string, address: string): Promise<string[]> {
  const rows = await sql.query('SELECT FROM activity WHERE tenant_id = $1 LIMIT 1', [tenantId]);
  const key = normaliseAddress(address);
  return rows.length === 0 || key === null ? [] : [key];
}

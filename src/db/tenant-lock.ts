import type { Sql } from './database';

// The two-number form of advisory locks; the first says what the lock is for.
const lockOf = (tenant: string) => `SELECT pg_advisory_xact_lock(1, hashtext(${tenant}::uuid::text))`;

/** The statement that takes the lock of the transaction's tenant. */
export const lockCurrentTenant = lockOf('current_tenant()');

/**
 * Makes the transactions of one tenant that write messages, or match them with records, follow one another; it is held until the end of
 * the transaction. It must be the transaction's first statement: under READ COMMITTED each statement sees what was committed before it
 * began, so whoever comes second sees all that the first has written.
 *
 * Without it a message and an address that come at the same moment could miss each other for good: the transaction that records the
 * message reads the addresses before the new one is committed, the rematch reads the messages before the new one is committed. With it
 * either the message sees the address (address committed first), or the rematch, which begins after the address was committed, sees the
 * message.
 */
export async function lockTenantForWriting(sql: Sql, tenantId: string): Promise<void> {
  await sql.execute(lockOf('$1'), [tenantId]);
}

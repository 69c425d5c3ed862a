import type { Fence } from '../../domain/mailbox-state';
import { StaleFence } from '../../domain/stale-fence';
import type { Sql } from '../database';
import { lockTenantForWriting } from '../tenant-lock';

/** Which source a write belongs to, and the fence it was begun with. */
export interface FencedSource {
  tenantId: string;
  sourceId: string;
  fence: Fence;
  /** The Temporal run that writes (UUID); null or left out where a person does. */
  runId?: string | null;
}

/**
 * Begins a write of mail, and of what mail is matched with: one writer per tenant at a time (tenant-lock.ts), and only while the fence holds.
 * @throws StaleFence where a newer wish has been made or the source is deleted
 */
export async function lockSource(sql: Sql, source: FencedSource): Promise<{ nextSeq: number }> {
  await lockTenantForWriting(sql, source.tenantId);
  return { nextSeq: await nextSeqOf(sql, source) };
}

/**
 * Begins a write of what is a source's own and of no message: its folders, its cursors, what it was compared with. Writers of the source follow
 * one another, those of mail among them, and mail of other sources does not wait. Such a transaction never asks for the tenant's lock after it.
 * @throws StaleFence where a newer wish has been made or the source is deleted
 */
export async function lockSourceAlone(sql: Sql, source: FencedSource): Promise<{ nextSeq: number }> {
  return { nextSeq: await nextSeqOf(sql, source) };
}

/**
 * The next number in the outbox of a source, which stays locked; for a transaction that holds the tenant's lock already where it writes mail.
 * @throws StaleFence where a newer wish has been made or the source is deleted
 */
export async function nextSeqOf(sql: Sql, source: FencedSource): Promise<number> {
  const [row] = await sql.query<{ next_seq: number }>(
    `SELECT next_seq FROM source
     WHERE tenant_id = $1 AND id = $2 AND epoch = $3 AND generation = $4 AND deleted_at IS NULL FOR UPDATE`,
    [source.tenantId, source.sourceId, source.fence.epoch, source.fence.generation],
  );
  if (row === undefined) throw new StaleFence();
  return row.next_seq;
}

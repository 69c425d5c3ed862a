import { MailFailure } from '../../domain/failure';
import type { Sql } from '../database';

/**
 * Goes before a write of a generation, in its transaction: placements of a retired one have ended, and nobody would end those that came
 * later, or finish its history (RFC 9051 2.3.1.1).
 * @throws MailFailure `cursor-lost` where the generation has been retired meanwhile
 */
export async function refuseRetired(sql: Sql, { tenantId }: { tenantId: string }, genId: number): Promise<void> {
  const current = await sql.query(
    'SELECT FROM folder_generation WHERE id = $1 AND tenant_id = $2 AND retired_at IS NULL',
    [genId, tenantId],
  );
  if (current.length === 0) throw new MailFailure('cursor-lost', 'UID FETCH', { code: 'uidvalidity-changed' });
}

/**
 * The same before a write of history, which must also be the import's yet: that of a folder which has left the scope is not
 * (retire-generations.ts), until the folder is back and has been divided anew.
 * @throws MailFailure `cursor-lost` where the generation has been retired meanwhile, or its history is nobody's task
 */
export async function refuseLeftHistory(sql: Sql, { tenantId }: { tenantId: string }, genId: number): Promise<void> {
  const [current] = await sql.query<{ isLeft: boolean }>(
    'SELECT history_total = 0 AS "isLeft" FROM folder_generation WHERE id = $1 AND tenant_id = $2 AND retired_at IS NULL',
    [genId, tenantId],
  );
  if (current === undefined) throw new MailFailure('cursor-lost', 'UID FETCH', { code: 'uidvalidity-changed' });
  if (current.isLeft) throw new MailFailure('cursor-lost', 'UID FETCH', { code: 'folder-left-out' });
}

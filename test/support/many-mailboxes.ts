import type { Database } from '../../src/db/database';
import { newUuid } from '../../src/db/new-id';
import { defaultPolicy } from '../../src/domain/policy';
import type { DesiredState } from '../../src/domain/mailbox-state';

export interface ManyMailboxes {
  tenantId: string;
  count: number;
  /** Default running. */
  desired: DesiredState;
  /** The newest wish has been carried out; default no. */
  applied: boolean;
  updatedMinutesAgo: number;
}

/** Connects many mailboxes in two statements; their ids, oldest first. Nobody looks at them. */
export async function insertMailboxes(
  db: Database,
  { tenantId, count, ...wish }: Pick<ManyMailboxes, 'tenantId' | 'count'> & Partial<ManyMailboxes>,
): Promise<string[]> {
  const ids = Array.from({ length: count }, newUuid).sort();
  await db.inTenant(tenantId, async (sql) => {
    await sql.execute(
      `INSERT INTO source (tenant_id, id, kind, address, address_key, policy, desired_state, applied_generation, updated_at)
       SELECT $1, id, 'mailbox', id || '@corp.example', id || '@corp.example', $3, $4, $5, now() - $6 * interval '1 minute'
       FROM unnest($2::uuid[]) AS id`,
      [
        tenantId,
        ids,
        JSON.stringify(defaultPolicy),
        wish.desired ?? 'running',
        wish.applied === true ? 1 : 0,
        wish.updatedMinutesAgo ?? 0,
      ],
    );
    await sql.execute(
      `INSERT INTO mailbox (tenant_id, source_id, imap, auth_type, username, secret, secret_key_id, state)
       SELECT $1, id, '{"host": "127.0.0.1", "port": 1, "security": "none"}', 'password', id::text, '', 'test', 'connecting'
       FROM unnest($2::uuid[]) AS id`,
      [tenantId, ids],
    );
  });
  return ids;
}

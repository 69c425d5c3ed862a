import type { MailboxForSync } from '../sync/mailbox-for-sync';
import type { Database } from '../database';

/** What a connection that watches needs to know of its mailbox. The password is still sealed. */
export type MailboxToWatch = Pick<
  MailboxForSync,
  'tenantId' | 'sourceId' | 'policy' | 'provider' | 'imap' | 'username' | 'secret'
>;

interface Row extends Omit<MailboxToWatch, 'tenantId' | 'sourceId' | 'secret'> {
  secret: Buffer;
  secret_key_id: string;
}

/** Reads a mailbox that is to be watched; null where it does not run, or is no more. */
export async function mailboxToWatch(
  db: Database,
  { tenantId, mailboxId }: { tenantId: string; mailboxId: string },
): Promise<MailboxToWatch | null> {
  const [row] = await db.inTenant(tenantId, (sql) =>
    sql.query<Row>(
      `SELECT s.policy, m.provider, m.imap, m.username, m.secret, m.secret_key_id
       FROM source s JOIN mailbox m ON m.tenant_id = s.tenant_id AND m.source_id = s.id
       WHERE s.tenant_id = $1 AND s.id = $2 AND s.deleted_at IS NULL AND s.desired_state = 'running'`,
      [tenantId, mailboxId],
    ),
  );
  if (row === undefined) return null;
  const { policy, provider, imap, username, secret: bytes, secret_key_id: keyId } = row;
  return { tenantId, sourceId: mailboxId, policy, provider, imap, username, secret: { bytes, keyId } };
}

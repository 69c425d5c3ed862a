import type { Database } from '../../src/db/database';
import type { Policy } from '../../src/domain/policy';
import { aMailbox, type TestMailbox } from './mail-rows';

/** A mailbox with these values of its policy, of nobody or of one user. */
export async function mailboxPolicy(
  db: Database,
  tenantId: string,
  values: Partial<Policy>,
  ownerUserId?: string,
): Promise<TestMailbox> {
  const mailbox = await aMailbox(db, tenantId, ownerUserId === undefined ? {} : { ownerUserId });
  const policy = { ...mailbox.policy, ...values };
  await db.inTenant(tenantId, (sql) =>
    sql.execute('UPDATE source SET policy = $2 WHERE id = $1', [mailbox.sourceId, JSON.stringify(policy)]),
  );
  return { ...mailbox, policy };
}

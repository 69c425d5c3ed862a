import type { DesiredState, Fence, MailboxState } from '../../domain/mailbox-state';
import type { Policy } from '../../domain/policy';
import type { Database } from '../database';

/** What a round needs to know of its mailbox. The password is still sealed. */
export interface MailboxForSync {
  tenantId: string;
  sourceId: string;
  fence: Fence;
  desired: DesiredState;
  policy: Policy;
  startedAt: Date;
  state: MailboxState;
  failedRounds: number;
  lastSuccessAt: Date | null;
  /** The first of the failures since the last round that ended well; null where that was the last one. */
  downSince: Date | null;
  /** The last audit found differences, or could not prove that there are none. */
  isIncomplete: boolean;
  provider: string;
  imap: {
    host: string;
    port: number;
    security: 'tls' | 'starttls' | 'none';
    allowInvalidCertificate?: boolean;
    ca?: string | null;
  };
  username: string;
  secret: { bytes: Buffer; keyId: string };
  /** Changes when host, user name or password do: an open connection made before it is not used again. */
  accessVersion: string;
  /** Address keys of the mailbox and of all users of the tenant: who "we" are. */
  ownAddresses: Set<string>;
  /** Address keys of the users alone; that of the mailbox is its owner's. */
  userAddresses: Set<string>;
  /** When this was read, by the clock of the database: the clocks of machines differ. */
  readAt: Date;
  /** The Temporal run that it was read for; null or left out where none was. */
  runId?: string | null;
}

interface Row {
  epoch: number;
  generation: number;
  desired_state: DesiredState;
  policy: Policy;
  started_at: Date;
  address_key: string;
  owner_user_id: string | null;
  state: MailboxState;
  failed_rounds: number;
  last_success_at: Date | null;
  down_since: Date | null;
  is_incomplete: boolean;
  provider: string;
  imap: MailboxForSync['imap'];
  username: string;
  secret: Buffer;
  secret_key_id: string;
  access_version: string;
  read_at: Date;
}

/** Reads a mailbox for a round; null where it is no more. */
export async function mailboxForSync(
  db: Database,
  ref: { tenantId: string; mailboxId: string; runId?: string | null },
): Promise<MailboxForSync | null> {
  return db.preparedInTenant(ref.tenantId, async (sql) => {
    const mailboxes = sql.query<Row>(
      `SELECT s.epoch, s.generation, s.desired_state, s.policy, s.started_at, s.address_key, s.owner_user_id, m.state, m.failed_rounds,
              m.last_success_at, m.down_since, 'incomplete' = ANY (m.flags) AS is_incomplete, m.provider, m.imap, m.username, m.secret, m.secret_key_id,
              encode(sha256(m.secret || convert_to(m.imap::text || m.username, 'UTF8')), 'hex') AS access_version, now() AS read_at
       FROM source s JOIN mailbox m ON m.tenant_id = s.tenant_id AND m.source_id = s.id
       WHERE s.tenant_id = $1 AND s.id = $2 AND s.deleted_at IS NULL`,
      [ref.tenantId, ref.mailboxId],
    );
    const addresses = sql.query<{ address_key: string }>('SELECT address_key FROM user_address WHERE tenant_id = $1', [
      ref.tenantId,
    ]);
    const [[row], users] = await Promise.all([mailboxes, addresses]);
    if (row === undefined) return null;
    const userKeys = users.map((user) => user.address_key);
    return {
      tenantId: ref.tenantId,
      sourceId: ref.mailboxId,
      fence: { epoch: row.epoch, generation: row.generation },
      desired: row.desired_state,
      policy: row.policy,
      startedAt: row.started_at,
      state: row.state,
      failedRounds: row.failed_rounds,
      lastSuccessAt: row.last_success_at,
      downSince: row.down_since,
      isIncomplete: row.is_incomplete,
      provider: row.provider,
      imap: row.imap,
      username: row.username,
      secret: { bytes: row.secret, keyId: row.secret_key_id },
      accessVersion: row.access_version,
      ownAddresses: new Set([row.address_key, ...userKeys]),
      userAddresses: new Set([...(row.owner_user_id === null ? [] : [row.address_key]), ...userKeys]),
      readAt: row.read_at,
      runId: ref.runId ?? null,
    };
  });
}

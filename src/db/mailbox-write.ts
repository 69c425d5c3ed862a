import type { Policy } from '../domain/policy';
import type { Sql } from './database';
import { insertEvent, plainEvent, systemActor, type Actor } from './events/event-write';
import { changeState } from './events/state-write';
import type { ServerSettings } from './mailboxes';
import { newUuid } from './new-id';
import { insertOperation } from './operations';

/** A mailbox that is to be. The password is sealed already. */
export interface NewMailbox {
  /** Made before, because the password is sealed for it. */
  id: string;
  address: string;
  addressKey: string;
  displayName: string | null;
  provider: string;
  imap: ServerSettings;
  smtp: ServerSettings | null;
  username: string;
  secret: { bytes: Buffer; keyId: string };
  policy: Policy;
  ownerUserId: string | null;
  memberUserIds: string[];
  /** Who connects it. */
  actor?: Actor;
}

/**
 * Writes a mailbox that wishes to run, and the operation `start` that stands for the wish.
 * Fails with SQLSTATE 23505 where the address is connected already.
 */
export async function insertMailbox(sql: Sql, tenantId: string, mailbox: NewMailbox): Promise<{ operationId: string }> {
  await sql.execute(
    `INSERT INTO source (tenant_id, id, kind, address, address_key, owner_user_id, policy, desired_state)
     VALUES ($1, $2, 'mailbox', $3, $4, $5, $6, 'running')`,
    [tenantId, mailbox.id, mailbox.address, mailbox.addressKey, mailbox.ownerUserId, JSON.stringify(mailbox.policy)],
  );
  await sql.execute(
    `INSERT INTO mailbox (tenant_id, source_id, display_name, provider, imap, smtp, auth_type, username, secret, secret_key_id, state)
     VALUES ($1, $2, $3, $4, $5, $6, 'password', $7, $8, $9, 'connecting')`,
    [
      tenantId,
      mailbox.id,
      mailbox.displayName,
      mailbox.provider,
      JSON.stringify(mailbox.imap),
      mailbox.smtp === null ? null : JSON.stringify(mailbox.smtp),
      mailbox.username,
      mailbox.secret.bytes,
      mailbox.secret.keyId,
    ],
  );
  await setMembers(sql, { tenantId, mailboxId: mailbox.id, userIds: mailbox.memberUserIds });
  const event = plainEvent('state', { to: 'connecting', actor: mailbox.actor ?? systemActor });
  await insertEvent(sql, { tenantId, sourceId: mailbox.id }, { event, alternationsKept: null });
  const operation = await insertOperation(sql, tenantId, { kind: 'start', sourceId: mailbox.id, generation: 1 });
  return { operationId: operation.id };
}

/** What may be changed of a mailbox; what is absent stays. */
export interface MailboxChange {
  displayName?: string | null;
  policy?: Policy;
  ownerUserId?: string | null;
  memberUserIds?: string[];
  smtp?: ServerSettings | null;
  /** How to log in; a password that was refused is forgotten with it. */
  access?: { imap: ServerSettings; provider: string; username: string; secret: { bytes: Buffer; keyId: string } };
}

/** Changes a mailbox that the transaction has locked. */
export async function updateMailbox(
  sql: Sql,
  tenantId: string,
  change: MailboxChange & { mailboxId: string; actor: Actor },
): Promise<void> {
  const { mailboxId, displayName, policy, ownerUserId, smtp, access, memberUserIds, actor } = change;
  await sql.execute(
    `UPDATE source SET updated_at = greatest(clock_timestamp(), updated_at + interval '1 millisecond'), policy = coalesce($3, policy),
       owner_user_id = CASE WHEN $4 THEN $5::uuid ELSE owner_user_id END WHERE tenant_id = $1 AND id = $2`,
    [tenantId, mailboxId, policy === undefined ? null : JSON.stringify(policy), ownerUserId !== undefined, ownerUserId],
  );
  if (displayName !== undefined || smtp !== undefined) {
    await sql.execute(
      `UPDATE mailbox SET display_name = CASE WHEN $3 THEN $4 ELSE display_name END, smtp = CASE WHEN $5 THEN $6::jsonb ELSE smtp END
       WHERE tenant_id = $1 AND source_id = $2`,
      [
        tenantId,
        mailboxId,
        displayName !== undefined,
        displayName,
        smtp !== undefined,
        smtp === null || smtp === undefined ? null : JSON.stringify(smtp),
      ],
    );
  }
  if (memberUserIds !== undefined) await setMembers(sql, { tenantId, mailboxId, userIds: memberUserIds });
  for (const kind of changedParts(change)) {
    await insertEvent(
      sql,
      { tenantId, sourceId: mailboxId },
      { event: plainEvent(kind, { actor }), alternationsKept: null },
    );
  }
  if (access !== undefined) await setAccess(sql, { tenantId, mailboxId, access, actor });
}

function changedParts({
  policy,
  access,
  ownerUserId,
  memberUserIds,
}: MailboxChange): ('policy' | 'access' | 'people')[] {
  return [
    ...(policy === undefined ? [] : (['policy'] as const)),
    ...(access === undefined ? [] : (['access'] as const)),
    ...(ownerUserId === undefined && memberUserIds === undefined ? [] : (['people'] as const)),
  ];
}

/**
 * Another way to log in is a wish of its own: with the new generation a workflow that waits for a password goes on, even if it
 * cannot be told now, and what a round still writes that logged in the old way is refused.
 */
async function setAccess(
  sql: Sql,
  {
    tenantId,
    mailboxId,
    access,
    actor,
  }: { tenantId: string; mailboxId: string; access: NonNullable<MailboxChange['access']>; actor: Actor },
): Promise<void> {
  await sql.execute('UPDATE source SET generation = generation + 1 WHERE tenant_id = $1 AND id = $2', [
    tenantId,
    mailboxId,
  ]);
  await sql.execute(
    `UPDATE mailbox SET imap = $3, provider = $4, username = $5, secret = $6, secret_key_id = $7, failed_rounds = 0
     WHERE tenant_id = $1 AND source_id = $2`,
    [
      tenantId,
      mailboxId,
      JSON.stringify(access.imap),
      access.provider,
      access.username,
      access.secret.bytes,
      access.secret.keyId,
    ],
  );
  await changeState(
    sql,
    { tenantId, sourceId: mailboxId },
    {
      to: 'connecting',
      from: ['auth-required', 'needs-attention', 'backing-off'],
      cause: { kind: 'new-access', actor },
    },
  );
}

async function setMembers(
  sql: Sql,
  { tenantId, mailboxId, userIds }: { tenantId: string; mailboxId: string; userIds: string[] },
): Promise<void> {
  await sql.execute(
    'DELETE FROM source_member WHERE tenant_id = $1 AND source_id = $2 AND user_id <> ALL ($3::uuid[])',
    [tenantId, mailboxId, userIds],
  );
  await sql.execute(
    `INSERT INTO source_member (tenant_id, source_id, user_id) SELECT $1, $2, u FROM unnest($3::uuid[]) u ORDER BY u ON CONFLICT DO NOTHING`,
    [tenantId, mailboxId, userIds],
  );
}

/** Notes who did what to which thing; ids only. */
export async function insertAudit(
  sql: Sql,
  tenantId: string,
  entry: { actor: string; action: string; ids: Record<string, string> },
): Promise<void> {
  await sql.execute('INSERT INTO audit (tenant_id, id, actor, action, ids) VALUES ($1, $2, $3, $4, $5)', [
    tenantId,
    newUuid(),
    entry.actor,
    entry.action,
    JSON.stringify(entry.ids),
  ]);
}

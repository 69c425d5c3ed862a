import type { Policy } from '../../src/domain/policy';
import { matchReasons, type HeaderAddress } from '../../src/domain/matching';
import { defaultPolicy } from '../../src/domain/policy';
import type { Sql } from '../../src/db/database';
import type { MessageReason } from '../../src/db/link-write';
import { candidatesByAddress } from '../../src/db/match-candidates';
import { newUuid } from '../../src/db/new-id';

/** Makes a mailbox's source with this policy; its id. */
export async function insertSource(sql: Sql, tenantId: string, policy: Partial<Policy> = {}): Promise<string> {
  const id = newUuid();
  await sql.execute(
    `INSERT INTO source (tenant_id, id, kind, address, address_key, policy, desired_state)
     VALUES ($1, $2, 'mailbox', $3, $3, $4, 'running')`,
    [tenantId, id, `${id}@company.example`, JSON.stringify({ ...defaultPolicy, ...policy })],
  );
  return id;
}

/** Makes a message with one copy; `addresses` are pairs of role and address key. The ids of both. */
export async function insertMessage(
  sql: Sql,
  tenantId: string,
  message: { sourceId: string; addresses: [role: string, addressKey: string][]; messageId?: string },
): Promise<{ messageId: string; copyId: string }> {
  const [messageId, copyId, threadId] = [message.messageId ?? newUuid(), newUuid(), newUuid()];
  if (message.messageId === undefined) {
    await sql.execute('INSERT INTO thread (tenant_id, id) VALUES ($1, $2)', [tenantId, threadId]);
    await sql.execute(
      `INSERT INTO message (tenant_id, id, message_key, thread_id, sort_at, participants) VALUES ($1, $2, $3, $4, now(), '{}')`,
      [tenantId, messageId, Buffer.from(messageId), threadId],
    );
  }
  await sql.execute(
    `INSERT INTO copy (tenant_id, id, source_id, message_id, raw_sha, raw_size, raw_state, visibility, direction, parser_version)
     VALUES ($1, $2, $3, $4, $5, 1, 'none', 0, 'incoming', 1)`,
    [tenantId, copyId, message.sourceId, messageId, Buffer.from(copyId)],
  );
  await sql.execute(
    'INSERT INTO copy_address (tenant_id, copy_id, role, address_key) SELECT $1, $2, * FROM unnest($3::text[], $4::text[])',
    [tenantId, copyId, message.addresses.map(([role]) => role), message.addresses.map(([, key]) => key)],
  );
  return { messageId, copyId };
}

/** Makes a record without addresses; its id. */
export async function insertRecord(sql: Sql, tenantId: string): Promise<string> {
  const id = newUuid();
  await sql.execute(`INSERT INTO record (tenant_id, id, type, name) VALUES ($1, $2, 'contact', 'test')`, [
    tenantId,
    id,
  ]);
  return id;
}

/** Gives a record an address. */
export async function addAddress(
  sql: Sql,
  tenantId: string,
  address: { recordId: string; addressKey: string; kind?: 'business' | 'private' | 'other' },
): Promise<void> {
  await sql.execute(
    `INSERT INTO record_address (tenant_id, record_id, address_key, address, kind) VALUES ($1, $2, $3, $3, $4) ON CONFLICT DO NOTHING`,
    [tenantId, address.recordId, address.addressKey, address.kind ?? 'business'],
  );
}

/** Takes an address from a record. */
export async function removeAddress(
  sql: Sql,
  tenantId: string,
  address: { recordId: string; addressKey: string },
): Promise<void> {
  await sql.execute('DELETE FROM record_address WHERE tenant_id = $1 AND record_id = $2 AND address_key = $3', [
    tenantId,
    address.recordId,
    address.addressKey,
  ]);
}

/** Finds why a message belongs to records, as an ingest does it when it records a copy. */
export async function matchAddresses(
  sql: Sql,
  tenantId: string,
  { messageId, addresses, policy }: { messageId: string; addresses: HeaderAddress[]; policy: Policy },
): Promise<MessageReason[]> {
  const addressKeys = addresses.map(({ addressKey }) => addressKey);
  const candidates = await candidatesByAddress(sql, tenantId, { addressKeys, policy });
  return matchReasons(addresses, candidates, policy).map((reason) => ({ messageId, ...reason }));
}

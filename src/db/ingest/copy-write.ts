import { visibilityLevels, type Policy } from '../../domain/policy';
import type { Sql } from '../database';
import { hexOf, insertRows } from '../insert-rows';
import { newUuid } from '../new-id';
import { addressRolesOf, type WrittenMessage } from './message-write';

/** A copy that this batch made, for its placements. */
export interface WrittenCopy extends WrittenMessage {
  copyId: string;
}

/** Writes one copy for each message of the batch, with what belongs to the copy alone: Bcc, delivery headers, structure, addresses. */
export async function writeCopies(
  sql: Sql,
  source: { tenantId: string; sourceId: string; policy: Policy; parserVersion: number },
  messages: WrittenMessage[],
): Promise<WrittenCopy[]> {
  const copies = messages.map((message) => ({ ...message, copyId: newUuid() }));
  const takenProviderIds = await providerIdsOf(sql, source, copies);
  const tenant = source.tenantId;
  await insertRows(
    sql,
    { table: 'copy', columns: copyColumns },
    copies.map((copy) => copyRow(source, copy, takenProviderIds)),
  );
  await insertRows(
    sql,
    { table: 'copy_structure', columns: { tenant_id: 'uuid', copy_id: 'uuid', parts: 'jsonb' } },
    copies.map(({ copyId, item }) => ({ tenant_id: tenant, copy_id: copyId, parts: item.message.parts })),
  );
  await insertRows(
    sql,
    {
      table: 'copy_address',
      columns: { tenant_id: 'uuid', address_key: 'text', copy_id: 'uuid', role: 'text' },
    },
    copies.flatMap(({ copyId, item }) =>
      addressRolesOf(item.message).map(({ role, key }) => ({
        tenant_id: tenant,
        address_key: key,
        copy_id: copyId,
        role,
      })),
    ),
  );
  return copies;
}

const copyColumns = {
  tenant_id: 'uuid',
  id: 'uuid',
  source_id: 'uuid',
  message_id: 'uuid',
  blob_id: 'uuid',
  raw_sha: 'bytea',
  raw_size: 'bigint',
  raw_state: 'text',
  provider_id: 'text',
  visibility: 'smallint',
  direction: 'text',
  bcc: 'jsonb',
  delivered_to: 'text[]',
  parser_version: 'integer',
};

function copyRow(
  source: { tenantId: string; sourceId: string; policy: Policy; parserVersion: number },
  { item, copyId, messageId }: WrittenCopy,
  takenProviderIds: Set<string>,
): Record<keyof typeof copyColumns, unknown> {
  const providerId = item.providerId !== null && takenProviderIds.has(item.providerId) ? null : item.providerId;
  if (providerId !== null) takenProviderIds.add(providerId);
  return {
    tenant_id: source.tenantId,
    id: copyId,
    source_id: source.sourceId,
    message_id: messageId,
    blob_id: item.blobId,
    raw_sha: hexOf(item.rawSha),
    raw_size: item.size,
    raw_state: item.rawState,
    provider_id: providerId,
    visibility: visibilityLevels[source.policy.visibility],
    direction: item.direction,
    bcc: item.message.bcc.map(({ name, address }) => ({ name, address })),
    delivered_to: item.message.deliveredTo.map(({ address }) => address),
    parser_version: source.parserVersion,
  };
}

/** A provider id that another copy of the source already has tells nothing new: the bytes decide, and the id stays with the first. */
async function providerIdsOf(
  sql: Sql,
  source: { tenantId: string; sourceId: string },
  copies: WrittenCopy[],
): Promise<Set<string>> {
  const ids = copies.flatMap(({ item }) => (item.providerId === null ? [] : [item.providerId]));
  if (ids.length === 0) return new Set();
  const rows = await sql.query<{ provider_id: string }>(
    'SELECT provider_id FROM copy WHERE tenant_id = $1 AND source_id = $2 AND provider_id = ANY ($3::text[])',
    [source.tenantId, source.sourceId, ids],
  );
  return new Set(rows.map((row) => row.provider_id));
}

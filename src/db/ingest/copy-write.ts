import { visibilityLevels, type Policy } from '../../domain/policy';
import type { Sql } from '../database';
import { hexOf, insertRows } from '../insert-rows';
import { newUuid } from '../new-id';
import type { RecordedItem } from './batch';
import { addressRolesOf, type BatchMessage } from './message-write';

/** A copy that this batch makes, for its placements. */
export interface MadeCopy extends BatchMessage {
  copyId: string;
  /** Null also where another copy of the source has it: then the bytes decide, and the id stays with the first. */
  providerId: string | null;
}

/** The provider ids of these items that copies of the source have already. */
export async function takenProviderIds(
  sql: Sql,
  source: { tenantId: string; sourceId: string },
  items: RecordedItem[],
): Promise<Set<string>> {
  const ids = items.flatMap(({ providerId }) => (providerId === null ? [] : [providerId]));
  if (ids.length === 0) return new Set();
  const rows = await sql.query<{ provider_id: string }>(
    'SELECT provider_id FROM copy WHERE tenant_id = $1 AND source_id = $2 AND provider_id = ANY ($3::text[])',
    [source.tenantId, source.sourceId, ids],
  );
  return new Set(rows.map((row) => row.provider_id));
}

/** One copy for each message of the batch. */
export function copiesMade(messages: BatchMessage[], taken: Set<string>): MadeCopy[] {
  const given = new Set(taken);
  return messages.map((message) => {
    const { providerId } = message.item;
    const isFree = providerId !== null && !given.has(providerId);
    if (isFree) given.add(providerId);
    return { ...message, copyId: newUuid(), providerId: isFree ? providerId : null };
  });
}

/** Writes copies with what belongs to the copy alone: Bcc, delivery headers, structure, addresses. */
export async function writeCopies(
  sql: Sql,
  source: { tenantId: string; sourceId: string; policy: Policy; parserVersion: number },
  copies: MadeCopy[],
): Promise<void> {
  const tenant = source.tenantId;
  await Promise.all([
    insertRows(
      sql,
      { table: 'copy', columns: copyColumns },
      copies.map((copy) => copyRow(source, copy)),
    ),
    insertRows(
      sql,
      { table: 'copy_structure', columns: { tenant_id: 'uuid', copy_id: 'uuid', parts: 'jsonb' } },
      copies.map(({ copyId, item }) => ({ tenant_id: tenant, copy_id: copyId, parts: item.message.parts })),
    ),
    insertRows(
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
    ),
  ]);
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
  { item, copyId, messageId, providerId }: MadeCopy,
): Record<keyof typeof copyColumns, unknown> {
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

import { sortAt } from '../../domain/dates';
import type { Sql } from '../database';
import { erasedAmong } from '../erasures/erased-people';
import type { Batch, BatchItem, FilteredItem, RecordedItem } from './batch';
import { addressRolesOf } from './message-write';

/**
 * Leaves out mail of people who were erased, sent or received before that: it may lie on a server under a UID that nobody has seen yet (it
 * was moved, the folder was made anew, another mailbox has it too, its import was not done). It gets its ledger row and nothing else.
 * Mail that they write later comes in like any other's. To be called under the tenant's lock, so that none slips past an erasure.
 */
export async function withoutErased(
  sql: Sql,
  tenantId: string,
  { items, fingerprintsOf }: Batch,
): Promise<BatchItem[]> {
  const read = items.flatMap((item) => (item.kind === 'recorded' || item.kind === 'headers-only' ? [item] : []));
  const addressKeys = [...new Set(read.flatMap((item) => addressRolesOf(item.message).map(({ key }) => key)))];
  if (addressKeys.length === 0) return items;
  if (fingerprintsOf === undefined) throw new Error('whoever writes mail must be able to know people who were erased');
  const erased = await erasedAmong(sql, tenantId, { addressKeys, fingerprintsOf });
  if (erased.size === 0) return items;
  return items.map((item) =>
    (item.kind === 'recorded' || item.kind === 'headers-only') && isOfErased(item, erased) ? leftOut(item) : item,
  );
}

function isOfErased({ message, internalDate }: RecordedItem, erased: Map<string, Date>): boolean {
  const at = sortAt(message.sentAt, internalDate);
  return addressRolesOf(message).some(({ key }) => {
    const erasedAt = erased.get(key);
    return erasedAt !== undefined && (at === null || at <= erasedAt);
  });
}

function leftOut({ uid, size, internalDate, flags, modseq }: RecordedItem): FilteredItem {
  const kept = { uid, size, internalDate, flags, modseq };
  return { kind: 'filtered', reason: 'erased', ...kept, addressKeys: [], answers: [], messageIdHeader: null };
}

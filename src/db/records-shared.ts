import type { Sql } from './database';
import { seenBy, type RecordReader } from './records';

/** An address of a record that others have too. Ids are UUIDs. */
export interface SharedAddress {
  address: string;
  recordIds: string[];
}

/** The addresses of a record that other records have too, with up to 20 of those that the reader may see. */
export function sharedAddresses(
  sql: Sql,
  tenantId: string,
  wanted: RecordReader & { recordId: string },
): Promise<SharedAddress[]> {
  return sql.query<SharedAddress>(
    `SELECT own.address, (array_agg(r.id ORDER BY r.id))[1:20] AS "recordIds" FROM record_address own
     JOIN record_address other ON other.tenant_id = $1 AND other.address_key = own.address_key AND other.record_id <> own.record_id
     JOIN record r ON r.tenant_id = $1 AND r.id = other.record_id AND r.deleted_at IS NULL
     WHERE own.tenant_id = $1 AND own.record_id = $2 AND ${seenBy('$3')} GROUP BY own.address ORDER BY own.address`,
    [tenantId, wanted.recordId, wanted.memberId],
  );
}

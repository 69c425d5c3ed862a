import type { Sql } from '../database';
import { newUuid } from '../new-id';
import * as links from './link-sql';

/** A merge whose links move: of one record to the other that it is a part of. */
interface MovingLinks {
  tenantId: string;
  mergeId: string;
  recordId: string;
  intoRecordId: string;
}

/** Gives the links of these messages to the other record; those of the merged one wait. To be called under the tenant's lock. Second run: no change. */
export async function joinLinks(sql: Sql, merge: MovingLinks, messageIds: string[]): Promise<void> {
  const values = valuesOf(merge, messageIds);
  await sql.execute(links.suppressLinks, values);
  await sql.execute(links.giveLinks, [...values, messageIds.map(() => newUuid())]);
  await sql.execute(links.giveReasons, values);
  await sql.execute(links.putAside, values);
}

/** Takes back what the merge gave, and gives the merged record its links again. To be called under the tenant's lock. Second run: no change. */
export async function partLinks(sql: Sql, merge: MovingLinks, messageIds: string[]): Promise<void> {
  const values = valuesOf(merge, messageIds);
  await sql.execute(links.takeReasonsBack, values);
  await sql.execute(links.giveOthersReasons, values);
  await sql.execute(links.takeLinksBack, values);
  await sql.execute(links.unsuppressLinks, values);
  await sql.execute(links.takeUpAgain, values);
}

function valuesOf({ tenantId, recordId, intoRecordId, mergeId }: MovingLinks, messageIds: string[]): unknown[] {
  return [tenantId, recordId, intoRecordId, messageIds, mergeId];
}

import type { Database } from '../database';
import { lockSourceAlone, type FencedSource } from './source-lock';

/**
 * The listing alone does not show all of a folder: until an audit finds that it does, its history is looked for in other ways too, and
 * nothing has gone because a listing leaves it out. Second run: no change.
 * @throws StaleFence where the mailbox has a newer wish
 */
export async function noteInParts(db: Database, source: FencedSource, genId: number): Promise<void> {
  await db.inTenant(source.tenantId, async (sql) => {
    await lockSourceAlone(sql, source);
    await sql.execute(
      'UPDATE folder_generation SET in_parts = true WHERE tenant_id = $1 AND id = $2 AND NOT in_parts',
      [source.tenantId, genId],
    );
  });
}

import type { Database } from '../database';
import { changeFlag } from '../events/state-write';
import { lockSource, type FencedSource } from './source-lock';

const flag = 'partial-view';

/**
 * A mailbox whose server hides the folder of all mail from IMAP says so: the flag `partial-view`, until it is shown. Second run: no change.
 * @throws StaleFence where the mailbox has a newer wish
 */
export async function noteAllMail(db: Database, source: FencedSource, is: 'shown' | 'hidden'): Promise<void> {
  await db.inTenant(source.tenantId, async (sql) => {
    const rows = await sql.query('SELECT FROM mailbox WHERE tenant_id = $1 AND source_id = $2 AND $3 = ANY (flags)', [
      source.tenantId,
      source.sourceId,
      flag,
    ]);
    if (rows.length > 0 === (is === 'hidden')) return;
    await lockSource(sql, source);
    await changeFlag(sql, source, { flag, to: is === 'hidden' ? 'set' : 'clear' });
  });
}

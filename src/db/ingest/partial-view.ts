import type { Database } from '../database';
import { changeFlag } from '../events/state-write';
import { lockSourceAlone, type FencedSource } from './source-lock';

const flag = 'partial-view';

/**
 * A mailbox whose server hides the folder of all mail from IMAP says so: the flag `partial-view`, until it is shown; an audit
 * that found but a part of some folder goes on saying so. Second run: no change.
 * @throws StaleFence where the mailbox has a newer wish
 */
export async function noteAllMail(db: Database, source: FencedSource, is: 'shown' | 'hidden'): Promise<void> {
  await db.inTenant(source.tenantId, async (sql) => {
    const [mailbox] = await sql.query<{ flagged: boolean; limited: boolean }>(
      `SELECT $3 = ANY (m.flags) AS flagged, EXISTS (SELECT FROM folder_audit a
         WHERE a.tenant_id = $1 AND a.source_id = $2 AND a.reason IN ('message-limit', 'routes-disagree')) AS limited
       FROM mailbox m WHERE m.tenant_id = $1 AND m.source_id = $2`,
      [source.tenantId, source.sourceId, flag],
    );
    if (mailbox?.flagged === (is === 'hidden') || (is === 'shown' && mailbox?.limited === true)) return;
    await lockSourceAlone(sql, source);
    await changeFlag(sql, source, { flag, to: is === 'hidden' ? 'set' : 'clear' });
  });
}

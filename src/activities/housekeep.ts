import { sweepAudits } from '../db/audit-history';
import { fillSearch, pendingSearchTenants } from '../db/search-fill';
import { sweepIdempotencyKeys } from '../db/idempotency-sweep';
import { sweepEvents, sweepNotices } from '../db/events/event-sweep';
import { sweepExports } from '../db/people/exports';
import { sweepReplayReports } from '../db/replay/sweep-reports';
import { releaseUnmirrored } from '../db/removals/answer';
import { sweepRemovedLinks } from '../db/removals/removed-links';
import { sweepMerges } from '../db/merges/sweep-merges';
import { sweepUploads } from '../db/record-uploads';
import { sweepLinkChanges } from '../db/thread-links/undo';
import { allTenants } from '../db/tenants';
import type { ActivityContext, ActivityRun } from './context';
import { joinAllHeaderOnly } from './join-header-only';

export interface HousekeepResult {
  blobsSwept: number;
  messagesIndexed: number;
}

/** Younger bytes may still be on their way into the ledger. */
const orphanGraceMs = 3_600_000;
const messagesPerStatement = 200;

/**
 * Frees bytes that nothing refers to, what a crash left between bytes and ledger, forgets answers, events and notices that are
 * no longer kept, joins mail that is known by its header alone with what another mailbox has whole, and writes search rows that an import did not come to.
 * Second run: finds nothing left to do.
 */
export async function housekeep(context: ActivityContext, run: ActivityRun): Promise<HousekeepResult> {
  const result: HousekeepResult = { blobsSwept: 0, messagesIndexed: 0 };
  for (const tenantId of await allTenants(context.db)) {
    run.signal.throwIfAborted();
    result.blobsSwept += await context.blobs.sweepOrphans(tenantId, { graceMs: orphanGraceMs });
    await sweepIdempotencyKeys(context.db, tenantId);
    await sweepMerges(context.db, tenantId);
    await sweepExports(context.db, tenantId);
    await sweepReplayReports(context.db, tenantId, context.limits.replayReportsKeptMs);
    await sweepEvents(context.db, tenantId, context.limits);
    await sweepNotices(context.db, tenantId, context.limits.mailboxEventsKeptMs);
    await context.db.inTenant(tenantId, async (sql) => {
      await sweepUploads(sql, tenantId);
      await sweepAudits(sql, tenantId, context.limits);
      await sweepRemovedLinks(sql, tenantId, context.limits.removedLinksKeptMs);
      await sweepLinkChanges(sql, tenantId, context.limits.linkUndoKeptMs);
      await releaseUnmirrored(sql, tenantId);
    });
    await joinAllHeaderOnly(context, { tenantId, runId: run.runId ?? null, signal: run.signal });
    run.heartbeat();
  }
  for (const tenantId of await pendingSearchTenants(context.db)) {
    for (let wrote = 1; wrote > 0; result.messagesIndexed += wrote) {
      run.signal.throwIfAborted();
      wrote = await fillSearch(context.db, tenantId, messagesPerStatement);
      run.heartbeat();
    }
  }
  return result;
}

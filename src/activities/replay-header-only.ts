import type { BatchItem } from '../db/ingest/batch';
import { completeCopy } from '../db/replay/complete-copy';
import { noteShare, type ReplayItem } from '../db/replay/replay-share';
import { noteOf } from './replay-stored';
import type { Replaying } from './replaying';

/**
 * Gives a message of which only the header was fetched its whole bytes. What cannot be read stays as it was: by its header it is in the
 * timelines already. Second run: no change.
 */
export async function replaceHeaderOnly(replaying: Replaying, of: ReplayItem, came: BatchItem): Promise<void> {
  const { context, ref, mailbox } = replaying;
  if (came.kind === 'recorded' && of.copyId !== null) {
    const { parserVersion } = context;
    const completion = { copyId: of.copyId, genId: of.genId, item: came, parserVersion, operationId: ref.operationId };
    return completeCopy(context.db, mailbox, completion);
  }
  await noteShare(context.db, ref, { items: [unchanged(of, came)], next: 'as-planned' });
}

function unchanged(of: ReplayItem, came: BatchItem) {
  switch (came.kind) {
    case 'parked':
      return noteOf(of, 'parked', came.failure.code);
    case 'filtered':
      return noteOf(of, 'filtered', came.reason);
    case 'known':
      return noteOf(of, 'healed', 'held-in-full');
    case 'recorded':
    case 'headers-only':
      return noteOf(of, 'headers-only', null);
  }
}

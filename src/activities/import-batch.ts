import { MailFailure } from '../domain/failure';
import { outside } from '../domain/uid-set';
import { foldersWithHistory, type FolderGeneration } from '../db/ingest/folder-write';
import { finishHistory } from '../db/ingest/generation-write';
import { ledgerRanges } from '../db/ingest/ledger-ranges';
import { mailboxForSync, type MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { Mailbox } from '../mail/mailbox';
import type { Connections } from './connections';
import type { ActivityContext, ActivityRun } from './context';
import { setSeen } from './follow-flags';
import { ingestMessages } from './ingest-messages';
import { roundFailure, type NotDone } from './round-failure';
import { refuseWhenDiskIsLow } from './run-round';

export type ImportResult = { kind: 'done'; imported: number; foldersLeft: number } | NotDone;

/**
 * Imports a share of a mailbox's history, newest first, until its limit of messages or time is reached.
 * Second run: goes on from what is in the ledger.
 */
export async function importBatch(
  context: ActivityContext & { connections: Connections },
  run: ActivityRun,
  input: { tenantId: string; mailboxId: string },
): Promise<ImportResult> {
  // The fence is the one that holds now: an import outlives a pause and goes on under the new wish.
  const mailbox = await mailboxForSync(context.db, input);
  if (mailbox?.desired !== 'running') return { kind: 'superseded' };
  try {
    await refuseWhenDiskIsLow(context);
    const imported = await context.connections.use(mailbox, 'import', (open) =>
      importShare(context, run, { mailbox, open }),
    );
    const left = await foldersWithHistory(context.db, mailbox);
    return { kind: 'done', imported, foldersLeft: left.length };
  } catch (error) {
    return roundFailure(context, mailbox, { error, roundBegunAt: null });
  }
}

async function importShare(
  context: ActivityContext,
  run: ActivityRun,
  at: { mailbox: MailboxForSync; open: Mailbox },
): Promise<number> {
  const endsAt = Date.now() + context.limits.importActivityMs;
  let room = context.limits.importActivityMessages;
  let imported = 0;
  for (const folder of await foldersWithHistory(context.db, at.mailbox)) {
    while (room > 0 && Date.now() < endsAt) {
      run.signal.throwIfAborted();
      const done = await importFrom(context, run, { ...at, ...folder, room });
      run.heartbeat();
      if (done === 'nothing-left') break;
      room -= done;
      imported += done;
    }
  }
  return imported;
}

interface FolderShare {
  mailbox: MailboxForSync;
  open: Mailbox;
  path: string;
  generation: FolderGeneration;
  room: number;
}

/** How many of a folder's missing messages got their rows, newest first. */
async function importFrom(
  context: ActivityContext,
  run: ActivityRun,
  share: FolderShare,
): Promise<number | 'nothing-left'> {
  const { mailbox, generation } = share;
  const open = await share.open.examine(share.path);
  // Another UIDVALIDITY: the next round begins a new generation, and with it another import.
  if (open.snapshot.uidValidity !== generation.uidValidity) {
    throw new MailFailure('cursor-lost', 'EXAMINE', { code: 'uidvalidity-changed' });
  }
  const listing = await open.listUids();
  const known = await ledgerRanges(context.db, mailbox.tenantId, { genId: generation.id, scope: 'fetch' });
  const history = outside(listing.uids, known).filter((uid) => uid < generation.historyBelow);
  if (history.length === 0) {
    // A server that shows only a part can never prove the end; its part is in the ledger, and the audit says `not-provable`.
    if (!listing.proven && listing.reason !== 'message-limit') {
      throw new MailFailure('busy', 'UID SEARCH', { code: 'listing-not-proven' });
    }
    await finishHistory(context.db, mailbox, generation.id);
    return 'nothing-left';
  }
  const uids = history.slice(-share.room);
  await ingestMessages(context, run, { mailbox, open, genId: generation.id, uids, part: 'history', cursor: null });
  if (mailbox.policy.markSeen) await setSeen(context, { mailbox, open: share.open, path: share.path, generation });
  return uids.length;
}

import { MailFailure } from '../domain/failure';
import { foldersWithHistory } from '../db/ingest/folder-read';
import type { MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { ActivityContext } from './context';
import type { NotDone } from './round-failure';

/** How a round ended that did not end well, and how much the import has to do all the same. */
export type RoundNotDone = NotDone & {
  /** Folders whose history is still to be imported; absent where there are none, or where the failure is that of the whole mailbox. */
  foldersWithHistory?: number;
};

/** One folder that cannot be looked at, for days or for good, does not keep the history of the others from being imported. */
export async function withHistoryBeside(
  context: ActivityContext,
  mailbox: MailboxForSync,
  { error, notDone }: { error: unknown; notDone: NotDone },
): Promise<RoundNotDone> {
  if (!(error instanceof MailFailure) || error.reach !== 'folder') return notDone;
  const left = await foldersWithHistory(context.db, mailbox);
  return left.length === 0 ? notDone : { ...notDone, foldersWithHistory: left.length };
}

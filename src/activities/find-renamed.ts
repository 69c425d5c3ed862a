import type { ListedFolder } from '../domain/folder';
import { compareIdentities, type Disagreement } from '../domain/folder-changes';
import { retiredFolders, type FolderOnRecord } from '../db/ingest/folder-read';
import type { FolderChanges } from '../db/ingest/folder-write';
import type { MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { Mailbox, OpenFolder } from '../mail/mailbox';
import type { ActivityContext, ActivityRun } from './context';
import { failsAlone } from './fails-alone';
import { sampleOf } from './still-the-same';

interface Search {
  mailbox: MailboxForSync;
  open: Mailbox;
  between: Disagreement<FolderOnRecord>;
}

/** A folder that may be the one that appeared; `isRetired` where it was taken for gone. */
interface Candidate {
  folder: FolderOnRecord;
  isRetired: boolean;
}

/**
 * Finds, for folders that appeared, the folder that each was before: by MAILBOXID (RFC 8474) where the server has it, else by UIDVALIDITY,
 * UIDNEXT that is not lower, and a sample of messages with the same size and date under the same UIDs. A folder that nothing proves to be
 * an old one is a new one.
 */
export async function findRenamed(
  context: ActivityContext,
  run: ActivityRun,
  { mailbox, open, between }: Search,
): Promise<FolderChanges['renamed']> {
  const { appeared, reoccupied } = between;
  const lost = [...between.lost, ...between.replaced];
  // A name that stood for nothing is only of interest where something has lost its name.
  const targets = lost.length === 0 ? appeared : [...appeared, ...reoccupied];
  if (targets.length === 0) return [];
  const retired = await retiredFolders(context.db, mailbox, await uidValiditiesOf(open, targets));
  const candidates = [
    ...lost.map((folder) => ({ folder, isRetired: false })),
    ...retired.map((folder) => ({ folder, isRetired: true })),
  ];
  const renamed: FolderChanges['renamed'] = [];
  for (const target of candidates.length === 0 ? [] : targets) {
    run.signal.throwIfAborted();
    run.heartbeat();
    const found = await whichOf(context, { mailbox, open, target, candidates });
    if (found === null) continue;
    candidates.splice(
      0,
      candidates.length,
      ...candidates.filter(({ folder }) => folder.folderId !== found.folder.folderId),
    );
    if (found.folder.path === target.path) continue;
    const { folderId, generation } = found.folder;
    renamed.push({ folderId, path: target.path, again: found.isRetired ? (generation?.id ?? null) : null });
  }
  return renamed;
}

/** Folders without a STATUS are opened for it; one that cannot be opened now is looked at by the next round. */
async function uidValiditiesOf(open: Mailbox, appeared: ListedFolder[]): Promise<string[]> {
  const found = new Set<string>();
  for (const folder of appeared) {
    folder.status ??= (await tryOpen(open, folder.path))?.snapshot ?? null;
    if (folder.status !== null) found.add(folder.status.uidValidity);
  }
  return [...found];
}

async function whichOf(
  context: ActivityContext,
  of: { mailbox: MailboxForSync; open: Mailbox; target: ListedFolder; candidates: Candidate[] },
): Promise<Candidate | null> {
  const { status, path } = of.target;
  if (status === null) return null;
  const likely = of.candidates.filter(
    ({ folder: { generation } }) =>
      generation?.uidValidity === status.uidValidity && (generation.uidNext ?? 0) <= status.uidNext,
  );
  const opened = likely.length === 0 ? null : await tryOpen(of.open, path);
  if (opened === null) return null;
  for (const candidate of likely) {
    const { mailboxId, generation } = candidate.folder;
    if (mailboxId !== null && opened.mailboxId !== null) {
      if (mailboxId === opened.mailboxId) return candidate;
    } else if (generation !== null) {
      const { known, shown } = await sampleOf(context, { mailbox: of.mailbox, opened, genId: generation.id });
      if (compareIdentities(known, shown) === 'same') return candidate;
    }
  }
  return null;
}

async function tryOpen(open: Mailbox, path: string): Promise<OpenFolder | null> {
  try {
    return await open.examine(path);
  } catch (error) {
    // A failure of this folder alone keeps no other folder waiting.
    if (failsAlone(error, open)) return null;
    throw error;
  }
}

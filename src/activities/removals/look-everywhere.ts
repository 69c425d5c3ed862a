import type { FolderStatus, ListedFolder } from '../../domain/folder';
import { scopeOf } from '../../domain/policy';
import { mergeEvidence, noEvidence, type Evidence, type Traits } from '../../domain/removal';
import { contradicts } from '../../domain/folder-changes';
import { inside, outside } from '../../domain/uid-set';
import { foldersOnRecord, type FolderGeneration } from '../../db/ingest/folder-read';
import { lookAgain } from '../../db/ingest/generation-write';
import { rowRanges } from '../../db/removals/row-ranges';
import type { WaitingCopy } from '../../db/removals/pending';
import type { MailboxForSync } from '../../db/sync/mailbox-for-sync';
import type { Mailbox } from '../../mail/mailbox';
import type { ActivityContext, ActivityRun } from '../context';
import { listFolder } from '../list-folder';
import { sampleAmong } from '../still-the-same';
import { lookAtUncarried, traitsOf, type Questions } from './uncarried-messages';

interface Look {
  mailbox: MailboxForSync;
  open: Mailbox;
  /** Copies that no folder in scope shows any more, as far as is known. */
  candidates: readonly WaitingCopy[];
}

/** What a look has come to. `getsOn`: there is more to ask, and the server was asked about messages that it will not be asked about again. */
export interface LookedEverywhere {
  evidence: Evidence;
  getsOn: boolean;
}

/** So often all folders are looked at until nothing has moved between two looks. */
const mostLooks = 3;
/** So long a round asks what left-out messages are known by. */
const askForMs = 10_000;
const unproven: Evidence = { proven: false, seen: [] };

/**
 * What all folders in scope show that no copy stands for, and that might be one of the candidates. A message that is moved while this looks
 * shows in the folder that it came to, whose UIDNEXT has grown: so folders that changed are looked at again until none has. Not proven where
 * one folder is not, or where it never comes to rest. What turns out to be a candidate's message is recorded.
 * @throws MailFailure
 */
export async function lookEverywhere(
  context: ActivityContext,
  run: ActivityRun,
  look: Look,
): Promise<LookedEverywhere> {
  const most = context.limits.removalCompareMessages;
  const questions = { left: most, learnt: 0, untold: 0, endAt: context.now() + askForMs };
  const evidence = await lookUntilAtRest(context, run, { ...look, questions });
  return { evidence, getsOn: questions.learnt > 0 && (!evidence.proven || questions.untold > 0) };
}

async function lookUntilAtRest(
  context: ActivityContext,
  run: ActivityRun,
  look: Look & { questions: Questions },
): Promise<Evidence> {
  const looked = new Map<string, Looked>();
  const evidence = () => mergeEvidence(...[...looked.values()].map(({ shown }) => shown));
  for (let number = 0; number < mostLooks; number += 1) {
    const changed = await foldersToLookAt(context, look, looked);
    if (changed === null) return unproven;
    if (changed.length === 0) return evidence();
    for (const folder of changed) {
      run.signal.throwIfAborted();
      run.heartbeat();
      const before = looked.get(folder.path)?.shown ?? noEvidence;
      const { key, shown } = await lookInto(context, run, { ...look, ...folder, before });
      looked.set(folder.path, { key, shown: mergeEvidence(before, shown) });
      if (!shown.proven || seenIn(looked) > context.limits.removalCompareMessages) return unproven;
    }
  }
  // The last look has seen changes: one more STATUS says whether they were the last.
  return (await foldersToLookAt(context, look, looked))?.length === 0 ? evidence() : unproven;
}

/** What a folder has shown, and its state then. */
interface Looked {
  key: string;
  shown: Evidence;
}

function seenIn(looked: Map<string, Looked>): number {
  return [...looked.values()].reduce((sum, { shown }) => sum + shown.seen.length, 0);
}

interface ToLookAt {
  path: string;
  status: FolderStatus | null;
  generation: FolderGeneration;
}

/** Folders in scope that are not as they were looked at; null where one of them has never been listed. */
async function foldersToLookAt(
  context: ActivityContext,
  { mailbox, open }: Pick<Look, 'mailbox' | 'open'>,
  looked: Map<string, Looked>,
): Promise<ToLookAt[] | null> {
  const listed = (await open.listFolders()).filter((folder) => isInScope(folder, mailbox));
  const rows = await context.db.inTenant(mailbox.tenantId, (sql) => foldersOnRecord(sql, mailbox));
  const rowOf = new Map(rows.map((row) => [row.path, row]));
  const changed: ToLookAt[] = [];
  for (const { path, status } of listed) {
    const generation = rowOf.get(path)?.generation ?? null;
    if (generation?.uidNext == null) return null;
    const before = looked.get(path)?.key;
    if (before === undefined || before !== (await keyNow(open, { path, status })))
      changed.push({ path, status, generation });
  }
  return changed;
}

/** A folder without STATUS, as one with an odd name, is opened for it. */
async function keyNow(open: Mailbox, { path, status }: Pick<ListedFolder, 'path' | 'status'>): Promise<string> {
  return keyOf(status ?? (await open.examine(path)).snapshot);
}

function isInScope(folder: ListedFolder, { policy }: MailboxForSync): boolean {
  return folder.selectable && scopeOf(folder, policy.folders) === 'fetch';
}

function keyOf({ uidValidity, uidNext, messages }: FolderStatus): string {
  return `${uidValidity} ${String(uidNext)} ${String(messages)}`;
}

type FolderLook = Look & ToLookAt & { before: Evidence; questions: Questions };

async function lookInto(context: ActivityContext, run: ActivityRun, folder: FolderLook): Promise<Looked> {
  const { mailbox, open, generation, status, candidates, questions } = folder;
  const opened = await open.examine(folder.path);
  const key = keyOf(opened.snapshot);
  const { uidValidity } = opened.snapshot;
  if (uidValidity !== generation.uidValidity) return { key, shown: unproven };
  const listing = await listFolder(context, { mailbox, connection: open, open: opened, status, generation });
  if (!listing.proven) return { key, shown: unproven };
  const rows = await rowRanges(context.db, mailbox.tenantId, generation.id);
  // Its UIDs stand for other messages by now: what has gone may be there under one that a copy seems to stand for.
  const carried = { mailbox, opened, genId: generation.id, uids: inside(listing.uids, rows.carried) };
  const { known, shown } = await sampleAmong(context, carried);
  if (contradicts(known, shown)) {
    await lookAgain(context.db, mailbox, generation.id);
    return { key, shown: unproven };
  }
  const uids = outside(listing.uids, rows.carried);
  // It has ended in the ledger, and is here: the copy is alive, and the next round gives it its placement back.
  if (outside(uids, rows.ended).length < uids.length) return { key, shown: unproven };
  const at = { mailbox, connection: open, open: opened, genId: generation.id, uids, rows, candidates, questions };
  return { key, shown: await lookAtUncarried(context, run, { ...at, before: folder.before.seen }) };
}

/** What lies in Trash and Junk, the newest first, at most as many as may be compared: somebody put it there. */
export async function lookIntoTrash(
  context: ActivityContext,
  run: ActivityRun,
  { mailbox, open }: Pick<Look, 'mailbox' | 'open'>,
): Promise<Traits[]> {
  const shown: Traits[] = [];
  for (const folder of await open.listFolders()) {
    run.signal.throwIfAborted();
    const isThrownAway = folder.role === 'trash' || folder.role === 'junk';
    if (!folder.selectable || !isThrownAway || isInScope(folder, mailbox)) continue;
    const opened = await open.examine(folder.path);
    const uids = (await opened.listUids()).uids.slice(-context.limits.removalCompareMessages);
    shown.push(...(await opened.fetchEnvelopes(uids)).map(traitsOf));
    run.heartbeat();
  }
  return shown;
}

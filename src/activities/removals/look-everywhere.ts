import { believedListing } from '../../domain/believed-listing';
import type { FolderStatus, ListedFolder, MessageEnvelope } from '../../domain/folder';
import { scopeOf } from '../../domain/policy';
import { mergeEvidence, noEvidence, type Evidence, type Sighting, type Traits } from '../../domain/removal';
import { outside } from '../../domain/uid-set';
import { foldersOnRecord, type FolderGeneration } from '../../db/ingest/folder-read';
import { ledgerRanges } from '../../db/ingest/ledger-ranges';
import { placementsWithoutCopy } from '../../db/removals/pending';
import type { MailboxForSync } from '../../db/sync/mailbox-for-sync';
import type { Mailbox, OpenFolder } from '../../mail/mailbox';
import type { ActivityContext, ActivityRun } from '../context';

interface Look {
  mailbox: MailboxForSync;
  open: Mailbox;
  /** Nothing that was recorded before can be a message that is looked for. */
  since: Date;
}

/** So often all folders are looked at until nothing has moved between two looks. */
const mostLooks = 3;
const unproven: Evidence = { proven: false, seen: [] };

/**
 * What all folders in scope show that no copy stands for. A message that is moved while this looks shows in the folder that it came to,
 * whose UIDNEXT has grown: so folders that changed are looked at again until none has. Not proven where one folder is not, or where
 * it never comes to rest.
 * @throws MailFailure
 */
export async function lookEverywhere(context: ActivityContext, run: ActivityRun, look: Look): Promise<Evidence> {
  const looked = new Map<string, string>();
  const withoutCopy = await placementsWithoutCopy(context.db, look.mailbox, look.since);
  let evidence = noEvidence;
  for (let number = 0; number < mostLooks; number += 1) {
    const changed = await foldersToLookAt(context, look, looked);
    if (changed === null) return unproven;
    if (changed.length === 0) return evidence;
    for (const folder of changed) {
      run.signal.throwIfAborted();
      run.heartbeat();
      const { key, shown } = await lookInto(context, look, { ...folder, withoutCopy });
      evidence = mergeEvidence(evidence, shown);
      if (!evidence.proven || evidence.seen.length > context.limits.removalCompareMessages) return unproven;
      looked.set(folder.path, key);
    }
  }
  // The last look has seen changes: one more STATUS says whether they were the last.
  return (await foldersToLookAt(context, look, looked))?.length === 0 ? evidence : unproven;
}

interface ToLookAt {
  path: string;
  status: FolderStatus | null;
  generation: FolderGeneration;
}

/** Folders in scope that are not as they were looked at; null where one of them has never been listed. */
async function foldersToLookAt(
  context: ActivityContext,
  { mailbox, open }: Look,
  looked: Map<string, string>,
): Promise<ToLookAt[] | null> {
  const listed = (await open.listFolders()).filter((folder) => isInScope(folder, mailbox));
  const rows = await context.db.inTenant(mailbox.tenantId, (sql) => foldersOnRecord(sql, mailbox));
  const rowOf = new Map(rows.map((row) => [row.path, row]));
  const changed: ToLookAt[] = [];
  for (const { path, status } of listed) {
    const generation = rowOf.get(path)?.generation ?? null;
    if (generation?.uidNext == null) return null;
    const before = looked.get(path);
    // A server without STATUS for it: it is opened each time, and the last look must be the same as the one before.
    if (before === undefined || status === null || keyOf(status) !== before) changed.push({ path, status, generation });
  }
  return changed;
}

function isInScope(folder: ListedFolder, { policy }: MailboxForSync): boolean {
  return folder.selectable && scopeOf(folder, policy.folders) === 'fetch';
}

function keyOf({ uidValidity, uidNext, messages }: FolderStatus): string {
  return `${uidValidity} ${String(uidNext)} ${String(messages)}`;
}

async function lookInto(
  context: ActivityContext,
  { mailbox, open }: Look,
  folder: ToLookAt & { withoutCopy: Map<number, Sighting[]> },
): Promise<{ key: string; shown: Evidence }> {
  const { generation, status } = folder;
  const opened = await open.examine(folder.path);
  const key = keyOf(opened.snapshot);
  const { uidValidity } = opened.snapshot;
  if (uidValidity !== generation.uidValidity) return { key, shown: unproven };
  const listing = believedListing(await opened.listUids(), { status, uidValidity });
  if (!listing.proven) return { key, shown: unproven };
  const known = await ledgerRanges(context.db, mailbox.tenantId, { genId: generation.id, scope: 'fetch' });
  const missing = outside(listing.uids, known);
  const bare = folder.withoutCopy.get(generation.id) ?? [];
  const undescribed = bare.filter(({ size, internalDate }) => size === null || internalDate === null);
  const asked = [...missing, ...undescribed.map(({ uid }) => uid)];
  if (asked.length > context.limits.removalCompareMessages) return { key, shown: unproven };
  const described = await describe(opened, { genId: generation.id, uids: asked });
  const seen = [...bare.filter((one) => !undescribed.includes(one)), ...described];
  return { key, shown: { proven: true, seen } };
}

/** A message that the server lists and says nothing of may be any: nothing of it is known. */
async function describe(opened: OpenFolder, { genId, uids }: { genId: number; uids: number[] }): Promise<Sighting[]> {
  const ascending = [...new Set(uids)].sort((one, other) => one - other);
  const envelopes = new Map((await opened.fetchEnvelopes(ascending)).map((envelope) => [envelope.uid, envelope]));
  return ascending.map((uid) => ({ genId, uid, ...traitsOf(envelopes.get(uid)) }));
}

function traitsOf(envelope: MessageEnvelope | undefined): Traits {
  if (envelope === undefined) return { providerId: null, size: null, internalDate: null };
  const { providerId, size, internalDate } = envelope;
  return { providerId, size: size > 0 ? size : null, internalDate: internalDate?.getTime() ?? null };
}

/** What lies in Trash and Junk, the newest first, at most as many as may be compared: somebody put it there. */
export async function lookIntoTrash(
  context: ActivityContext,
  run: ActivityRun,
  { mailbox, open }: Omit<Look, 'since'>,
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

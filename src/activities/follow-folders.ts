import { MailFailure } from '../domain/failure';
import type { ListedFolder } from '../domain/folder';
import { disagreement, type Disagreement } from '../domain/folder-changes';
import { foldersOnRecord, type FolderOnRecord, type KnownFolder } from '../db/ingest/folder-read';
import { agree, reconcileFolders, shownFolders, type FolderChanges } from '../db/ingest/folder-write';
import type { MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { Mailbox } from '../mail/mailbox';
import type { ActivityContext, ActivityRun } from './context';
import { findRenamed } from './find-renamed';

/** What a sweep works with: the folders of a mailbox that can be looked at now, and how each was listed. */
export interface FollowedFolders {
  folders: KnownFolder[];
  listed: ListedFolder[];
}

/**
 * Lists the folders and makes the rows follow: renamed, created, deleted, made selectable or not, in scope or out of it. A folder that the
 * listing leaves out is only gone when a second, fresh connection leaves it out too and does not open it.
 * Second run: no change.
 * @throws MailFailure where the server shows no folders, or too many
 */
export async function followFolders(
  context: ActivityContext,
  run: ActivityRun,
  at: { mailbox: MailboxForSync; open: Mailbox },
): Promise<FollowedFolders> {
  const { tenantId, policy } = at.mailbox;
  const [listed, onRecord] = await Promise.all([
    listAll(context, at.open),
    context.db.preparedInTenant(tenantId, (sql) => foldersOnRecord(sql, at.mailbox)),
  ]);
  const between = disagreement(onRecord, listed);
  if (isNothing(between) && agree(onRecord, listed, policy)) {
    return { folders: shownFolders(onRecord, listed, policy), listed };
  }
  const { changes, stillThere } = await explain(context, run, { ...at, listed, between });
  const all = [...listed.filter(({ path }) => !stillThere.some((held) => held.path === path)), ...stillThere];
  return { folders: await reconcileFolders(context.db, at.mailbox, { listed: all, changes }), listed: all };
}

/** A name that stands for no messages yet (`reoccupied`) is only of interest where something has lost its name. */
function isNothing({ lost, replaced, forgotten, appeared }: Disagreement<FolderOnRecord>): boolean {
  return lost.length + replaced.length + forgotten.length + appeared.length === 0;
}

/** All folders. No folder at all is a broken server, not an empty account; there is INBOX at least (RFC 9051 5.1). */
async function listAll(context: ActivityContext, open: Mailbox): Promise<ListedFolder[]> {
  const listed = await open.listFolders();
  if (listed.length === 0) throw new MailFailure('refused', 'LIST', { code: 'empty-listing' });
  if (listed.length > context.limits.maxFolders) throw new MailFailure('refused', 'LIST', { code: 'too-many-folders' });
  return listed;
}

interface Unexplained {
  mailbox: MailboxForSync;
  open: Mailbox;
  listed: ListedFolder[];
  between: Disagreement<FolderOnRecord>;
}

interface Explained {
  changes: FolderChanges;
  /** Folders that the listing left out, or called unselectable, and that are there all the same. */
  stillThere: ListedFolder[];
}

async function explain(context: ActivityContext, run: ActivityRun, of: Unexplained): Promise<Explained> {
  const { lost, replaced, forgotten } = of.between;
  const renamed = await findRenamed(context, run, of);
  const found = new Set(renamed.map(({ folderId }) => folderId));
  const taken = new Set(renamed.map(({ path }) => path));
  // Another folder bears its name now, and it has not been found under any: the server has shown what took its place.
  const displaced = [...lost, ...replaced].filter(({ folderId, path }) => !found.has(folderId) && taken.has(path));
  const missed = lost.filter(({ folderId, path }) => !found.has(folderId) && !taken.has(path));
  const sure = await askAgain(context, run, { ...of, missed });
  const gone = [...sure.gone, ...[...displaced, ...forgotten].map(({ folderId }) => folderId)];
  return { changes: { renamed, gone, closed: sure.closed }, stillThere: sure.stillThere };
}

interface Asked {
  gone: string[];
  closed: string[];
  stillThere: ListedFolder[];
}

/** Opening each costs a round trip or two; so many that have really gone are believed after two listings. */
const openedAtMost = 200;

/** Asks a fresh connection for folders that a listing missed: a server that had a bad moment must not end thousands of placements. */
async function askAgain(
  context: ActivityContext,
  run: ActivityRun,
  of: Unexplained & { missed: FolderOnRecord[] },
): Promise<Asked> {
  const asked: Asked = { gone: [], closed: [], stillThere: [] };
  if (of.missed.length === 0) return asked;
  const fresh = await context.connect(of.mailbox).catch(failureAsNull);
  try {
    const again = await (fresh === null ? null : listAll(context, fresh).catch(failureAsNull));
    const { open, proofs, mostOpened } = againstWhat(of.open, again === null ? null : fresh);
    for (const [number, folder] of of.missed.entries()) {
      run.signal.throwIfAborted();
      run.heartbeat();
      const first = of.listed.find(({ path }) => path === folder.path);
      const second = again?.find(({ path }) => path === folder.path);
      const isListed = (second ?? first) !== undefined;
      if (second?.selectable === true) asked.stillThere.push(second);
      else {
        const opens = number < mostOpened ? await tryToOpen(open, folder.path, proofs) : 'no';
        note(asked, { folder, isListed, opens });
      }
    }
  } finally {
    await fresh?.close();
  }
  return asked;
}

/** What is asked whether a folder can be opened, and what it must say; a server may allow one connection only. */
function againstWhat(open: Mailbox, fresh: Mailbox | null) {
  if (fresh === null) return { open, proofs: byOneListing, mostOpened: Infinity };
  return { open: fresh, proofs: afterTwoListings, mostOpened: openedAtMost };
}

/** `not-now` where nothing is known of the folder, which stays as it is then. */
type Opens = 'yes' | 'no' | 'not-now';

function note(asked: Asked, { folder, opens, isListed }: { folder: FolderOnRecord; opens: Opens; isListed: boolean }) {
  if (opens === 'yes') asked.stillThere.push(asBefore(folder));
  if (opens === 'no') (isListed ? asked.closed : asked.gone).push(folder.folderId);
}

/** Which failures say that a folder is no more: after a second listing also a refusal; without one just the server's word. */
const byOneListing: ReadonlySet<string> = new Set(['gone']);
const afterTwoListings: ReadonlySet<string> = new Set([...byOneListing, 'refused']);

async function tryToOpen(open: Mailbox, path: string, proofs: ReadonlySet<string>): Promise<Opens> {
  try {
    await open.examine(path);
    return 'yes';
  } catch (error) {
    if (!(error instanceof MailFailure) || !open.usable) throw error;
    return proofs.has(error.kind) ? 'no' : 'not-now';
  }
}

function failureAsNull(error: unknown): null {
  if (error instanceof MailFailure) return null;
  throw error;
}

/** A folder that opens although no listing shows it: nothing is known of its state but that it is there. */
function asBefore({ path, role }: FolderOnRecord): ListedFolder {
  return { path, delimiter: null, role: role as ListedFolder['role'], selectable: true, status: null };
}

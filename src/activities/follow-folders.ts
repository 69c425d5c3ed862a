import { asksForRest, MailFailure } from '../domain/failure';
import type { ListedFolder } from '../domain/folder';
import { disagreement, type Disagreement } from '../domain/folder-changes';
import { foldersOnRecord, type FolderOnRecord, type KnownFolder } from '../db/ingest/folder-read';
import { agree, reconcileFolders, shownFolders, type FolderChanges } from '../db/ingest/folder-write';
import { noteAllMail } from '../db/ingest/partial-view';
import { askForAudit } from '../db/sync/audits-due';
import type { MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { Mailbox } from '../mail/mailbox';
import type { ActivityContext, ActivityRun } from './context';
import { findRenamed } from './find-renamed';
import { onFreshConnection } from './second-look';

/** What a sweep works with: the folders of a mailbox that can be looked at now, and how each was listed. */
export interface FollowedFolders {
  folders: KnownFolder[];
  listed: ListedFolder[];
  /** The folder of all mail, where the provider has one; null elsewhere. */
  allMail: 'shown' | 'hidden' | null;
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
  const begunAt = Date.now();
  const { listed, onRecord } = await listBeside(context, at);
  const allMail = at.open.abilities.gmail ? isAllMailShown(listed) : null;
  if (allMail !== null) await noteAllMail(context.db, at.mailbox, allMail);
  const { policy } = at.mailbox;
  const between = disagreement(onRecord, listed);
  if (isNothing(between) && agree(onRecord, listed, policy)) {
    return { folders: shownFolders(onRecord, listed, policy), listed, allMail };
  }
  const { changes, stillThere, unknown } = await explain(context, run, { ...at, listed, between, begunAt });
  const other = new Set([...stillThere.map(({ path }) => path), ...unknown]);
  const all = [...listed.filter(({ path }) => !other.has(path)), ...stillThere];
  const folders = await reconcileFolders(context.db, at.mailbox, { listed: all, changes });
  if (between.appeared.length > 0) await provenSoon(context, at.mailbox);
  return { folders, listed: all, allMail };
}

/** Until a folder that is new has been compared, nothing can be said of its mailbox; who makes many is compared no more often than an audit is tried again. */
async function provenSoon({ db, limits }: ActivityContext, { tenantId, sourceId }: MailboxForSync): Promise<void> {
  const { auditRetryMs } = limits;
  const wish = { cause: 'import', apartMs: auditRetryMs, retryMs: auditRetryMs } as const;
  await askForAudit(db, { tenantId, mailboxId: sourceId }, wish);
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

/** Where it is hidden from IMAP, mail without a label is in no folder, and the other folders are synced instead. */
function isAllMailShown(listed: ListedFolder[]): 'shown' | 'hidden' {
  return listed.some(({ role, selectable }) => role === 'all' && selectable) ? 'shown' : 'hidden';
}

/** A session of Dovecot goes on showing a folder as unselectable that was made anew meanwhile, for as long as it lasts. */
const trustedMs = 60_000;

/** The listing, and what is on record; both anew where an old session shows folders as unselectable that once held messages. */
async function listBeside(
  context: ActivityContext,
  { mailbox, open }: { mailbox: MailboxForSync; open: Mailbox },
): Promise<{ listed: ListedFolder[]; onRecord: FolderOnRecord[] }> {
  const [listed, onRecord] = await Promise.all([
    listAll(context, open),
    context.db.preparedInTenant(mailbox.tenantId, (sql) => foldersOnRecord(sql, mailbox)),
  ]);
  const closed = new Set(listed.flatMap(({ path, selectable }) => (selectable ? [] : [path])));
  const isDoubtful = onRecord.some(({ path, hadMessages, generation }) => {
    return generation === null && hadMessages && closed.has(path);
  });
  if (!isDoubtful || Date.now() - open.openedAt <= trustedMs) return { listed, onRecord };
  await open.reopen();
  return { listed: await listAll(context, open), onRecord };
}

interface Unexplained {
  /** Milliseconds since the epoch. */
  begunAt: number;
  mailbox: MailboxForSync;
  open: Mailbox;
  listed: ListedFolder[];
  between: Disagreement<FolderOnRecord>;
}

interface Explained {
  changes: FolderChanges;
  /** Folders that the listing left out, or called unselectable, and that are there all the same. */
  stillThere: ListedFolder[];
  /** Paths of folders of which nothing is known now: they stay as they are on record, as if they were not listed. */
  unknown: string[];
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
  return { changes: { renamed, gone, closed: sure.closed }, stillThere: sure.stillThere, unknown: sure.unknown };
}

interface Asked {
  gone: string[];
  closed: string[];
  stillThere: ListedFolder[];
  unknown: string[];
}

/** Opening each costs a round trip or two; so many that have really gone are believed after two listings. */
const openedAtMost = 200;

/** Asks a fresh connection for folders that a listing missed: a server that had a bad moment must not end thousands of placements. */
async function askAgain(
  context: ActivityContext,
  run: ActivityRun,
  of: Unexplained & { missed: FolderOnRecord[] },
): Promise<Asked> {
  const asked: Asked = { gone: [], closed: [], stillThere: [], unknown: [] };
  if (of.missed.length === 0) return asked;
  await onFreshConnection(context, of, async (fresh) => {
    const again = await listAll(context, fresh).catch(failureAsNull);
    const { proofs, mostOpened } = again === null ? byOneListing : afterTwoListings;
    for (const [number, folder] of of.missed.entries()) {
      run.signal.throwIfAborted();
      run.heartbeat();
      const first = of.listed.find(({ path }) => path === folder.path);
      const second = again?.find(({ path }) => path === folder.path);
      const isListed = (second ?? first) !== undefined;
      if (second?.selectable === true) asked.stillThere.push(second);
      else {
        const opens = number < mostOpened ? await tryToOpen(fresh, folder.path, proofs) : 'no';
        note(asked, { folder, isListed, opens });
      }
    }
  });
  // A session that has stayed behind would not open what it does not list.
  const isBehind = asked.stillThere.some(({ status }) => status !== null);
  if (isBehind && of.open.openedAt < of.begunAt) await of.open.reopen();
  return asked;
}

/** `not-now` where nothing is known of the folder, which stays as it is then. */
type Opens = 'yes' | 'no' | 'not-now';

function note(asked: Asked, { folder, opens, isListed }: { folder: FolderOnRecord; opens: Opens; isListed: boolean }) {
  if (opens === 'yes') asked.stillThere.push(asBefore(folder));
  if (opens === 'not-now') asked.unknown.push(folder.path);
  if (opens === 'no') (isListed ? asked.closed : asked.gone).push(folder.folderId);
}

interface Proofs {
  /** Which failures to open a folder say that it is no more. */
  proofs: ReadonlySet<string>;
  mostOpened: number;
}

/** After a second listing also a refusal proves it; without one just the server's word. */
const byOneListing: Proofs = { proofs: new Set(['gone']), mostOpened: Infinity };
const afterTwoListings: Proofs = { proofs: new Set(['gone', 'refused']), mostOpened: openedAtMost };

async function tryToOpen(open: Mailbox, path: string, proofs: ReadonlySet<string>): Promise<Opens> {
  try {
    await open.examine(path);
    return 'yes';
  } catch (error) {
    if (!(error instanceof MailFailure) || !open.usable || asksForRest(error)) throw error;
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

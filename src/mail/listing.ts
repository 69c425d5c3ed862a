import type { ListResponse, StatusObject } from 'imapflow';

import type { FolderRole, FolderStatus, ListedFolder } from '../domain/folder';
import { MailFailure } from '../domain/failure';
import { isOddName, keptName } from './folder-names';
import { statusByName } from './open-by-name';
import type { Session } from './session';

/** RFC 6154 and what imapflow makes of XLIST; `\Important` of Gmail is a view and no role. */
const roles: ReadonlyMap<string, FolderRole> = new Map([
  ['\\inbox', 'inbox'],
  ['\\sent', 'sent'],
  ['\\drafts', 'drafts'],
  ['\\junk', 'junk'],
  ['\\spam', 'junk'],
  ['\\trash', 'trash'],
  ['\\archive', 'archive'],
  ['\\all', 'all'],
  ['\\allmail', 'all'],
  ['\\flagged', 'flagged'],
  ['\\starred', 'flagged'],
]);

/**
 * Every folder with its STATUS, in one command where LIST-STATUS exists. A folder whose STATUS the server left out, refused or
 * garbled has `status: null`: that it is empty is not known. The folder that is open is left; where it is kept, what changes in it
 * meanwhile is told by EXISTS, and its STATUS may be that from before.
 * @throws MailFailure
 */
export async function listFolders(session: Session, openFolder: 'left' | 'kept' = 'left'): Promise<ListedFolder[]> {
  return session.run('LIST', async () => {
    const { client } = session;
    if (openFolder === 'left') await leaveFolder(session);
    else if (client.mailbox !== false) await client.noop();
    const listed = await client.list({ statusQuery });
    // imapflow hides a lost connection in the status of each folder that was still to be asked.
    if (!client.usable) throw new MailFailure('unreachable', 'STATUS', { code: 'connection-lost' });
    // Some servers list INBOX twice, once by its namespace.
    const folders = [...new Map(listed.map(folderOf).map((folder) => [folder.path, folder])).values()];
    return client.capabilities.has('X-GM-EXT-1') ? withLabelViews(folders) : folders;
  });
}

const statusQuery = { messages: true, uidNext: true, uidValidity: true, highestModseq: true };

/**
 * What STATUS says of one folder now; no folder is open after it. Null where it is not known, as in a listing.
 * @throws MailFailure
 */
export async function folderStatus(session: Session, path: string): Promise<FolderStatus | null> {
  return session.run('STATUS', async () => {
    const { client } = session;
    await leaveFolder(session);
    const status = await statusByName(client, { path, query: statusQuery });
    if (!client.usable) throw new MailFailure('unreachable', 'STATUS', { code: 'connection-lost' });
    return status === false ? null : statusOf(status);
  });
}

/**
 * RFC 9051 6.3.11: STATUS is not meant for the selected folder; Dovecot answers what the session saw last. It also ends the session where
 * the selected folder has been made anew, so UNSELECT (6.4.2) goes before NOOP (6.1.2), which brings the session up to date.
 */
async function leaveFolder({ client }: Session): Promise<void> {
  if (client.mailbox === false) return;
  // imapflow's own mailboxClose would send CLOSE, which expunges.
  const run: unknown = Reflect.get(client, 'run');
  if (client.capabilities.has('UNSELECT') && typeof run === 'function') {
    await Reflect.apply(run, client, ['CLOSE', { unselect: true }]);
  } else await client.noop();
}

const besideAllMail: ReadonlySet<FolderRole | null> = new Set<FolderRole | null>(['all', 'junk', 'trash', 'drafts']);

/**
 * Gmail shows each label as a folder, and every message but those of \\Junk and \\Trash in the folder \\All as well, unless a person has hidden
 * that from IMAP.
 */
function withLabelViews(folders: ListedFolder[]): ListedFolder[] {
  if (!folders.some(({ role, selectable }) => role === 'all' && selectable)) return folders;
  return folders.map((folder) => (besideAllMail.has(folder.role) ? folder : { ...folder, view: 'label' }));
}

function folderOf(entry: ListResponse): ListedFolder {
  const flags = new Set([...entry.flags].map((flag) => flag.toLowerCase()));
  const selectable = !flags.has('\\noselect') && !flags.has('\\nonexistent');
  const kept = keptName(entry.pathAsListed);
  const isOdd = isOddName(kept);
  return {
    path: isOdd ? kept : entry.path,
    delimiter: entry.delimiter === '' ? null : entry.delimiter,
    role: roleOf(entry, flags),
    selectable,
    // imapflow asks for the state of a folder with an odd name under another name.
    status: selectable && !isOdd ? statusOf(entry.status) : null,
  };
}

/** The server's own flags first; else imapflow's knowledge of names, for a folder at the top or right below INBOX. */
function roleOf(entry: ListResponse, flags: ReadonlySet<string>): FolderRole | null {
  if (entry.path.toUpperCase() === 'INBOX') return 'inbox';
  for (const flag of flags) {
    const role = roles.get(flag);
    if (role !== undefined) return role;
  }
  const named = roles.get(entry.specialUse?.toLowerCase() ?? '') ?? null;
  // "Customers/Trash GmbH" is a customer: a folder is left out of the sync by this, so a guess must be near certain.
  const [parent, ...deeper] = entry.parent;
  const nearTop = parent === undefined || (deeper.length === 0 && /^(?:inbox|\[g(?:oogle )?mail\])$/i.test(parent));
  return nearTop ? named : null;
}

function statusOf(status: StatusObject | undefined): FolderStatus | null {
  if (status?.uidValidity === undefined || status.uidNext === undefined || status.messages === undefined) return null;
  return {
    uidValidity: status.uidValidity.toString(),
    uidNext: status.uidNext,
    messages: status.messages,
    highestModseq: modseqOf(status.highestModseq),
  };
}

/** Some servers say 0 or less for a folder whose changes they do not count. */
export function modseqOf(modseq: bigint | undefined): string | null {
  return modseq === undefined || modseq <= 0n ? null : modseq.toString();
}

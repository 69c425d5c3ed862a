import type { ListedFolder } from './folder';
import { scopeOf, type Policy } from './policy';

/** A folder as the ledger has it; `cursor` null: it was never listed. */
export interface StoredFolder {
  path: string;
  role: ListedFolder['role'];
  /** Its mail is fetched, by the last round. */
  inScope: boolean;
  cursor: { uidValidity: string; uidNext: number; messages: number | null; modseq: string | null } | null;
}

/**
 * Whether the ledger may be behind what the server shows, or what the policy wants: a folder has come or gone, is in scope and was not, or
 * the other way round; one with a cursor cannot be opened any more; or the state of one in scope differs from its cursor. A modseq that only
 * one side knows says nothing. A state that the server does not tell is looked at.
 */
export function isBehind(
  listed: readonly ListedFolder[],
  stored: readonly StoredFolder[],
  policy: Policy['folders'],
): boolean {
  const known = new Map(stored.map((folder) => [folder.path, folder]));
  if (known.size !== listed.length) return true;
  return listed.some((folder) => {
    const before = known.get(folder.path);
    if (before?.inScope !== isFetched(folder, policy)) return true;
    // RFC 9051 6.3.5: a folder that is deleted while it has others below it stays in the list, as \Noselect.
    if (!folder.selectable) return before.cursor !== null;
    return isInScope(folder, policy) && differs(folder.status, before.cursor);
  });
}

function differs(status: ListedFolder['status'], cursor: StoredFolder['cursor']): boolean {
  if (status === null || cursor === null) return true;
  return (
    status.uidValidity !== cursor.uidValidity ||
    status.uidNext !== cursor.uidNext ||
    status.messages !== cursor.messages ||
    (status.highestModseq !== null && cursor.modseq !== null && status.highestModseq !== cursor.modseq)
  );
}

/** What a sweep showed of the folders in scope, as one text: two sweeps with the same text have nothing new between them. */
export function stateOf(listed: readonly ListedFolder[], policy: Policy['folders']): string {
  return listed
    .map((folder) => (isInScope(folder, policy) ? `${folder.path} ${stateOfOne(folder)}` : folder.path))
    .sort()
    .join('\n');
}

function stateOfOne({ status }: ListedFolder): string {
  if (status === null) return '?';
  return [status.uidValidity, status.uidNext, status.messages, status.highestModseq ?? ''].join(' ');
}

/** Whether anything is to be known of one of these folders. */
export function anyInScope(folders: readonly ListedFolder[], policy: Policy['folders']): boolean {
  return folders.some((folder) => isInScope(folder, policy));
}

function isFetched(folder: ListedFolder, policy: Policy['folders']): boolean {
  return folder.selectable && scopeOf(folder, policy) === 'fetch';
}

function isInScope(folder: ListedFolder, policy: Policy['folders']): boolean {
  return folder.selectable && scopeOf(folder, policy) !== 'ignore';
}

/**
 * The folder that IDLE is to watch where a server tells of one alone: at Gmail the folder of all mail, which is the one that is synced; else
 * INBOX where it is in scope; else the first in scope. INBOX where no folder is known yet: it is always there (RFC 9051 5.1).
 */
export function folderToWatch(
  stored: readonly Pick<StoredFolder, 'path' | 'role'>[],
  policy: Policy['folders'],
  provider: string,
): string {
  const inScope = stored.filter((folder) => scopeOf(folder, policy) === 'fetch');
  const isGmail = provider === 'gmail' || provider === 'google-workspace';
  const all = isGmail ? inScope.find((folder) => folder.role === 'all') : undefined;
  const inbox = inScope.find((folder) => folder.path.toUpperCase() === 'INBOX');
  return (all ?? inbox ?? inScope[0])?.path ?? 'INBOX';
}

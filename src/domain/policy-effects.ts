import { scopeOf, type FolderScope, type Policy } from './policy';

/** What a changed policy will do, beside folders that come into scope or leave it. Each has its sentence. */
export const effectCodes = [
  'reconnects',
  'folders-enter',
  'folders-leave',
  'refresh-time',
  'visibility-of-new-mail',
  'attachments-of-new-mail',
  'size-of-new-mail',
  'unmatched-new-mail-kept',
  'unmatched-new-mail-dropped',
  'mail-matched-again',
  'removals-mirrored',
  'removals-kept',
  'removal-grace',
  'flags-followed',
  'flags-ignored',
  'new-mail-marked-seen',
  'new-mail-not-marked-seen',
  'activities-of-new-mail',
  'no-activities-of-new-mail',
  'activities-removed',
  'activities-noted',
  'stop-keeps',
  'stop-deletes',
  'deletion-undo',
] as const;

export type EffectCode = (typeof effectCodes)[number];

/** Whether the stored mail of a source belongs to other records by the one policy than by the other. */
export function matchesOtherwise(before: Policy, after: Policy): boolean {
  return policyEffects(before, after).includes('mail-matched-again');
}

/** Folders are told one by one, and a start point cannot be changed. */
type ToldField = Exclude<keyof Policy, 'folders' | 'start'>;

/** The effects of a change of policy on mail, in the order in which they are told. Folders and access are not looked at. */
export function policyEffects(before: Policy, after: Policy): EffectCode[] {
  const effects = effectsTowards(after);
  const changed = (Object.keys(effects) as ToldField[]).filter(
    (name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  );
  return [...new Set(changed.map((name) => effects[name]))];
}

/** What the change of each field does. One that is missing does not compile. */
function effectsTowards(after: Policy): Record<ToldField, EffectCode> {
  return {
    refreshSeconds: 'refresh-time',
    visibility: 'visibility-of-new-mail',
    attachments: 'attachments-of-new-mail',
    maxMessageBytes: 'size-of-new-mail',
    unmatched: after.unmatched === 'keep' ? 'unmatched-new-mail-kept' : 'unmatched-new-mail-dropped',
    matchKinds: 'mail-matched-again',
    matchHeaders: 'mail-matched-again',
    matchTypes: 'mail-matched-again',
    gmailAddresses: 'mail-matched-again',
    companyDomains: 'mail-matched-again',
    severalCompanies: 'mail-matched-again',
    removals: after.removals === 'mirror' ? 'removals-mirrored' : 'removals-kept',
    removalGraceSeconds: 'removal-grace',
    flags: after.flags === 'follow' ? 'flags-followed' : 'flags-ignored',
    markSeen: after.markSeen ? 'new-mail-marked-seen' : 'new-mail-not-marked-seen',
    activity: after.activity === null ? 'no-activities-of-new-mail' : 'activities-of-new-mail',
    activityOnDelete: after.activityOnDelete === 'note' ? 'activities-noted' : 'activities-removed',
    onStop: after.onStop === 'delete' ? 'stop-deletes' : 'stop-keeps',
    deletionUndoSeconds: 'deletion-undo',
  };
}

/** A folder as the last listing left it. */
export interface ScopedFolder {
  path: string;
  role: Parameters<typeof scopeOf>[0]['role'];
  inScope: boolean;
  /** null: it was never opened. */
  genId: number | null;
}

/** A folder with which something else will be done. */
export interface ScopeChange<Folder extends ScopedFolder> {
  folder: Folder;
  from: FolderScope;
  to: FolderScope;
}

/** The folders with which a changed policy does something else. One that cannot be opened (\Noselect) is in no scope. */
export function scopeChanges<Folder extends ScopedFolder>(
  folders: Folder[],
  before: Policy,
  after: Policy,
): ScopeChange<Folder>[] {
  return folders.flatMap((folder) => {
    const from = scopeOf(folder, before.folders);
    const to = scopeOf(folder, after.folders);
    const cannotBeOpened = from === 'fetch' && !folder.inScope && folder.genId === null;
    return from === to || cannotBeOpened ? [] : [{ folder, from, to }];
  });
}

/** What the ledger holds of a folder. */
export interface LedgerOfFolder {
  rows: number;
  recorded: number;
  /** Live rows of mail that was left out because of the folder's role. */
  leftOut: number;
}

/**
 * How many messages will be fetched of a folder: 0 where it is not fetched, null where that is unknown until the next listing. Known it
 * is only where the ledger has every message (the folder was looked at, for its rows alone) and no start point divides them.
 */
export function messagesToFetch(
  change: Pick<ScopeChange<ScopedFolder>, 'from' | 'to'>,
  ledger: LedgerOfFolder,
  start: Policy['start'],
): number | null {
  if (change.to !== 'fetch') return 0;
  return change.from === 'ledger-only' && start.from === 'everything' ? ledger.leftOut : null;
}

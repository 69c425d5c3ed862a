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
  'flags-followed',
  'flags-ignored',
  'new-mail-marked-seen',
  'new-mail-not-marked-seen',
  'activities-removed',
  'activities-noted',
  'stop-keeps',
  'stop-deletes',
  'deletion-undo',
] as const;

export type EffectCode = (typeof effectCodes)[number];

/** What of a policy decides which records mail belongs to. */
const matchingFields = [
  'matchKinds',
  'matchHeaders',
  'matchTypes',
  'gmailAddresses',
  'companyDomains',
  'severalCompanies',
] as const satisfies (keyof Policy)[];

/** Whether the stored mail of a source belongs to other records by the one policy than by the other. */
export function matchesOtherwise(before: Policy, after: Policy): boolean {
  return policyEffects(before, after).includes('mail-matched-again');
}

/** The effects of a change of policy on mail, in the order in which they are told. Folders and access are not looked at. */
export function policyEffects(before: Policy, after: Policy): EffectCode[] {
  const differs = (name: keyof Policy) => JSON.stringify(before[name]) !== JSON.stringify(after[name]);
  const effects: [keyof Policy, EffectCode][] = [
    ['refreshSeconds', 'refresh-time'],
    ['visibility', 'visibility-of-new-mail'],
    ['attachments', 'attachments-of-new-mail'],
    ['maxMessageBytes', 'size-of-new-mail'],
    ['unmatched', after.unmatched === 'keep' ? 'unmatched-new-mail-kept' : 'unmatched-new-mail-dropped'],
    ...matchingFields.map((name): [keyof Policy, EffectCode] => [name, 'mail-matched-again']),
    ['removals', after.removals === 'mirror' ? 'removals-mirrored' : 'removals-kept'],
    ['flags', after.flags === 'follow' ? 'flags-followed' : 'flags-ignored'],
    ['markSeen', after.markSeen ? 'new-mail-marked-seen' : 'new-mail-not-marked-seen'],
    ['activityOnDelete', after.activityOnDelete === 'note' ? 'activities-noted' : 'activities-removed'],
    ['onStop', after.onStop === 'delete' ? 'stop-deletes' : 'stop-keeps'],
    ['deletionUndoSeconds', 'deletion-undo'],
  ];
  return [...new Set(effects.filter(([name]) => differs(name)).map(([, code]) => code))];
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

import type { FolderRole } from './folder';

export type AddressKind = 'business' | 'private' | 'other';
export type MatchHeader = 'From' | 'Sender' | 'Reply-To' | 'To' | 'Cc' | 'Bcc' | 'Delivered-To';
export type Visibility = 'private' | 'metadata' | 'subject' | 'full';

/** The numbers of `copy.visibility` and `timeline.level`. */
export const visibilityLevels: Record<Visibility, number> = { private: 0, metadata: 1, subject: 2, full: 3 };

/** How a source behaves. Every behaviour that products disagree on is a value here, never a fork in the code. */
export interface Policy {
  folders: { mode: 'all' | 'selected'; include: string[]; exclude: string[] };
  start: { from: 'now' | 'everything' | 'unread' } | { from: 'date'; date: string };
  refreshSeconds: number;
  removals: 'keep' | 'mirror';
  removalGraceSeconds: number;
  flags: 'follow' | 'ignore';
  markSeen: boolean;
  attachments: 'store' | 'metadata' | 'drop';
  maxMessageBytes: number;
  unmatched: 'keep' | 'drop';
  matchKinds: AddressKind[];
  matchHeaders: MatchHeader[];
  /** Where an address belongs to several records: all of them, or those of the first of these types that has any, and no others. */
  matchTypes: 'all' | string[];
  /** Whether addresses of Gmail are one where they differ by dots and tags only. */
  gmailAddresses: 'exact' | 'fold-dots-and-tags';
  /** Whether mail from or to a company's domain belongs to the company. */
  companyDomains: 'off' | 'link';
  severalCompanies: 'link-all' | 'link-none';
  visibility: Visibility;
  activity: null | { type: string; status: string; requireUser: boolean; requireSubject: boolean };
  /** What becomes of the activities of messages that go with the mailbox, or are removed by `mirror`: nothing, or a note without content. */
  activityOnDelete: 'remove' | 'note';
  onStop: 'keep' | 'delete';
  /** A deletion waits so long before it begins, and can be taken back meanwhile. */
  deletionUndoSeconds: number;
}

/** What a source does that nobody has told otherwise; also the preset `register`. */
export const defaultPolicy: Policy = {
  folders: { mode: 'all', include: [], exclude: [] },
  start: { from: 'now' },
  refreshSeconds: 300,
  removals: 'keep',
  removalGraceSeconds: 600,
  flags: 'follow',
  markSeen: false,
  attachments: 'store',
  maxMessageBytes: 52_428_800,
  unmatched: 'keep',
  matchKinds: ['business', 'private', 'other'],
  matchHeaders: ['From', 'Sender', 'Reply-To', 'To', 'Cc', 'Bcc'],
  matchTypes: 'all',
  gmailAddresses: 'exact',
  companyDomains: 'off',
  severalCompanies: 'link-all',
  visibility: 'private',
  activity: null,
  activityOnDelete: 'remove',
  onStop: 'keep',
  deletionUndoSeconds: 0,
};

/** Whole policies by name; single values given beside a preset win. */
export const presets = {
  register: {},
  mirror: { removals: 'mirror', onStop: 'delete', visibility: 'full', matchKinds: ['business'] },
  'unread-inbox': {
    start: { from: 'unread' },
    markSeen: true,
    flags: 'ignore',
    folders: { mode: 'selected', include: ['INBOX'], exclude: [] },
  },
  activities: {
    activity: { type: 'email', status: 'done', requireUser: true, requireSubject: true },
    severalCompanies: 'link-none',
  },
  'lead-history': { unmatched: 'drop', attachments: 'drop' },
} as const satisfies Record<string, Partial<Policy>>;

export type PresetName = keyof typeof presets;

const leftOutByDefault: ReadonlySet<FolderRole> = new Set<FolderRole>(['drafts', 'junk', 'trash']);

/** What a policy does with a folder: `fetch` its mail, `ledger-only` (rows `filtered: folder-role`, nothing fetched), or `ignore` it. */
export type FolderScope = 'fetch' | 'ledger-only' | 'ignore';

/**
 * Decides a folder's scope. Patterns are names with `*` for any run of characters, compared without case for INBOX only (RFC 9051 5.1).
 * In `all` mode a folder is fetched unless excluded; \Drafts, \Junk, \Trash only when `include` names them, and Gmail's labels likewise,
 * because their mail is in the folder of all mail.
 */
export function scopeOf(
  folder: { path: string; role: FolderRole | null; view?: 'label' },
  policy: Policy['folders'],
): FolderScope {
  const named = (patterns: string[]) => patterns.some((pattern) => matchesPattern(folder.path, pattern));
  if (named(policy.exclude)) return 'ignore';
  if (policy.mode === 'selected') return named(policy.include) ? 'fetch' : 'ignore';
  if (folder.view === 'label' && !named(policy.include)) return 'ignore';
  const leftOut = folder.role !== null && leftOutByDefault.has(folder.role);
  return leftOut && !named(policy.include) ? 'ledger-only' : 'fetch';
}

/** Linear in the lengths: the pieces between the stars are looked for from left to right. */
function matchesPattern(path: string, pattern: string): boolean {
  const name = path.toUpperCase() === 'INBOX' ? 'INBOX' : path;
  const pieces = (pattern.toUpperCase() === 'INBOX' ? 'INBOX' : pattern).split('*');
  const [first = '', ...rest] = pieces;
  const last = rest.pop();
  if (last === undefined) return name === first;
  if (!name.startsWith(first)) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = name.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}

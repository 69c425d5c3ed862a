import type { Outcome } from './ledger';

/** What must hold of a mailbox or a tenant at any time (docs/operations.md, "Verifying"). */
export type Invariant =
  | 'missing'
  | 'ended-but-alive'
  | 'extra'
  | 'undelivered'
  | 'folder-unknown'
  | 'folder-gone'
  | 'cursor-ahead'
  | 'flags-behind'
  | 'stored-too-long'
  | 'outcome-contradicts'
  | 'recorded-without-copy'
  | 'alive-in-retired-generation'
  | 'removal-overdue'
  | 'copy-without-placement'
  | 'bytes-missing'
  | 'bytes-damaged'
  | 'other-bytes-on-server'
  | 'event-missing'
  | 'event-doubled'
  | 'not-linked'
  | 'timeline-missing'
  | 'timeline-surplus'
  | 'activity-broken'
  | 'message-without-copy'
  | 'thread-merged'
  | 'sequence-broken'
  | 'dangling-rows'
  | 'rows-of-deleted';

/** Something that must hold and does not. Ids are UUIDs. */
export interface Violation {
  invariant: Invariant;
  folderId?: string;
  uid?: number;
  messageId?: string;
  /** What else it is about, never content: a table, an id. */
  about?: string;
}

/** For each invariant, what is wrong and what to do about it, for a person. */
const sentences: Record<Invariant, string> = {
  missing:
    'The server shows this message, and the ledger has no row for it, or that of another one. Compare the mailbox (POST /v1/mailboxes/{id}/completeness): the round that follows fetches it.',
  'ended-but-alive':
    'The server shows this message, and the ledger says that it has gone. Compare the mailbox (POST /v1/mailboxes/{id}/completeness): the round that follows takes it up again.',
  extra:
    'The ledger says that this message is on the server, which does not show it. Compare the mailbox (POST /v1/mailboxes/{id}/completeness): the round that follows ends it.',
  undelivered:
    'The server lists this message and does not deliver it. Replay or accept its failure (GET /v1/failures).',
  'folder-unknown': 'The server has this folder, and no round has listed its messages. See what the mailbox waits for.',
  'folder-gone': 'The ledger has this folder, and the server does not show it. See what the mailbox waits for.',
  'cursor-ahead':
    'The cursor of this folder says more than its rows prove, so nobody looks for what is missing. Compare the mailbox (POST /v1/mailboxes/{id}/completeness).',
  'flags-behind':
    'The flags of this message are not those of the server, although the cursor says that they were read.',
  'stored-too-long': 'This message has been stored for over five minutes without an outcome.',
  'outcome-contradicts': 'What the ledger row says of this message, and what there is of it, contradict each other.',
  'recorded-without-copy': 'This message is recorded in the ledger, and there is no copy of it.',
  'alive-in-retired-generation': 'This placement lives in a generation of its folder that the server no longer has.',
  'removal-overdue': 'This message waits to be removed, and its time has passed. See what the mailbox waits for.',
  'copy-without-placement': 'There is a copy of this message that no ledger row stands for.',
  'bytes-missing': 'Bytes of this message that should be kept are not there. Restore them from a backup.',
  'bytes-damaged': 'The kept bytes of this message are not those that were fetched. Restore them from a backup.',
  'other-bytes-on-server': 'The server has other bytes under this UID than those that were fetched from it.',
  'event-missing': 'Nobody was told of this message: it has no event in the outbox.',
  'event-doubled': 'It was told more than once that this message was recorded.',
  'not-linked':
    'This message is not in a timeline that it belongs to. Compare the mailbox (POST /v1/mailboxes/{id}/completeness): that puts it there.',
  'timeline-missing': 'Somebody who may see this message at a record does not find it there.',
  'timeline-surplus': 'A timeline shows this message, and nothing says that it may.',
  'activity-broken':
    'The activity of this message names a user or a record that is no more, is sorted by another date than the message, or is only half there.',
  'message-without-copy': 'No source has a copy of this message.',
  'thread-merged':
    'This message stands in a conversation that became part of another, where nobody finds it. Read it again (POST /v1/reprocess): that joins it.',
  'sequence-broken': 'The events of this mailbox, or of the tenant itself, are not numbered one by one.',
  'dangling-rows': 'Rows refer to what is no more.',
  'rows-of-deleted': 'Rows are left of a mailbox that was deleted.',
};

/** What is wrong, and what can be done, in words. */
export function sentenceOf({ invariant, about }: Violation): string {
  return about === undefined ? sentences[invariant] : `${sentences[invariant]} (${about})`;
}

/** What is the same violation when it is looked for again. */
function keyOf({ invariant, folderId, uid, messageId, about }: Violation): string {
  return JSON.stringify([invariant, folderId, uid, messageId, about]);
}

/** Of what was found in a second look, what had been found in the first. */
export function foundAgain(first: readonly Violation[], second: readonly Violation[]): Violation[] {
  const before = new Set(first.map(keyOf));
  return second.filter((violation) => before.has(keyOf(violation)));
}

/** Why something could not be checked: a code, never a server's words. */
export interface Unchecked {
  code: string;
  says: string;
}

/** A folder of a mailbox, as the server and the ledger have it. Ids are UUIDs. */
export interface VerifiedFolder {
  folderId: string;
  verdict: 'complete' | 'missing' | 'not-provable' | 'import-running';
  /** Where it is not provable: why. */
  reason: string | null;
  server: { messages: number | null };
  /** Live placements by outcome. */
  ledger: Partial<Record<Outcome, number>>;
}

/** What was looked at in a mailbox, and what was wrong. */
export interface VerifiedMailbox {
  mailboxId: string;
  /** Null where there is no such mailbox. */
  tenantId: string | null;
  folders: VerifiedFolder[];
  violations: Violation[];
  /** Copies of which the kept bytes were read, and placements of which the server's were. */
  compared: { kept: number; server: number };
  /** Null where everything could be checked. */
  unchecked: Unchecked | null;
  /** Its server is not asked, and need not agree: it is paused or stopped. */
  isAtRest: boolean;
}

/** What was wrong in a tenant, beside its mailboxes. */
export interface VerifiedTenant {
  tenantId: string;
  violations: Violation[];
}

/** Whether all of a mailbox was checked, and holds. */
export function isProven({ violations, unchecked }: VerifiedMailbox): boolean {
  return violations.length === 0 && unchecked === null;
}

const codes: Record<string, string> = {
  'no-such-mailbox': 'There is no such mailbox.',
  'changed-meanwhile': 'The mailbox was changed while it was looked at. Verify it again.',
  'import-running': 'Its first import is under way. Verify it when that is done.',
  'timelines-being-written':
    'Links or timelines are just being written (see GET /v1/operations), and were left out. Verify it when that is done.',
  throttled: 'Its server asks to be left alone for now. Verify it later.',
  'never-listed': 'No round has listed all of its folders so far.',
};

/** Why a mailbox, or a folder, could not be checked, in words. */
export function uncheckedFor(code: string): Unchecked {
  return { code, says: codes[code] ?? `The server could not be asked, or does not show everything: ${code}.` };
}

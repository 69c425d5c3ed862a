import { randomInt } from 'node:crypto';

import { isPartialView } from '../domain/partial-listing';
import type { AuditCause } from '../db/ingest/audit-findings';
import { recordAudit, recordAuditDone, recordAuditFailed, type FolderAudit } from '../db/ingest/audit-write';
import { foldersOnRecord, type FolderOnRecord, type KnownFolder } from '../db/ingest/folder-read';
import { mendLinks } from '../db/link-check';
import { askWhereHealed, beginAudit } from '../db/sync/audits-due';
import { mailboxForSync, type MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { Mailbox } from '../mail/mailbox';
import { compareFolder, unseenFolder } from './compare-folder';
import type { IdentityShare } from './compare-identities';
import { onConnection, type Connections } from './connections';
import type { ActivityContext, ActivityRun } from './context';
import { followFolders, type FollowedFolders } from './follow-folders';
import { routeBudget } from './list-folder';
import { failureBesideRounds, type NotDone } from './round-failure';
import { differencesOf, showAudit, type AuditCounts } from './show-audit';

export interface AuditRun {
  tenantId: string;
  mailboxId: string;
  operationId: string;
}

export type AuditResult =
  { kind: 'done'; folders: number; missing: number; extra: number; notProvable: number; linked: number } | NotDone;

/**
 * Answers "is anything missing?" for every folder in scope, computed against the server (product promise B13), and whether every recorded
 * message is in the timelines it belongs to. Differences are written down, and left to the round that follows; links are mended at once.
 * Its operation ends with it; where it cannot compare, nothing else changes: the state of the mailbox is for its rounds to say.
 * Second run: compares again.
 */
export async function auditFolders(
  context: ActivityContext & { connections: Connections },
  run: ActivityRun,
  input: AuditRun,
): Promise<AuditResult> {
  const failed = { ...input, againMs: context.limits.auditRetryMs };
  const shown = showAudit(context, input.mailboxId);
  let failedRounds = 0;
  try {
    const mailbox = await mailboxForSync(context.db, { ...input, runId: run.runId ?? null });
    if (mailbox === null || mailbox.desired === 'stopped') {
      await recordAuditFailed(context.db, failed, superseded);
      return { kind: 'superseded' };
    }
    failedRounds = mailbox.failedRounds;
    const cause = await beginAudit(context.db, input);
    const { audits, allMail } = await onConnection(context, run, {
      mailbox,
      purpose: 'audit',
      work: (on) => compareAll(on.context, on.run, { mailbox, open: on.open, cause, shown: shown.counts }),
    });
    const linked = await mendAllLinks(context, run, { mailbox, shown: shown.counts });
    return await conclude(context, { mailbox, operationId: input.operationId, cause, audits, allMail, linked });
  } catch (error) {
    // Here, and not by who asked: that process may be no more.
    const { notDone, reason } = failureBesideRounds({ failedRounds }, { error, run });
    const failure = reason ?? superseded;
    await recordAuditFailed(context.db, failed, failure);
    return notDone;
  } finally {
    shown.end();
  }
}

/** The mailbox is stopped, no more, or has a newer wish. */
const superseded = { code: 'superseded' };

/** A person who asks sees the bytes of both sides; what runs by itself asks big folders for them no more than once. */
const sizesUpTo: Record<AuditCause, number> = {
  person: 50_000,
  import: 50_000,
  again: 0,
  outage: 0,
  unproven: 0,
  rewound: 1_000,
  daily: 1_000,
};

/** Of a folder with more messages each audit compares another part, but for those that only look whether a difference has healed. */
function shareOf(cause: AuditCause, { identityRotationDays }: ActivityContext['limits']): IdentityShare {
  const isSoonAgain = cause === 'again' || cause === 'outage' || cause === 'unproven';
  return { allUpTo: sizesUpTo[cause], beyond: isSoonAgain ? 'newest' : { allInAudits: identityRotationDays } };
}

interface Compared {
  audits: FolderAudit[];
  allMail: FollowedFolders['allMail'];
}

async function compareAll(
  context: ActivityContext,
  run: ActivityRun,
  { shown, ...at }: { mailbox: MailboxForSync; open: Mailbox; cause: AuditCause; shown: AuditCounts },
): Promise<Compared> {
  const { cause } = at;
  const before = await foldersInScope(context, at.mailbox);
  const { folders, listed, allMail } = await followFolders(context, run, at);
  const statusOf = new Map(listed.map((folder) => [folder.path, folder.status]));
  const audits: FolderAudit[] = [];
  shown.folders = folders.filter(({ scope }) => scope !== 'ignore').length;
  const share = shareOf(cause, context.limits);
  const budget = routeBudget(context.limits.otherRouteCommands);
  // Where the commands are not enough for all, it is not always the same ones that get none.
  for (const folder of fromAny(folders)) {
    run.signal.throwIfAborted();
    const { scope } = folder;
    if (scope === 'ignore') continue;
    const status = statusOf.get(folder.path) ?? null;
    const comparison = { ...at, folder: { ...folder, scope }, status, share, budget };
    const audit = await compareFolder(context, comparison);
    await recordAudit(context.db, at.mailbox, { ...audit, cause });
    audits.push(audit);
    Object.assign(shown, { compared: audits.length, ...differencesOf(audits) });
    run.heartbeat();
  }
  for (const audit of await unlisted(context, at.mailbox, { before, folders })) {
    await recordAudit(context.db, at.mailbox, { ...audit, cause });
    audits.push(audit);
  }
  return { audits, allMail };
}

async function foldersInScope({ db }: ActivityContext, mailbox: MailboxForSync): Promise<FolderOnRecord[]> {
  const onRecord = await db.inTenant(mailbox.tenantId, (sql) => foldersOnRecord(sql, mailbox));
  return onRecord.filter(({ inScope, generation }) => inScope && generation !== null);
}

/** Folders that the server neither shows nor says to be gone: nothing is known of them for now. */
async function unlisted(
  context: ActivityContext,
  mailbox: MailboxForSync,
  { before, folders }: { before: FolderOnRecord[]; folders: KnownFolder[] },
): Promise<FolderAudit[]> {
  const shown = new Set(folders.map(({ folderId }) => folderId));
  const hidden = new Set(before.flatMap(({ folderId }) => (shown.has(folderId) ? [] : [folderId])));
  if (hidden.size === 0) return [];
  const now = await foldersInScope(context, mailbox);
  return now.filter(({ folderId }) => hidden.has(folderId)).map((folder) => unseenFolder(folder, 'not-listed'));
}

/** The same circle of folders, begun at any of them. */
function fromAny<T>(folders: readonly T[]): T[] {
  const first = folders.length === 0 ? 0 : randomInt(folders.length);
  return [...folders.slice(first), ...folders.slice(0, first)];
}

const copiesPerShare = 1_000;

async function mendAllLinks(
  context: ActivityContext,
  run: ActivityRun,
  { mailbox: { tenantId, sourceId }, shown }: { mailbox: MailboxForSync; shown: AuditCounts },
): Promise<number> {
  let mended = 0;
  shown.doing = 'links';
  let after: string | null = null;
  do {
    run.signal.throwIfAborted();
    const share = await mendLinks(context.db, { tenantId, sourceId, after, limit: copiesPerShare });
    mended += share.mended;
    shown.linked = mended;
    after = share.next;
    run.heartbeat();
  } while (after !== null);
  return mended;
}

interface Concluded extends Compared {
  mailbox: MailboxForSync;
  operationId: string;
  cause: AuditCause;
  linked: number;
}

async function conclude(
  context: ActivityContext,
  { mailbox, operationId, cause, audits, allMail, linked }: Concluded,
): Promise<AuditResult> {
  const { dailyAuditMs: dailyMs, auditAgainMs: againMs } = context.limits;
  const counts = { folders: audits.length, ...differencesOf(audits), linked };
  const verdict = worstOf(audits);
  await recordAuditDone(context.db, mailbox, {
    operationId,
    cause,
    folderIds: audits.map(({ folderId }) => folderId),
    verdict,
    isPartial: allMail === 'hidden' || audits.some(({ reason }) => isPartialView(reason)),
    linked,
    result: counts,
    dailyMs,
    againMs,
  });
  // A round that went on meanwhile may have put right what was found, and seen nothing of it.
  if (verdict !== 'complete')
    await askWhereHealed(context.db, { tenantId: mailbox.tenantId, mailboxId: mailbox.sourceId });
  return { kind: 'done', ...counts };
}

function worstOf(audits: FolderAudit[]): FolderAudit['verdict'] {
  if (audits.some(({ verdict }) => verdict === 'missing')) return 'missing';
  return audits.every(({ verdict }) => verdict === 'complete') ? 'complete' : 'not-provable';
}

import { MailFailure } from '../domain/failure';
import { believedListing } from '../domain/believed-listing';
import type { FolderStatus } from '../domain/folder';
import { absentFrom, outside } from '../domain/uid-set';
import { recordAudit, recordAuditDone, recordAuditFailed, type FolderAudit } from '../db/ingest/audit-write';
import type { FolderGeneration, KnownFolder } from '../db/ingest/folder-read';
import { ledgerRanges, liveRanges } from '../db/ingest/ledger-ranges';
import { mailboxForSync, type MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { Mailbox } from '../mail/mailbox';
import type { Connections } from './connections';
import type { ActivityContext, ActivityRun } from './context';
import { followFolders } from './follow-folders';
import { roundFailure, type NotDone } from './round-failure';

export interface AuditRun {
  tenantId: string;
  mailboxId: string;
  operationId: string;
}

export type AuditResult =
  { kind: 'done'; folders: number; missing: number; extra: number; notProvable: number } | NotDone;

/**
 * Answers "is anything missing?" for every folder in scope, computed against the server (product promise B13).
 * Its operation ends with it. Second run: compares again.
 */
export async function auditFolders(
  context: ActivityContext & { connections: Connections },
  run: ActivityRun,
  input: AuditRun,
): Promise<AuditResult> {
  const mailbox = await mailboxForSync(context.db, input);
  if (mailbox === null || mailbox.desired === 'stopped') {
    await recordAuditFailed(context.db, input, superseded);
    return { kind: 'superseded' };
  }
  try {
    const audits = await context.connections.use({ mailbox, purpose: 'sync', signal: run.signal }, (open) =>
      compareAll(context, run, { mailbox, open }),
    );
    const result = {
      folders: audits.length,
      missing: audits.reduce((sum, audit) => sum + audit.missing.length, 0),
      extra: audits.reduce((sum, audit) => sum + audit.extra.length, 0),
      notProvable: audits.filter((audit) => audit.verdict === 'not-provable').length,
    };
    const complete = audits.every((audit) => audit.verdict === 'complete');
    await recordAuditDone(context.db, mailbox, { operationId: input.operationId, complete, result });
    return { kind: 'done', ...result };
  } catch (error) {
    // Here, and not by who asked: that process may be no more.
    const notDone = await roundFailure(context, mailbox, { error, roundBegunAt: null });
    const failure = error instanceof MailFailure ? { kind: error.kind, code: error.code } : superseded;
    await recordAuditFailed(context.db, input, failure);
    return notDone;
  }
}

/** The mailbox is stopped, no more, or has a newer wish. */
const superseded = { code: 'superseded' };

async function compareAll(
  context: ActivityContext,
  run: ActivityRun,
  at: { mailbox: MailboxForSync; open: Mailbox },
): Promise<FolderAudit[]> {
  const { folders, listed } = await followFolders(context, run, at);
  const statusOf = new Map(listed.map((folder) => [folder.path, folder.status]));
  const audits: FolderAudit[] = [];
  for (const folder of folders) {
    run.signal.throwIfAborted();
    if (folder.scope === 'ignore') continue;
    const { scope, generation } = folder;
    const status = statusOf.get(folder.path) ?? null;
    const audit =
      generation === null ? neverListed(folder) : await compare(context, { ...at, folder, status, scope, generation });
    await recordAudit(context.db, at.mailbox, audit);
    audits.push(audit);
    run.heartbeat();
  }
  return audits;
}

/** A folder in scope that no round could open so far: nothing is known of it, least of all that it is complete. */
function neverListed(folder: KnownFolder): FolderAudit {
  const nothing = { serverCount: null, serverBytes: null, missing: [], extra: [] };
  return { folderId: folder.folderId, genId: null, ...nothing, verdict: 'not-provable', reason: 'never-listed' };
}

interface Comparison {
  mailbox: MailboxForSync;
  open: Mailbox;
  folder: KnownFolder;
  status: FolderStatus | null;
  scope: 'fetch' | 'ledger-only';
  generation: FolderGeneration;
}

const sizesUpTo = 50_000;

async function compare(context: ActivityContext, of: Comparison): Promise<FolderAudit> {
  const { folder, generation } = of;
  const open = await of.open.examine(folder.path);
  const side = { folderId: folder.folderId, genId: generation.id };
  if (open.snapshot.uidValidity !== generation.uidValidity) {
    const nothing = { serverCount: open.snapshot.messages, serverBytes: null, missing: [], extra: [] };
    return { ...side, ...nothing, verdict: 'not-provable', reason: 'uidvalidity-changed' };
  }
  const { uidValidity } = open.snapshot;
  const listing = believedListing(await open.listUids(), { status: of.status, uidValidity });
  const tenantId = of.mailbox.tenantId;
  const missing = outside(
    listing.uids,
    await ledgerRanges(context.db, tenantId, { genId: generation.id, scope: of.scope }),
  );
  const extra = listing.proven ? absentFrom(await liveRanges(context.db, tenantId, generation.id), listing.uids) : [];
  const sizes = listing.uids.length <= sizesUpTo ? await open.fetchEnvelopes(listing.uids) : null;
  const counted = {
    serverCount: listing.proven ? listing.uids.length : open.snapshot.messages,
    serverBytes: sizes?.reduce((sum, envelope) => sum + envelope.size, 0) ?? null,
  };
  if (!listing.proven) return { ...side, ...counted, missing, extra, verdict: 'not-provable', reason: listing.reason };
  const verdict = missing.length + extra.length === 0 ? 'complete' : 'missing';
  const importing = !generation.historyDone && missing.length > 0 ? 'import-running' : null;
  return { ...side, ...counted, missing, extra, verdict, reason: importing };
}
